using AttentionComposer.Kernels;
using AttentionComposer.Tests.Functions.Declared;
using AttentionGym;

namespace AttentionComposer.Tests.Functions;

/// <summary>Arrays that functions read: too short, missing, replaced between calls, and never asked for hidden keys.</summary>
public sealed class TableTests
{
    public static TheoryData<int, int, bool> Phases => new() { { 100, 1, false }, { 100, 90, false }, { 100, 3, true }, { 100, 90, true } };

    /// <summary>The call is refused by the function's name, and the cache and the outputs are as if it had not been made.</summary>
    [Theory, MemberData(nameof(Phases))]
    public void AVisibleKeyOutsideOfATableUndoesTheCall(int positions, int rows, bool careful)
    {
        foreach (int bits in KernelSettings.VectorWidths)
        {
            using var _ = KernelSettings.VectorBits(bits);
            CheckRefused(new PackedDocuments(new int[positions - 1]), "PackedDocuments.Visible", positions, rows, careful);
            CheckRefused(new DistanceTable(new float[positions - 7]), "DistanceTable.Biased", positions, rows, careful);
            CheckRefused(new PackedBias(new float[2 * positions - 1], positions), "PackedBias.Biased", positions, rows, careful);
            CheckRefused(new BucketedBias(new float[20, 8]), "BucketedBias.Biased", positions, rows, careful);
            CheckRefused(new BucketedBias(new float[32, 7]), "BucketedBias.Biased", positions, rows, careful);
            CheckRefused(new PackedDocumentsInMemory(new int[40]), "PackedDocumentsInMemory.Visible", positions, rows, careful);
            CheckRefused(new AlibiByFunction(new float[7]), "AlibiByFunction.Bias", positions, rows, careful);
            CheckRefused(new DistanceTable([]), "DistanceTable.Biased", positions, rows, careful);
            CheckRefused(new GraphSpatialBias(Distances(positions, 6), new float[8, 5]), "GraphSpatialBias.Biased", positions, rows, careful);
            CheckRefused(new GraphSpatialBias(Distances(positions, 41), new float[8, 40]), "GraphSpatialBias.Biased", positions, rows, careful);
        }
    }

    static void CheckRefused(IAttention attention, string function, int positions, int rows, bool careful)
    {
        Sequence sequence = Sequence.Random(attention.Shape, positions, rows, seed: 3, attention.Plan.Format);
        int start = positions - rows;
        using KvCache cache = attention.CreateCache(positions);
        attention.Append(cache, sequence.KeysAt(..start), sequence.ValuesAt(..start));
        if (careful)
            sequence.Queries[0] = float.PositiveInfinity;

        Result result = Result.Unwritten(attention.Shape, rows), before = Result.Unwritten(attention.Shape, rows);
        var refusal = Assert.Throws<IndexOutOfRangeException>(() => attention.Attend(
            cache, sequence.Queries, sequence.KeysAt(start..), sequence.ValuesAt(start..), result.Output, result.LogSumExp));
        Assert.Contains(function, refusal.Message);
        Assert.Equal(start, cache.Length);
        result.CheckSame(before, function);

        attention.Append(cache, sequence.KeysAt(start..), sequence.ValuesAt(start..));
        Assert.Throws<IndexOutOfRangeException>(() => attention.Attend(cache, sequence.Queries, result.Output, result.LogSumExp));
        result.CheckSame(before, function);
        if (rows == 1)
        {
            Assert.Throws<IndexOutOfRangeException>(() => attention.AttendBatch([cache], sequence.Queries, result.Output));
            result.CheckSame(before, function);
        }
    }

    /// <summary>Outputs are kept to be brought back only where ranges of positions do not prove the indices of a call.</summary>
    [Fact]
    public void ACallThatCannotReadOutsideIsKnownBeforehand()
    {
        Assert.False(MayReadOutside(new DistanceTable(new float[100]), first: 40, last: 99));
        Assert.True(MayReadOutside(new DistanceTable(new float[99]), first: 40, last: 99));
        Assert.False(MayReadOutside(new DistanceTable(new float[100]), first: -5, last: 99)); // queries before the sequence see nothing
        Assert.False(MayReadOutside(new NearTable(new float[10]), first: 40, last: 99));
        Assert.True(MayReadOutside(new NearTable(new float[9]), first: 40, last: 99));
        Assert.False(MayReadOutside(new PackedDocuments(new int[100]), first: 40, last: 99));
        Assert.True(MayReadOutside(new PackedDocuments(new int[99]), first: 40, last: 99));
        Assert.False(MayReadOutside(new ClampedRelativeTable(new float[41]), first: 0, last: 99));
        Assert.True(MayReadOutside(new ClampedRelativeTable(new float[40]), first: 0, last: 99));
        Assert.False(MayReadOutside(new GraphEdgeBias(new float[2, 100, 100]), first: 0, last: 99));
        Assert.True(MayReadOutside(new GraphEdgeBias(new float[1, 100, 100]), first: 0, last: 99));

        static bool MayReadOutside(IFusedKernels kernels, int first, int last)
        {
            object? captured = kernels.Capture();
            bool may = kernels.MayReadOutside(captured, first, last, length: last + 1, batches: 1);
            kernels.Release(captured);
            return may;
        }
    }

    /// <summary>Rows of tables that fit one vector, two, or none, at each width.</summary>
    [Theory, InlineData(1), InlineData(4), InlineData(7), InlineData(8), InlineData(9), InlineData(16), InlineData(17), InlineData(32), InlineData(33), InlineData(100)]
    public void ElementsAreLookedUpInRowsOfAnyLength(int length)
    {
        const int Positions = 150;
        var random = new Random(length);
        var bias = new float[8, length];
        for (int i = 0; i < bias.Length; i++)
            bias[i / length, i % length] = random.NextSingle() * 4 - 2;
        int[,] distances = Distances(Positions, length);
        var attention = new GraphSpatialBias(distances, bias);
        var reference = ReferenceAttention.Of(attention.Plan) with { Score = (score, head, query, key) => score + bias[head, distances[query, key]] };
        foreach (int rows in new[] { 1, 150 })
        {
            Sequence sequence = Sequence.Random(attention.Shape, Positions, rows, seed: rows);
            foreach (int bits in KernelSettings.VectorWidths)
            {
                using var _ = KernelSettings.VectorBits(bits);
                Result.OfStep(attention, sequence).CheckAgainst(Result.OfReference(reference, sequence), Tolerance.Float32, $"{length} distances, {rows} rows, {bits} bits");
            }
        }
    }

    // Every distance below a count, the largest of them between the last position and the first.
    static int[,] Distances(int positions, int count)
    {
        var distances = new int[positions, positions];
        for (int i = 0; i < positions; i++)
            for (int j = 0; j < positions; j++)
                distances[i, j] = (positions - 1 - i + j * 7 + count - 1) % count;
        return distances;
    }

    /// <summary>A key that another mask hides is not asked for, however short the table is; nor one that the function's own condition hides.</summary>
    [Fact]
    public void HiddenKeysAreNotLookedUp()
    {
        const int Positions = 200;
        float[] table = [.. Enumerable.Range(0, 10).Select(i => i * 0.1f)];
        foreach (IAttention attention in new IAttention[] { new NearTable(table), new GuardedTable(table) })
        {
            var reference = ReferenceAttention.Of(attention.Plan) with
            {
                Mask = attention is NearTable ? (_, query, key) => query - key < 10 : null,
                Score = (score, _, query, key) => query - key < 10 ? score + table[query - key] : score,
            };
            foreach (int rows in new[] { 1, 2, 200 })
            {
                Sequence sequence = Sequence.Random(attention.Shape, Positions, rows, seed: rows);
                foreach (int bits in KernelSettings.VectorWidths)
                {
                    using var _ = KernelSettings.VectorBits(bits);
                    Result.OfStep(attention, sequence).CheckAgainst(Result.OfReference(reference, sequence), Tolerance.Float32, $"{attention.Plan.Name}, {rows} rows");
                }
            }
        }
    }

    /// <summary>With more queries than positions the first rows stand before the sequence; a causal mask hides every key from them.</summary>
    [Fact]
    public void QueriesBeforeTheSequenceAreNotLookedUp()
    {
        var attention = new PackedDocuments([0, 0, 0]);
        Sequence sequence = Sequence.Random(attention.Shape, 3, 40, seed: 1);
        Result result = Result.OfStored(attention, sequence);
        Assert.All(result.Output[..(37 * attention.Shape.QueryWidth)], scalar => Assert.Equal(0, scalar));
        Assert.All(result.LogSumExp[..(37 * attention.Shape.QueryHeads)], scalar => Assert.Equal(float.NegativeInfinity, scalar));
    }

    [Fact]
    public void WhatIsMissingIsRefusedBeforeAnythingChanges()
    {
        Check<InvalidOperationException>(new PackedDocuments(null!), "_document is null");
        Check<InvalidOperationException>(new LearnedSinks(null!), "_sinks is null");
        Check<InvalidOperationException>(new LearnedSinks(new float[7]), "7 logits");
        Check<DivideByZeroException>(new SharedPrefix(3, 0), "_continuation is 0");

        static void Check<T>(IAttention attention, string part)
            where T : Exception
        {
            Sequence sequence = Sequence.Random(attention.Shape, 5, 5, seed: 1);
            using KvCache cache = attention.CreateCache(5);
            var result = Result.Unwritten(attention.Shape, 5);
            var refusal = Assert.Throws<T>(() => attention.Attend(cache, sequence.Queries, sequence.Keys, sequence.Values, result.Output));
            Assert.Contains(part, refusal.Message);
            Assert.Equal(0, cache.Length);
            result.CheckSame(Result.Unwritten(attention.Shape, 5), part);
        }
    }

    /// <summary>Fields are read at the call: the next one sees what they hold then.</summary>
    [Fact]
    public void AReplacedArrayCounts()
    {
        var attention = new Replaceable { Bias = new float[8] };
        Sequence sequence = Sequence.Random(attention.Shape, 20, 20, seed: 1);
        Result first = Result.OfStep(attention, sequence);
        attention.Bias = [1, 2, 3, 4, 5, 6, 7, 8];
        var reference = ReferenceAttention.Of(attention.Plan) with { Score = (score, head, _, key) => score + attention.Bias[head] * key };
        Result.OfStep(attention, sequence).CheckAgainst(Result.OfReference(reference, sequence), Tolerance.Float32, "replaced");
        attention.Bias = new float[8];
        Result.OfStep(attention, sequence).CheckSame(first, "restored");
    }

    /// <summary>The index of a cache in a batch.</summary>
    [Fact]
    public void ABatchKnowsItsCaches()
    {
        var attention = new FirstKeysByBatch();
        Sequence[] sequences = [.. Enumerable.Range(0, 3).Select(i => Sequence.Random(attention.Shape, 30 + i, 1, seed: i))];
        KvCache[] caches = [.. sequences.Select(sequence => attention.CreateCache(sequence.Positions))];
        for (int i = 0; i < 3; i++)
            attention.Append(caches[i], sequences[i].Keys, sequences[i].Values);
        var output = new float[3 * attention.Shape.QueryWidth];
        attention.AttendBatch(caches, [.. sequences.SelectMany(sequence => sequence.Queries)], output);
        for (int i = 0; i < 3; i++)
        {
            int batch = i;
            var reference = ReferenceAttention.Of(attention.Plan) with { Mask = (_, _, key) => key <= batch * 9 };
            Tolerance.Float32.Check(
                output.AsSpan(i * attention.Shape.QueryWidth, attention.Shape.QueryWidth), Result.OfReference(reference, sequences[i]).Output, $"cache {i}");
            caches[i].Dispose();
        }
    }

    /// <summary>After the first calls nothing is allocated, whatever is captured.</summary>
    [Fact]
    public void CallsDoNotAllocate()
    {
        var attention = new PackedDocuments(new int[300]);
        Sequence sequence = Sequence.Random(attention.Shape, 300, 1, seed: 1);
        using KvCache cache = attention.CreateCache(300);
        attention.Append(cache, sequence.Keys, sequence.Values);
        var output = new float[attention.Shape.QueryWidth];
        for (int i = 0; i < 50; i++)
            attention.Attend(cache, sequence.Queries, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            attention.Attend(cache, sequence.Queries, output);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
