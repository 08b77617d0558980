using AttentionComposer;

const int prefix = 1000;
var random = new Random(1);
Show(new Dense());
Show(new Local());

// A decoder's step behind a prefix of random keys and values. It takes any IAttention and does not know which.
void Show(IAttention attention)
{
    AttentionShape shape = attention.Shape;
    float[] keys = Draw((prefix + 1) * shape.KeyValueWidth);
    float[] values = Draw((prefix + 1) * shape.KeyValueWidth);
    float[] query = Draw(shape.QueryWidth);
    float[] output = new float[shape.QueryWidth];

    using KvCache cache = attention.CreateCache(capacity: 4096);
    int stored = prefix * shape.KeyValueWidth;
    attention.Append(cache, keys.AsSpan(0, stored), values.AsSpan(0, stored));
    attention.Attend(cache, query, keys.AsSpan(stored), values.AsSpan(stored), output);

    // The same in float64, one key at a time.
    double[] expected = new double[shape.QueryWidth];
    ReferenceAttention.Of(attention.Plan).Attend(query, keys, values, expected);
    double difference = output.Zip(expected, (a, b) => Math.Abs(a - b)).Max();

    Console.WriteLine(attention.Plan);
    Console.WriteLine($"  {cache.Length} positions in {cache.SizeInBytes / 1024} KiB");
    Console.WriteLine($"  output {output[0]:0.0000}, {output[1]:0.0000}, {output[2]:0.0000}, ... within {difference:0e0} of the reference\n");
}

float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];

// Two attention variants: the generator writes the other half of each class, its kernels.

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
[Causal]
sealed partial class Dense;

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
[Causal, SlidingWindow(256), Sinks(4), SoftCap(30f)]
[KvCache(KvFormat.Float16)]
sealed partial class Local;
