using AttentionComposer.Caches;
using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Selection;

/// <summary>Selections through a cache's life: they choose what the reference would, whatever was appended, truncated or poisoned before.</summary>
public sealed class SelectionTests
{
    static readonly Tolerance s_tolerance = new(1e-4, 1e-4);

    public static TheoryData<string, int> Variants()
    {
        var cases = new TheoryData<string, int>();
        foreach (IAttention attention in SelectionVariants.All)
            foreach (int bits in KernelSettings.VectorWidths)
                cases.Add(attention.Plan.Name, bits);
        return cases;
    }

    [Theory, MemberData(nameof(Variants))]
    public void ChoosesAsTheReference(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = SelectionVariants.Named(name);
        AttentionShape shape = attention.Shape;
        Sequence sequence = Sequence.Random(shape, positions: 1400, rows: 1, seed: vectorBits, attention.Plan.Format);
        using KvCache cache = attention.CreateCache(1400);
        var rows = (RowCache)cache;

        // Appends of one and of many, with truncations between: a ring turns, pages fill in part, sums come and go.
        int[] lengths = [1, 2, 7, 8, 33, 64, 65, 120, 119, 121, 300, 301, 290, 310, 700, 701, 1399, 1395, 1400];
        foreach (int length in lengths)
        {
            if (length < cache.Length)
                cache.Truncate(length);
            attention.Append(cache, sequence.KeysAt(cache.Length..length), sequence.ValuesAt(cache.Length..length));
            var part = sequence with { Keys = sequence.KeysAt(..length).ToArray(), Values = sequence.ValuesAt(..length).ToArray() };
            Result result = Result.Unwritten(shape, 1);
            rows.Trace = new SelectionTrace(shape);
            attention.Attend(cache, sequence.Queries, result.Output, result.LogSumExp);
            Result unwatched = Result.Unwritten(shape, 1);
            SelectionTrace trace = rows.Trace;
            rows.Trace = null;
            attention.Attend(cache, sequence.Queries, unwatched.Output, unwatched.LogSumExp);

            var reference = new SelectionReference(attention, part);
            for (int head = 0; head < shape.QueryHeads; head++)
            {
                reference.CheckChoice(head, trace.Positions[head]);
                if (attention.Plan.Selection!.Rank > 0)
                    Assert.Equal(reference.Channels(head / shape.GroupSize), trace.Channels[head / shape.GroupSize]);
                float[] expected = reference.Output(head, trace.Positions[head], out float logSumExp);
                foreach (Result each in (Result[])[result, unwatched])
                {
                    s_tolerance.Check(each.Output.AsSpan(head * shape.HeadDim, shape.HeadDim), expected, $"{name} at {length}, head {head}");
                    s_tolerance.Check([each.LogSumExp[head]], [logSumExp], $"{name} at {length}, head {head}, log-sum-exp");
                }
            }
        }
    }

    [Theory, MemberData(nameof(Variants))]
    public void LongerCallsRunDense(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = SelectionVariants.Named(name);
        Sequence sequence = Sequence.Random(attention.Shape, positions: 200, rows: 3, seed: 5, attention.Plan.Format);
        Result.OfStored(attention, sequence).CheckAgainst(
            Result.OfReference(SelectionVariants.ReferenceOf(attention), sequence), s_tolerance, name);
    }

    /// <summary>Appends of one and of several tokens, truncations and attention in any order: the running mean is still the mean.</summary>
    [Theory, InlineData("SparQWithMean"), InlineData("TopKSpreadInARing")]
    public void MeanSurvivesAHundredThousandSteps(string name)
    {
        IAttention attention = SelectionVariants.Named(name);
        AttentionShape shape = attention.Shape;
        const int Positions = 600, Steps = 100_000, Back = 150; // so far back a ring goes
        Sequence sequence = Sequence.Random(shape, Positions, rows: 1, seed: 3);
        using KvCache cache = attention.CreateCache(Positions);
        var rows = (RowCache)cache;
        var output = new float[shape.QueryWidth];
        var random = new Random(17);
        int longest = 0;
        for (int step = 1; step <= Steps; step++)
        {
            int length = cache.Length, least = Math.Max(1, longest - Back), next = Math.Min(Positions, length + random.Next(1, 9));
            switch (random.Next(4))
            {
                case 0 when length > least:
                    cache.Truncate(Math.Max(least, length - random.Next(1, 25)));
                    break;
                case 1 when length > 0:
                    attention.Attend(cache, sequence.Queries, output);
                    break;
                case 2:
                    attention.Append(cache, sequence.KeysAt(length..next), sequence.ValuesAt(length..next));
                    break;
                case 3 when length < Positions:
                    attention.Attend(
                        cache, sequence.Queries, sequence.KeysAt(length..(length + 1)), sequence.ValuesAt(length..(length + 1)), output);
                    break;
            }

            longest = Math.Max(longest, cache.Length);
            if (cache.Length > 0 && (step % 997 == 0 || step == Steps))
                CheckMean(attention.Plan, rows, sequence);
        }
    }

    static void CheckMean(AttentionPlan plan, RowCache rows, Sequence sequence)
    {
        int newest = rows.Length, oldest = plan.Window == 0 ? 0 : Math.Max(0, newest - plan.Window), sinks = Math.Min(plan.Sinks, oldest);
        KeyRange[] ranges = [new(0, sinks, 0, sinks), new(oldest, newest, oldest, newest)];
        int[] visible = [.. Enumerable.Range(0, sinks), .. Enumerable.Range(oldest, newest - oldest)];
        var mean = new float[plan.Shape.HeadDim];
        for (int head = 0; head < plan.Shape.KeyValueHeads; head++)
        {
            rows.ValueSums!.Mean(rows, head, ranges, except: default, mean);
            for (int c = 0; c < mean.Length; c++)
                Assert.Equal(visible.Average(key => (double)sequence.Values[(key * plan.Shape.KeyValueHeads + head) * mean.Length + c]), mean[c], 1e-4);
        }
    }

    [Fact]
    public void AHugeValueLeavesNoTraceBehind()
    {
        IAttention attention = SelectionVariants.Named("SparQWithMean");
        Sequence sequence = Sequence.Random(attention.Shape, positions: 100, rows: 1, seed: 9);
        float[] expected = Run(attention, sequence, poison: null), actual = Run(attention, sequence, poison: 1e30f);
        s_tolerance.Check(actual, expected, "after 1e30 was truncated");
        s_tolerance.Check(Run(attention, sequence, poison: float.NaN), expected, "after NaN was truncated");

        static float[] Run(IAttention attention, Sequence sequence, float? poison)
        {
            using KvCache cache = attention.CreateCache(101);
            attention.Append(cache, sequence.Keys, sequence.Values);
            if (poison is { } value)
            {
                var row = new float[attention.Shape.KeyValueWidth];
                Array.Fill(row, value);
                var rejected = new float[attention.Shape.QueryWidth];
                attention.Attend(cache, sequence.Queries, row, row, rejected);
                cache.Truncate(100);
            }

            var output = new float[attention.Shape.QueryWidth];
            attention.Attend(cache, sequence.Queries, output);
            return output;
        }
    }

    /// <summary>The careful path chooses the same, so a value that nobody reads changes nothing.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void InfinityThatIsNotChosenChangesNothing(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = SelectionVariants.Named(name);
        if (attention.Plan.Selection!.Remainder != Remainder.Renormalised)
            return; // there the mean of the visible values reads it
        AttentionShape shape = attention.Shape;
        Sequence sequence = Sequence.Random(shape, positions: 500, rows: 1, seed: 21, attention.Plan.Format);
        float[] expected = Step(attention, sequence, out SelectionTrace trace);
        int unread = Enumerable.Range(0, 500).Last(position => trace.Positions.All(chosen => !chosen.Contains(position)));
        var values = (float[])sequence.Values.Clone();
        values.AsSpan(unread * shape.KeyValueWidth, shape.KeyValueWidth).Fill(float.PositiveInfinity);
        s_tolerance.Check(Step(attention, sequence with { Values = values }, out SelectionTrace second), expected, name);
        Assert.Equal(trace.Positions, second.Positions);
    }

    [Theory, MemberData(nameof(Variants))]
    public void ANaNQuerySpoilsItsOwnHeadOnly(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = SelectionVariants.Named(name);
        Sequence sequence = Sequence.Random(attention.Shape, positions: 500, rows: 1, seed: 22, attention.Plan.Format);
        var queries = (float[])sequence.Queries.Clone();
        queries[3] = float.NaN;
        float[] output = Step(attention, sequence with { Queries = queries }, out SelectionTrace _);
        Assert.All(output[..attention.Shape.HeadDim], x => Assert.True(float.IsNaN(x)));
        Assert.All(output[attention.Shape.HeadDim..], x => Assert.True(float.IsFinite(x)));
    }

    [Fact]
    public void CallsDoNotAllocate()
    {
        foreach (IAttention attention in SelectionVariants.All)
        {
            Sequence sequence = Sequence.Random(attention.Shape, positions: 700, rows: 1, seed: 1);
            using KvCache cache = attention.CreateCache(700);
            attention.Append(cache, sequence.KeysAt(..400), sequence.ValuesAt(..400));
            var output = new float[attention.Shape.QueryWidth];
            Steps(400, 500);
            Kernels.AllocationTests.Measure(attention.Plan.Name, () =>
            {
                cache.Truncate(490);
                Steps(490, 500);
            });

            void Steps(int from, int to)
            {
                for (int position = from; position < to; position++)
                    attention.Attend(
                        cache, sequence.Queries, sequence.KeysAt(position..(position + 1)), sequence.ValuesAt(position..(position + 1)), output);
            }
        }
    }

    /// <summary>What the kernels count is what the plan says.</summary>
    [Fact]
    public void TrafficIsWhatKernelsCount()
    {
        foreach (IAttention attention in SelectionVariants.All)
        {
            const int Length = 560; // whole pages of 7 and of 8
            Sequence sequence = Sequence.Random(attention.Shape, Length, rows: 1, seed: 1);
            Step(attention, sequence, out SelectionTrace trace);
            AttentionTraffic traffic = attention.Plan.Traffic(Length);
            if (attention.Plan.Masks.Count > 0 || (attention.Plan.Selection!.PageSize > 0 && attention.Plan.Window > 0))
                continue; // a window cuts pages, and the plan does not know what a mask function hides
            Assert.Equal(traffic.Stages[^2].BytesRead, trace.ScorerBytes);
            Assert.Equal(traffic.Stages[^1].BytesRead, trace.ChosenBytes);
        }
    }

    /// <summary>Section 5 of the SparQ paper counts <c>S r + 2 k d + 4 d</c> scalars a head, without the keys' second copy.</summary>
    [Fact]
    public void TrafficIsThePapersFormula()
    {
        AttentionPlan plan = SelectionVariants.Named("SparQWithMean").Plan;
        AttentionTraffic traffic = plan.Traffic(1000);
        long scalars = traffic.Stages.Sum(stage => stage.Name switch
        {
            "the token's key by channel" => 0,
            "sum of values" => (stage.BytesRead + stage.BytesWritten) / sizeof(double),
            _ => (stage.BytesRead + stage.BytesWritten) / sizeof(float),
        });
        Assert.Equal(1000 * 8 + 2 * 8 * 32 + 4 * 32, scalars);
    }

    static float[] Step(IAttention attention, Sequence sequence, out SelectionTrace trace)
    {
        using KvCache cache = attention.CreateCache(sequence.Positions);
        ((RowCache)cache).Trace = trace = new SelectionTrace(attention.Shape);
        attention.Append(cache, sequence.Keys, sequence.Values);
        var output = new float[attention.Shape.QueryWidth];
        attention.Attend(cache, sequence.Queries, output);
        return output;
    }
}
