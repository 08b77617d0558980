using AttentionComposer.Caches;
using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Selection;

/// <summary>Functions beside a selection: what masks hide is never chosen, tables are checked, and a refused call leaves no trace.</summary>
public sealed class SelectionFunctionTests
{
    static readonly Tolerance s_tolerance = new(1e-4, 1e-4);

    /// <summary>Pipelines whose mask is a table, and how to fill it.</summary>
    static readonly (string Name, Func<Predicate<int>, IAttention> Seeing)[] s_masked =
    [
        ("SparQMasked", sees => new SelectionVariants.SparQMasked { Document = Documents(sees) }),
        ("TopKSpreadMasked", sees => new SelectionVariants.TopKSpreadMasked { Hidden = [.. Enumerable.Range(0, 600).Select(key => !sees(key))] }),
        ("PagesMasked", sees => new SelectionVariants.PagesMasked { Document = Documents(sees) }),
    ];

    public static TheoryData<int, int> MaskedPipelines()
    {
        var cases = new TheoryData<int, int>();
        for (int i = 0; i < s_masked.Length; i++)
            foreach (int bits in KernelSettings.VectorWidths)
                cases.Add(i, bits);
        return cases;
    }

    // The query is at 599: what is in its document is seen.
    static int[] Documents(Predicate<int> sees) => [.. Enumerable.Range(0, 600).Select(key => key == 599 || sees(key) ? 1 : 0)];

    /// <summary>Everything hidden but a set: that is what is chosen, whatever the budget, and where it fits the result is the dense one.</summary>
    [Theory, MemberData(nameof(MaskedPipelines))]
    public void OnlyWhatIsVisibleIsChosen(int pipeline, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        var random = new Random(vectorBits);
        for (int trial = 0; trial < 20; trial++)
        {
            HashSet<int> set = [599, .. Enumerable.Range(0, random.Next(0, 25)).Select(_ => random.Next(300, 600))];
            IAttention attention = s_masked[pipeline].Seeing(set.Contains);
            Sequence sequence = Sequence.Random(attention.Shape, positions: 600, rows: 1, seed: trial, attention.Plan.Format);
            Result result = Step(attention, sequence, out SelectionTrace trace);

            int size = Math.Max(1, attention.Plan.Selection!.PageSize);
            int[] pages = [.. set.Select(key => key / size).Distinct()];
            foreach (int[] chosen in trace.Positions)
            {
                Assert.All(chosen, key => Assert.Contains(key / size, pages));
                if (pages.Length > attention.Plan.Selection.Keep)
                    continue;
                Assert.Empty(set.Except(chosen));
            }

            if (pages.Length <= attention.Plan.Selection.Keep)
                result.CheckAgainst(Result.OfReference(SelectionVariants.ReferenceOf(attention), sequence), s_tolerance, attention.Plan.Name);
        }
    }

    /// <summary>A row that sees nothing is 0, and its log-sum-exp is negative infinity.</summary>
    [Theory, InlineData(512), InlineData(256), InlineData(128)]
    public void ARowThatSeesNothingIsZero(int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        var attention = new SelectionVariants.TopKSpreadMasked { Hidden = Enumerable.Repeat(true, 600).ToArray() };
        foreach (bool careful in new[] { false, true })
        {
            Sequence sequence = Sequence.Random(attention.Shape, positions: 600, rows: 1, seed: 1);
            if (careful)
                sequence.Values[^1] = float.NaN;
            Result result = Step(attention, sequence, out SelectionTrace trace);
            Assert.All(trace.Positions, chosen => Assert.Empty(chosen));
            Assert.All(result.Output, scalar => Assert.Equal(0, scalar));
            Assert.All(result.LogSumExp, scalar => Assert.Equal(float.NegativeInfinity, scalar));
        }
    }

    /// <summary>The loop that runs while a call sees NaN or infinity gives the same to the heads that do not see them.</summary>
    [Theory, MemberData(nameof(SelectionTests.Variants), MemberType = typeof(SelectionTests))]
    public void AHiddenNaNChangesNothing(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = SelectionVariants.Named(name);
        if (attention.Plan.Masks.Count == 0)
            return; // nothing but a window hides
        AttentionShape shape = attention.Shape;
        Sequence sequence = Sequence.Random(shape, positions: 1200, rows: 1, seed: 8, attention.Plan.Format);
        var reference = new SelectionReference(attention, sequence);
        int hidden = Enumerable.Range(900, 300).Except(reference.Visible(head: 0)).Last();
        float[] keys = [.. sequence.Keys], values = [.. sequence.Values];
        keys.AsSpan(hidden * shape.KeyValueWidth, shape.KeyValueWidth).Fill(float.NaN);
        values.AsSpan(hidden * shape.KeyValueWidth, shape.KeyValueWidth).Fill(float.PositiveInfinity);

        Result result = Step(attention, sequence with { Keys = keys, Values = values }, out SelectionTrace trace);
        for (int head = 0; head < shape.QueryHeads; head++)
        {
            if (reference.Visible(head).Contains(hidden))
                continue;
            float[] expected = reference.Output(head, trace.Positions[head], out float logSumExp);
            s_tolerance.Check(result.Output.AsSpan(head * shape.HeadDim, shape.HeadDim), expected, $"{name}, head {head}");
            s_tolerance.Check([result.LogSumExp[head]], [logSumExp], $"{name}, head {head}, log-sum-exp");
            bool groupSeesIt = Enumerable.Range(head / shape.GroupSize * shape.GroupSize, shape.GroupSize).Any(each => reference.Visible(each).Contains(hidden));
            if (attention.Plan.Selection!.PageSize == 0 && !groupSeesIt)
                reference.CheckChoice(head, trace.Positions[head]);
        }
    }

    /// <summary>An index outside of a table, for a key that is visible: the call is refused by the function's name, and nothing has changed.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public void AVisibleKeyOutsideOfATableUndoesTheCall(bool careful)
    {
        foreach (int bits in KernelSettings.VectorWidths)
        {
            using var _ = KernelSettings.VectorBits(bits);
            CheckRefused(new SelectionVariants.SparQScored { Bias = new float[1199] }, "SparQScored.Biased", careful);
            CheckRefused(new SelectionVariants.SparQMasked { Document = new int[1199] }, "SparQMasked.SameDocument", careful);
            CheckRefused(new SelectionVariants.TopKScored { Bias = new float[1000] }, "TopKScored.Biased", careful);
            CheckRefused(new SelectionVariants.TopKSpreadMasked { Hidden = new bool[1199] }, "TopKSpreadMasked.Open", careful);
            CheckRefused(new SelectionVariants.PagesMasked { Document = new int[1100] }, "PagesMasked.SameDocument", careful);
            CheckRefused(new SelectionVariants.PagesMasked { Bias = [] }, "PagesMasked.Biased", careful);
        }
    }

    static void CheckRefused(IAttention attention, string function, bool careful)
    {
        const int Positions = 1200;
        Sequence sequence = Sequence.Random(attention.Shape, Positions, rows: 1, seed: 3, attention.Plan.Format);
        if (careful)
            sequence.Queries[0] = float.PositiveInfinity;
        using KvCache cache = attention.CreateCache(Positions);
        attention.Append(cache, sequence.KeysAt(..(Positions - 1)), sequence.ValuesAt(..(Positions - 1)));

        Result result = Result.Unwritten(attention.Shape, 1), before = Result.Unwritten(attention.Shape, 1);
        var refusal = Assert.Throws<IndexOutOfRangeException>(() => attention.Attend(
            cache, sequence.Queries, sequence.KeysAt((Positions - 1)..), sequence.ValuesAt((Positions - 1)..), result.Output, result.LogSumExp));
        Assert.Contains(function, refusal.Message);
        Assert.Equal(Positions - 1, cache.Length);
        result.CheckSame(before, function);

        Assert.Throws<IndexOutOfRangeException>(() =>
        {
            attention.Append(cache, sequence.KeysAt((Positions - 1)..), sequence.ValuesAt((Positions - 1)..));
            attention.AttendBatch([cache], sequence.Queries, result.Output);
        });
        result.CheckSame(before, function);
    }

    /// <summary>A refused step leaves the cache's copies and sums as they were: the next one gives what it would have given.</summary>
    [Fact]
    public void AfterARefusedStepTheNextOneIsRight()
    {
        var attention = new SelectionVariants.SparQMasked();
        Sequence sequence = Sequence.Random(attention.Shape, positions: 1200, rows: 1, seed: 4, attention.Plan.Format);
        Result expected = Step(attention, sequence, out SelectionTrace _);

        using KvCache cache = attention.CreateCache(1200);
        attention.Append(cache, sequence.KeysAt(..1199), sequence.ValuesAt(..1199));
        var result = Result.Unwritten(attention.Shape, 1);
        float[] otherKey = [.. sequence.KeysAt(..1)], otherValue = [.. sequence.ValuesAt(..1)];
        (int[] document, attention.Document) = (attention.Document, new int[1199]);
        Assert.Throws<IndexOutOfRangeException>(() => attention.Attend(cache, sequence.Queries, otherKey, otherValue, result.Output));
        attention.Document = document;
        attention.Attend(cache, sequence.Queries, sequence.KeysAt(1199..), sequence.ValuesAt(1199..), result.Output, result.LogSumExp);
        result.CheckAgainst(expected, s_tolerance, "after a refused step");
    }

    /// <summary>A function is not asked for keys that another mask hides, however short its table is.</summary>
    [Fact]
    public void HiddenKeysAreNotLookedUp()
    {
        // Of the 900 newest keys and 4 sinks, documents hide all but distances below 60.
        var attention = new SelectionVariants.PagesMasked
        {
            Document = [.. Enumerable.Range(0, 1200).Select(key => key >= 1140 ? 1 : 0)],
            Bias = [.. Enumerable.Range(0, 60).Select(i => i * 0.1f)],
        };
        Sequence sequence = Sequence.Random(attention.Shape, positions: 1200, rows: 1, seed: 5, attention.Plan.Format);
        ReferenceAttention reference = attention.Reference with { Score = (score, _, query, key) => score + attention.Bias[query - key] };
        foreach (int bits in KernelSettings.VectorWidths)
        {
            using var _ = KernelSettings.VectorBits(bits);
            Step(attention, sequence, out SelectionTrace _).CheckAgainst(Result.OfReference(reference, sequence), s_tolerance, $"{bits} bits");
        }
    }

    /// <summary>A score function's NaN or infinity is the best score: its key is chosen, and the result is what dense attention gives.</summary>
    [Theory, InlineData(512), InlineData(256), InlineData(128)]
    public void AScoreThatIsNotFiniteIsChosen(int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        foreach (float bias in new[] { float.NaN, float.PositiveInfinity, 1e35f })
        {
            float[] byPosition = new float[1200], byDistance = new float[1200];
            byPosition[123] = byDistance[1199 - 123] = bias;
            foreach (IAttention attention in new IAttention[] { new SelectionVariants.TopKScored { Bias = byPosition }, new SelectionVariants.SparQScored { Bias = byDistance } })
            {
                Sequence sequence = Sequence.Random(attention.Shape, positions: 1200, rows: 1, seed: 7, attention.Plan.Format);
                Result result = Step(attention, sequence, out SelectionTrace trace);
                Assert.All(trace.Positions, chosen => Assert.Contains(123, chosen));
                Assert.All(result.Output, scalar => Assert.Equal(float.IsFinite(bias), float.IsFinite(scalar)));
            }
        }
    }

    /// <summary>The index of a cache in a batch, for masks of candidates as for those of chosen keys.</summary>
    [Theory, InlineData(512), InlineData(256), InlineData(128)]
    public void ABatchKnowsItsCaches(int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        var attention = new SelectionVariants.SparQByBatch();
        Sequence[] sequences = [.. Enumerable.Range(0, 3).Select(i => Sequence.Random(attention.Shape, 300 + i, 1, seed: i))];
        KvCache[] caches = [.. sequences.Select(sequence => attention.CreateCache(sequence.Positions))];
        for (int i = 0; i < 3; i++)
        {
            attention.Append(caches[i], sequences[i].Keys, sequences[i].Values);
            ((RowCache)caches[i]).Trace = new SelectionTrace(attention.Shape);
        }

        var output = new float[3 * attention.Shape.QueryWidth];
        attention.AttendBatch(caches, [.. sequences.SelectMany(sequence => sequence.Queries)], output);
        for (int i = 0; i < 3; i++)
        {
            var reference = new SelectionReference(attention, sequences[i], attention.ReferenceOf(batch: i));
            SelectionTrace trace = ((RowCache)caches[i]).Trace!;
            for (int head = 0; head < attention.Shape.QueryHeads; head++)
            {
                reference.CheckChoice(head, trace.Positions[head]);
                s_tolerance.Check(
                    output.AsSpan(i * attention.Shape.QueryWidth + head * attention.Shape.HeadDim, attention.Shape.HeadDim),
                    reference.Output(head, trace.Positions[head], out float _), $"cache {i}, head {head}");
            }

            caches[i].Dispose();
        }
    }

    /// <summary>A mean beside a mask reads the visible values, which the plan counts as though all were visible; none while the mask hides none.</summary>
    [Fact]
    public void TrafficCountsTheMeanOfVisibleValues()
    {
        var attention = new SelectionVariants.SparQMasked { Document = [.. Enumerable.Range(0, 600).Select(key => key == 17 ? 1 : 0)] };
        Sequence sequence = Sequence.Random(attention.Shape, positions: 600, rows: 1, seed: 6, attention.Plan.Format);
        Step(attention, sequence, out SelectionTrace trace);
        long row = attention.Shape.HeadDim * 2, heads = attention.Shape.KeyValueHeads;
        Assert.Equal(heads * 599 * row, trace.MeanBytes);
        Assert.Equal(heads * 600 * row, attention.Plan.Traffic(600).Stages[^1].BytesRead);

        attention.Document = new int[600];
        Step(attention, sequence, out trace);
        Assert.Equal(0, trace.MeanBytes);
    }

    static Result Step(IAttention attention, Sequence sequence, out SelectionTrace trace)
    {
        using KvCache cache = attention.CreateCache(sequence.Positions);
        ((RowCache)cache).Trace = trace = new SelectionTrace(attention.Shape);
        attention.Append(cache, sequence.Keys, sequence.Values);
        Result result = Result.Unwritten(attention.Shape, 1);
        attention.Attend(cache, sequence.Queries, result.Output, result.LogSumExp);
        return result;
    }
}
