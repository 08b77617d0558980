using AttentionComposer.Caches;
using AttentionComposer.Kernels;
using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>The golden cases of SparQ: outputs, masses, channels and the sets of positions.</summary>
public sealed class GoldenSparQTests
{
    public static TheoryData<string, KvFormat, int> Cases(string op)
    {
        var cases = new TheoryData<string, KvFormat, int>();
        foreach (GoldenCase golden in GoldenCase.Of(op))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                foreach (int bits in KernelSettings.VectorWidths)
                    if (SparQCase.PipelineOf(golden, format) is not null)
                        cases.Add(golden.Name, format, bits);
        return cases;
    }

    [Fact]
    public void NoCaseIsLeftOut()
    {
        Assert.Equal(GoldenCase.Of("sparq").Count() * 3, Cases("sparq").Count(row => row[1] is KvFormat.Float32));
        Assert.Equal(2 * 3, Cases("sparq_decode").Count(row => row[1] is KvFormat.Float32));
    }

    [Theory, MemberData(nameof(Cases), "sparq")]
    public void Step(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Named(name);
        IAttention attention = SparQCase.PipelineOf(golden, format)!;
        (Sequence sequence, int[] positions) = SparQCase.VisibleOf(golden);

        // A test that watches sees every choice; without it a budget that holds all keys runs dense.
        SelectionTrace trace = Run(attention, sequence, watched: true, out float[] output);
        Run(attention, sequence, watched: false, out float[] unwatched);
        Check(golden, "out", output);
        Check(golden, "out", unwatched);
        if (golden.Has("v_mean") && golden.Flag("reallocate"))
            Check(golden, "v_mean", MeanOf(attention, sequence));
        if (golden.Flag("reallocate"))
            Check(golden, "alpha", trace.Mass);
        if (golden.Has("dims"))
            CheckSets(golden.Expected("dims"), trace.Channels, "channels");
        if (golden.Has("indices"))
            CheckSets(golden.Expected("indices"), ByKeyValueHead(trace, positions), "positions");
    }

    [Theory, MemberData(nameof(Cases), "sparq_decode")]
    public void Decode(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Named(name);
        IAttention attention = SparQCase.PipelineOf(golden, format)!;
        int start = golden.Integer("start"), steps = golden.Integer("steps");
        Sequence sequence = SparQCase.DecodedOf(golden, attention.Shape);

        using KvCache cache = attention.CreateCache(start + steps);
        var rows = (RowCache)cache;
        rows.Trace = new SelectionTrace(attention.Shape);
        attention.Append(cache, sequence.KeysAt(..start), sequence.ValuesAt(..start));
        List<float> outputs = [], masses = [], means = [];
        for (int step = 0; step < steps; step++)
        {
            var output = new float[attention.Shape.QueryWidth];
            int position = start + step;
            attention.Attend(
                cache, sequence.QueriesAt(step..(step + 1)), sequence.KeysAt(position..(position + 1)), sequence.ValuesAt(position..(position + 1)), output);
            outputs.AddRange(output);
            masses.AddRange(rows.Trace.Mass);
            if (golden.Flag("reallocate"))
                means.AddRange(MeanOf(rows));
        }

        Check(golden, "out", [.. outputs]);
        if (!golden.Flag("reallocate"))
            return;
        Check(golden, "alpha", [.. masses]);
        Check(golden, "v_mean", [.. means]);
    }

    internal static float[] MeanOf(RowCache cache) =>
        [.. Enumerable.Range(0, cache.Shape.KeyValueHeads).SelectMany(head =>
        {
            var mean = new float[cache.Shape.HeadDim];
            cache.ValueSums!.Mean(cache, head, [new KeyRange(0, cache.Length, 0, cache.Length)], except: default, mean);
            return mean;
        })];

    static int[][] ByKeyValueHead(SelectionTrace trace, int[] positions) =>
        [.. trace.Positions.Where((_, head) => head % (trace.Positions.Length / trace.Channels.Length) == 0)
            .Select(chosen => chosen.Select(position => positions[position]).ToArray())];

    static float[] MeanOf(IAttention attention, Sequence sequence)
    {
        using KvCache cache = attention.CreateCache(sequence.Positions);
        attention.Append(cache, sequence.Keys, sequence.Values);
        return MeanOf((RowCache)cache);
    }

    internal static SelectionTrace Run(IAttention attention, Sequence sequence, bool watched, out float[] output)
    {
        using KvCache cache = attention.CreateCache(sequence.Positions + 3);
        var trace = new SelectionTrace(attention.Shape);
        ((RowCache)cache).Trace = watched ? trace : null;
        attention.Append(cache, sequence.Keys, sequence.Values);
        output = new float[sequence.Queries.Length];
        Array.Fill(output, -77777);
        attention.Attend(cache, sequence.Queries, output);
        return trace;
    }

    static void Check(GoldenCase golden, string name, float[] actual) =>
        golden.Tolerance(name).Check(actual, golden.Expected(name).Data, $"{golden.Name}, {name}");

    internal static void CheckSets(Tensor expected, int[][] actual, string what)
    {
        int count = expected.Dimensions[^1];
        for (int head = 0; head < actual.Length; head++)
            Assert.True(
                expected.Data[(head * count)..((head + 1) * count)].Select(x => (int)x).Where(x => x >= 0).Order().SequenceEqual(actual[head]),
                $"{what} of head {head}: {string.Join(' ', actual[head])} instead of {string.Join(' ', expected.Data[(head * count)..((head + 1) * count)])}");
    }
}
