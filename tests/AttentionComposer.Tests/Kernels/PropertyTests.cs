using System.Runtime.InteropServices;

namespace AttentionComposer.Tests.Kernels;

/// <summary>What holds whatever the numbers are. Each property is tried with random sizes; a failure names its seed.</summary>
public sealed class PropertyTests
{
    [Theory]
    [InlineData(nameof(Variants.FullOf40F32))]
    [InlineData(nameof(Variants.FullOf40F16))]
    [InlineData(nameof(Variants.FullSoftCapOf112BF16))]
    [InlineData(nameof(Variants.FullOf40I8))]
    public void AnySplitAndMergeOrderGivesTheWhole(string name) => ForSeeds(20, seed =>
    {
        IAttention attention = Variants.Named(name);
        var random = new Random(seed);
        Sequence whole = Sequence.Random(attention.Shape, random.Next(0, 200), random.Next(1, 20), seed, attention.Plan.Format);
        var parts = new List<Result>();
        for (int start = 0, end; start < whole.Positions; start = end)
        {
            end = Math.Min(whole.Positions, start + random.Next(0, 70));
            parts.Add(Result.OfStored(attention, whole with
            {
                Keys = whole.KeysAt(start..end).ToArray(),
                Values = whole.ValuesAt(start..end).ToArray(),
            }));
        }

        random.Shuffle(CollectionsMarshal.AsSpan(parts));
        while (parts.Count > 1)
        {
            int count = random.Next(2, parts.Count + 1);
            Result merged = Result.Unwritten(whole.Shape, whole.Rows);
            PartialAttention.Merge(
                parts[..count].SelectMany(part => part.Output).ToArray(), parts[..count].SelectMany(part => part.LogSumExp).ToArray(),
                merged.Output, merged.LogSumExp);
            parts.RemoveRange(0, count);
            parts.Add(merged);
        }

        if (parts.Count == 1)
            parts[0].CheckAgainst(Result.OfStored(attention, whole), Tolerance.Float32, $"{name}, seed {seed}");
    });

    [Theory]
    [InlineData(nameof(Variants.FullOf40F32), 9)]
    [InlineData(nameof(Variants.FullSoftCapOf112F16), 30)]
    [InlineData(nameof(Variants.CausalOf128BF16), 1)] // the last position sees all, in any order
    [InlineData(nameof(Variants.CausalOf128I8), 1)]
    public void PermutedPositionsGiveTheSame(string name, int rows) => ForSeeds(10, seed =>
    {
        IAttention attention = Variants.Named(name);
        var random = new Random(seed);
        Sequence sequence = Sequence.Random(attention.Shape, random.Next(1, 300), rows, seed, attention.Plan.Format);
        int[] order = [.. Enumerable.Range(0, sequence.Positions)];
        random.Shuffle(order);
        var permuted = sequence with
        {
            Keys = [.. order.SelectMany(position => sequence.KeysAt(position..(position + 1)).ToArray())],
            Values = [.. order.SelectMany(position => sequence.ValuesAt(position..(position + 1)).ToArray())],
        };
        Result.OfStored(attention, permuted)
            .CheckAgainst(Result.OfStored(attention, sequence), Tolerance.Float32, $"{name}, seed {seed}");
    });

    public static TheoryData<string> CausalVariants =>
    [
        nameof(Variants.Causal4x4Of32F32), nameof(Variants.EverythingOf32F32), nameof(Variants.EverythingOf32BF16),
        nameof(Variants.AlibiOf40F16), nameof(Variants.MoreSinksThanWindowOf64F16), nameof(Variants.WindowOfOneOf72F32),
        nameof(Variants.WindowOf80F32), nameof(Variants.WindowSinkAlibiOf96F32), nameof(Variants.EverythingOf32I8), nameof(Variants.AlibiOf40I8),
    ];

    /// <summary>Whole prefill = prefill in pieces of any sizes = token by token, for caches that keep all and for rings.</summary>
    [Theory, MemberData(nameof(CausalVariants))]
    public void PiecesOfAnySizeGiveTheWhole(string name) => ForSeeds(4, seed =>
    {
        IAttention attention = Variants.Named(name);
        var random = new Random(seed);
        int positions = random.Next(1, 500);
        Sequence whole = Sequence.Random(attention.Shape, positions, positions, seed, attention.Plan.Format);
        Result expected = Result.OfReference(ReferenceAttention.Of(attention.Plan), whole);
        foreach (int largest in new[] { positions, 70, 6, 1 })
        {
            using KvCache cache = attention.CreateCache(positions);
            InPieces(attention, cache, whole, random, largest)
                .CheckAgainst(expected, Tolerance.Float32, $"{name}, seed {seed}, pieces of up to {largest}");
        }
    });

    /// <summary>A window's cache does not grow with the sequence, and every step sees what a contiguous cache would show it.</summary>
    [Theory]
    [InlineData(nameof(Variants.WindowOf80F32), 80 * 1 * 4)]
    [InlineData(nameof(Variants.WindowOfOneOf72F16), 80 * 2 * 2)]
    [InlineData(nameof(Variants.EverythingOf32F32), 32 * 1 * 4)]
    [InlineData(nameof(Variants.EverythingOf32BF16), 32 * 1 * 2)]
    [InlineData(nameof(Variants.MoreSinksThanWindowOf64F16), 64 * 3 * 2)]
    [InlineData(nameof(Variants.WindowOf80I8), 80 * 1 + 4)]
    public void RingsShowWhatContiguousCachesWould(string name, int bytesPerRow)
    {
        const int Positions = 5000;
        IAttention attention = Variants.Named(name);
        AttentionPlan plan = attention.Plan;
        var reference = ReferenceAttention.Of(plan);
        Sequence whole = Sequence.Random(plan.Shape, Positions, Positions, seed: 5, plan.Format);
        using KvCache cache = attention.CreateCache(Positions);
        long bytes = cache.SizeInBytes;
        Assert.InRange(bytes, 2L * bytesPerRow * (plan.Window + plan.Sinks), 2L * bytesPerRow * (plan.Window + plan.Sinks + 512));

        var random = new Random(6);
        Result result = Result.Unwritten(plan.Shape, 1);
        Result inOneCall = Result.Unwritten(plan.Shape, Positions);
        using KvCache another = attention.CreateCache(Positions);
        attention.Attend(another, whole.Queries, whole.Keys, whole.Values, inOneCall.Output, inOneCall.LogSumExp);

        for (int position = 0; position < Positions; position++)
        {
            var token = position..(position + 1);
            attention.Attend(
                cache, whole.QueriesAt(token), whole.KeysAt(token), whole.ValuesAt(token), result.Output, result.LogSumExp);
            if (position % 97 > 2 && position < Positions - 3)
                continue;

            var seen = new Sequence(
                plan.Shape, whole.QueriesAt(token).ToArray(),
                whole.KeysAt(..(position + 1)).ToArray(), whole.ValuesAt(..(position + 1)).ToArray());
            Result expected = Result.OfReference(reference, seen);
            result.CheckAgainst(expected, Tolerance.Float32, $"{name}, position {position}");
            var row = new Result(
                inOneCall.Output.AsSpan(position * plan.Shape.QueryWidth, plan.Shape.QueryWidth).ToArray(),
                inOneCall.LogSumExp.AsSpan(position * plan.Shape.QueryHeads, plan.Shape.QueryHeads).ToArray());
            row.CheckAgainst(expected, Tolerance.Float32, $"{name}, position {position} of one call");
        }

        Assert.Equal((Positions, bytes), (cache.Length, cache.SizeInBytes));
    }

    /// <summary>Speculation: some tokens go in, some are taken back, others follow. The end is as if they had never been there.</summary>
    [Theory, MemberData(nameof(CausalVariants))]
    public void TruncatedTokensLeaveNoTrace(string name) => ForSeeds(3, seed =>
    {
        IAttention attention = Variants.Named(name);
        AttentionShape shape = attention.Shape;
        var random = new Random(seed);
        int positions = random.Next(200, 400);
        Sequence whole = Sequence.Random(shape, positions, positions, seed, attention.Plan.Format);
        Sequence rejected = Sequence.Random(shape, 8, 8, seed + 1, attention.Plan.Format);
        using KvCache cache = attention.CreateCache(positions + 8);
        Result result = Result.Unwritten(shape, positions);
        Result ignored = Result.Unwritten(shape, 8);
        for (int start = 0, end; start < positions; start = end)
        {
            int guesses = random.Next(0, 9);
            attention.Attend(
                cache, rejected.QueriesAt(..guesses), rejected.KeysAt(..guesses), rejected.ValuesAt(..guesses),
                ignored.Output.AsSpan(0, guesses * shape.QueryWidth));
            cache.Truncate(start);
            Assert.Equal(start, cache.Length);
            end = Math.Min(positions, start + random.Next(1, 40));
            Step(attention, cache, whole, start..end, result);
        }

        result.CheckAgainst(
            Result.OfReference(ReferenceAttention.Of(attention.Plan), whole), Tolerance.Float32, $"{name}, seed {seed}");
    });

    [Theory, MemberData(nameof(CausalVariants))]
    public void AClearedCacheIsAsNew(string name)
    {
        IAttention attention = Variants.Named(name);
        Sequence old = Sequence.Random(attention.Shape, 700, 700, 1, attention.Plan.Format);
        Sequence sequence = Sequence.Random(attention.Shape, 90, 90, 2, attention.Plan.Format);
        using KvCache used = attention.CreateCache(700), fresh = attention.CreateCache(700);
        InPieces(attention, used, old, new Random(3), largest: 100);
        used.ContextLength = 5;
        used.Clear();
        Assert.Equal((0, 0), (used.Length, used.ContextLength));
        InPieces(attention, used, sequence, new Random(4), largest: 20)
            .CheckSame(InPieces(attention, fresh, sequence, new Random(4), largest: 20), name);
    }

    [Theory]
    [InlineData(nameof(Variants.CausalOf128F32))]
    [InlineData(nameof(Variants.FullOf40F16))]
    [InlineData(nameof(Variants.EverythingOf32BF16))]
    [InlineData(nameof(Variants.WindowOf80F32))]
    [InlineData(nameof(Variants.CausalOf128I8))]
    public void ABatchIsItsCachesOneByOne(string name)
    {
        IAttention attention = Variants.Named(name);
        AttentionShape shape = attention.Shape;
        int[] lengths = [1, 0, 300, 7, 64, 1025, 2, 2049];
        KvCache[] caches = [.. lengths.Select(length =>
        {
            KvCache cache = attention.CreateCache(length + 1);
            Sequence sequence = Sequence.Random(shape, length, 0, length, attention.Plan.Format);
            attention.Append(cache, sequence.Keys, sequence.Values);
            return cache;
        })];
        Sequence queries = Sequence.Random(shape, 0, lengths.Length, 99);
        Result batch = Result.Unwritten(shape, lengths.Length), single = Result.Unwritten(shape, lengths.Length);
        attention.AttendBatch(caches, queries.Queries, batch.Output);
        for (int i = 0; i < caches.Length; i++)
        {
            attention.Attend(caches[i], queries.QueriesAt(i..(i + 1)), single.Output.AsSpan(i * shape.QueryWidth, shape.QueryWidth));
            caches[i].Dispose();
        }

        Tolerance.Float32.Check(batch.Output, single.Output, name);
    }

    [Fact]
    public void ABatchOfNoCachesIsNothing() => Variants.Named(nameof(Variants.CausalOf128F32)).AttendBatch([], [], []);

    [Theory]
    [InlineData(nameof(Variants.CausalOf128F32))]
    [InlineData(nameof(Variants.FullAlibiOf80F16))]
    [InlineData(nameof(Variants.WindowSinksSoftCapOf128BF16))]
    [InlineData(nameof(Variants.WindowSinkAlibiOf96I8))]
    public void NeitherThreadsNorRepetitionChangeABit(string name)
    {
        IAttention attention = Variants.Named(name);
        foreach ((int positions, int rows) in new[] { (5000, 1), (5000, 3), (1500, 200) })
        {
            Sequence sequence = Sequence.Random(attention.Shape, positions, rows, positions, attention.Plan.Format);
            Result? first = null;
            for (int threads = 1; threads <= Environment.ProcessorCount + 1; threads++)
            {
                using var _ = KernelSettings.Threads(threads);
                for (int run = 0; run < 3; run++)
                {
                    Result result = Result.OfStep(attention, sequence);
                    first ??= result;
                    result.CheckSame(first, $"{name}, {positions} positions, {rows} rows, {threads} threads, run {run}");
                }
            }
        }
    }

    [Theory]
    [InlineData(nameof(Variants.CausalOf128F32))]
    [InlineData(nameof(Variants.WindowOf80F16))]
    public void DifferentCachesMayBeUsedAtOnce(string name)
    {
        const int Users = 8;
        IAttention attention = Variants.Named(name);
        Sequence[] sequences =
            [.. Enumerable.Range(0, Users).Select(i => Sequence.Random(attention.Shape, 600, 600, i, attention.Plan.Format))];
        Result[] alone = [.. sequences.Select((sequence, i) => Run(sequence, i))];

        var together = new Result[Users];
        Thread[] threads = [.. Enumerable.Range(0, Users).Select(i => new Thread(() => together[i] = Run(sequences[i], i)))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        for (int i = 0; i < Users; i++)
            together[i].CheckSame(alone[i], $"{name}, user {i}");

        Result Run(Sequence sequence, int seed)
        {
            using KvCache cache = attention.CreateCache(sequence.Positions);
            return InPieces(attention, cache, sequence, new Random(seed), largest: 30);
        }
    }

    static Result InPieces(IAttention attention, KvCache cache, Sequence whole, Random random, int largest)
    {
        Result result = Result.Unwritten(whole.Shape, whole.Positions);
        for (int start = 0, end; start < whole.Positions; start = end)
        {
            end = Math.Min(whole.Positions, start + (largest == whole.Positions ? largest : random.Next(1, largest + 1)));
            Step(attention, cache, whole, start..end, result);
        }

        return result;
    }

    static void Step(IAttention attention, KvCache cache, Sequence whole, Range rows, Result result)
    {
        var (start, count) = rows.GetOffsetAndLength(whole.Rows);
        attention.Attend(
            cache, whole.QueriesAt(rows), whole.KeysAt(rows), whole.ValuesAt(rows),
            result.Output.AsSpan(start * whole.Shape.QueryWidth, count * whole.Shape.QueryWidth),
            result.LogSumExp.AsSpan(start * whole.Shape.QueryHeads, count * whole.Shape.QueryHeads));
    }

    static void ForSeeds(int count, Action<int> property)
    {
        for (int seed = 0; seed < count; seed++)
            property(seed);
    }
}
