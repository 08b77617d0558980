using AttentionComposer.Tests.Functions.Declared;

namespace AttentionComposer.Tests.Functions;

/// <summary>Intervals of keys whose ends the call captures: any number may stand in the field.</summary>
public sealed class CapturedBoundTests
{
    static readonly int[] s_numbers = [int.MinValue, -3, 0, 1, 37, 64, 99, 100, 5000, int.MaxValue];

    public static TheoryData<int> Numbers => [.. s_numbers];

    [Theory, MemberData(nameof(Numbers))]
    public void AnyNumberIsABound(int prefix)
    {
        foreach (int radius in s_numbers)
        {
            var attention = new PrefixAndRadius(prefix, radius);
            Assert.False(attention.Plan.TestsTiles);
            var reference = ReferenceAttention.Of(attention.Plan) with { Mask = (_, query, key) => attention.Visible(query, key) };
            foreach ((int positions, int rows) in new[] { (100, 100), (100, 1), (100, 3), (30, 80) })
            {
                Sequence sequence = Sequence.Random(attention.Shape, positions, rows, seed: rows);
                Result expected = Result.OfReference(reference, sequence);
                foreach (int bits in KernelSettings.VectorWidths)
                {
                    using var _ = KernelSettings.VectorBits(bits);
                    RowTolerance.Float32.Check(Result.OfStored(attention, sequence), expected, $"prefix {prefix}, radius {radius}, {positions} positions, {rows} rows, {bits} bits");
                }
            }
        }
    }

    /// <summary>A bound for each sequence of a batch, and the refusal of a sequence that has none.</summary>
    [Fact]
    public void EachSequenceOfABatchHasItsLength()
    {
        int[] lengths = [0, 30, 17, int.MaxValue];
        var attention = new LengthsOfBatch(lengths);
        Assert.False(attention.Plan.TestsTiles);
        Sequence[] sequences = [.. lengths.Select((_, i) => Sequence.Random(attention.Shape, 30 + 50 * i, 1, seed: i))];
        KvCache[] caches = [.. sequences.Select(sequence => attention.CreateCache(sequence.Positions))];
        for (int i = 0; i < caches.Length; i++)
            attention.Append(caches[i], sequences[i].Keys, sequences[i].Values);

        int width = attention.Shape.QueryWidth;
        float[] queries = [.. sequences.SelectMany(sequence => sequence.Queries)], output = new float[queries.Length];
        attention.AttendBatch(caches, queries, output);
        for (int i = 0; i < caches.Length; i++)
        {
            int length = lengths[i];
            var reference = ReferenceAttention.Of(attention.Plan) with { Mask = (_, _, key) => key < length };
            Tolerance.Float32.Check(output.AsSpan(i * width, width), Result.OfReference(reference, sequences[i]).Output, $"sequence {i}");
        }

        float[] before = [.. output];
        var tooFew = new LengthsOfBatch(lengths[..3]);
        Assert.Contains("LengthsOfBatch.Visible", Assert.Throws<IndexOutOfRangeException>(() => tooFew.AttendBatch(caches, queries, output)).Message);
        Assert.Equal(before, output);
        foreach (KvCache cache in caches)
            cache.Dispose();
    }
}
