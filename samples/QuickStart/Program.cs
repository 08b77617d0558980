using AttentionComposer;

// A prefix of 1,000 random tokens, then one step of a decoder.
const int prefix = 1000;
var random = new Random(1);
foreach (IAttention attention in (IAttention[])[new Dense(), new Local()])
{
    var shape = attention.Shape;
    float[] keys = Draw((prefix + 1) * shape.KeyValueWidth), values = Draw((prefix + 1) * shape.KeyValueWidth), query = Draw(shape.QueryWidth);

    using var cache = attention.CreateCache(capacity: 4096);
    int stored = prefix * shape.KeyValueWidth;
    attention.Append(cache, keys.AsSpan(0, stored), values.AsSpan(0, stored));

    var output = new float[shape.QueryWidth];
    attention.Attend(cache, query, keys.AsSpan(stored), values.AsSpan(stored), output);

    Console.WriteLine(attention.Plan);
    Console.WriteLine($"  {cache.Length} positions in {cache.SizeInBytes / 1024} KiB; output {string.Join(", ", output.Take(4).Select(x => x.ToString("0.0000")))}, ...");

    // The same in float64, one key at a time.
    var expected = new double[shape.QueryWidth];
    ReferenceAttention.Of(attention.Plan).Attend(query, keys, values, expected);
    Console.WriteLine($"  largest difference to the reference: {output.Zip(expected, (a, b) => Math.Abs(a - b)).Max():0.0e0}\n");
}

float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];

// Two attention variants. The generator writes the other half of these classes: their kernels.

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
[Causal]
sealed partial class Dense;

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
[Causal, SlidingWindow(256), Sinks(4), SoftCap(30f), KvCache(KvFormat.Float16)]
sealed partial class Local;
