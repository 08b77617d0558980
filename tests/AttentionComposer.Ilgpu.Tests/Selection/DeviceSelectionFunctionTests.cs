using AttentionComposer.Tests.Selection;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>Functions beside a selection on the device: what masks hide is never chosen, tables are checked, and a refused call leaves no trace.</summary>
public sealed class DeviceSelectionFunctionTests
{
    const int Positions = 330;

    static readonly Tolerance s_tolerance = new(1e-4, 1e-4);

    /// <summary>Pipelines whose mask is a table, and how to fill it.</summary>
    static readonly Func<Predicate<int>, IAttention>[] s_masked =
    [
        sees => new SelectionVariants.SparQMasked { Document = Documents(sees) },
        sees => new SelectionVariants.TopKSpreadMasked { Hidden = [.. Enumerable.Range(0, Positions).Select(key => !sees(key))] },
        sees => new SelectionVariants.PagesMasked { Document = Documents(sees) },
    ];

    public static TheoryData<string> MaskedVariants() => [.. DeviceSelectionTests.OnDevice.Where(attention => attention.Plan.Masks.Count > 0).Select(attention => attention.Plan.Name)];

    // The query is the last one: what is in its document is seen.
    static int[] Documents(Predicate<int> sees) => [.. Enumerable.Range(0, Positions).Select(key => key == Positions - 1 || sees(key) ? 1 : 0)];

    /// <summary>Everything hidden but a set that fits into the budget: the result is the dense one.</summary>
    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void OnlyWhatIsVisibleIsChosen(int pipeline)
    {
        var random = new Random(pipeline);
        for (int count = 0; count <= 21; count += 7)
        {
            HashSet<int> set = [Positions - 1, .. Enumerable.Range(0, count).Select(_ => random.Next(Positions - 130, Positions))]; // of at most 6 pages of 24
            IAttention cpu = s_masked[pipeline](set.Contains);
            using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
            Sequence sequence = Sequence.Random(cpu.Shape, Positions, 1, seed: count, cpu.Plan.Format);
            DeviceResult.OfStored(attention, sequence).CheckAgainst(
                Result.OfReference(SelectionVariants.ReferenceOf(cpu), sequence), s_tolerance, $"{cpu.Plan.Name}, {set.Count} visible keys");
        }
    }

    /// <summary>A row that sees nothing is 0, and its log-sum-exp is negative infinity.</summary>
    [Fact]
    public void ARowThatSeesNothingIsZero()
    {
        using DeviceAttention attention = s_masked[1](_ => false).OnDevice(TestDevice.Accelerator);
        Result result = DeviceResult.OfStored(attention, Sequence.Random(attention.Shape, Positions, 1, seed: 1));
        Assert.All(result.Output, scalar => Assert.Equal(0, scalar));
        Assert.All(result.LogSumExp, scalar => Assert.Equal(float.NegativeInfinity, scalar));
    }

    /// <summary>NaN and infinity of a key that a group does not see are neither chosen nor part of a mean.</summary>
    [Theory, MemberData(nameof(MaskedVariants))]
    public void AHiddenNaNChangesNothing(string name)
    {
        IAttention cpu = SelectionVariants.Named(name);
        AttentionShape shape = cpu.Shape;
        Sequence sequence = Sequence.Random(shape, Positions, 1, seed: 8, cpu.Plan.Format);
        var reference = new SelectionReference(cpu, sequence);
        int[][] visible = [.. Enumerable.Range(0, shape.QueryHeads).Select(reference.Visible)];
        int hidden = Enumerable.Range(0, Positions).Except(visible[0]).Last();
        float[] keys = [.. sequence.Keys], values = [.. sequence.Values];
        keys.AsSpan(hidden * shape.KeyValueWidth, shape.KeyValueWidth).Fill(float.NaN);
        values.AsSpan(hidden * shape.KeyValueWidth, shape.KeyValueWidth).Fill(float.PositiveInfinity);

        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        Result clean = DeviceResult.OfStored(attention, sequence), poisoned = DeviceResult.OfStored(attention, sequence with { Keys = keys, Values = values });
        for (int head = 0; head < shape.QueryHeads; head++)
        {
            int first = head / shape.GroupSize * shape.GroupSize;
            Span<float> output = poisoned.Output.AsSpan(head * shape.HeadDim, shape.HeadDim);
            if (!visible[first..(first + shape.GroupSize)].Any(keys => keys.Contains(hidden)))
                Assert.Equal(clean.Output.AsSpan(head * shape.HeadDim, shape.HeadDim), output);
            else if (!visible[head].Contains(hidden))
                Assert.False(output.ContainsAnyExceptInRange(float.MinValue, float.MaxValue), $"{name}, head {head}");
        }
    }

    /// <summary>An index outside of a table, for a key that is visible: the call is refused by the function's name, and the cache is as it was.</summary>
    [Fact]
    public void AVisibleKeyOutsideOfATableUndoesTheCall()
    {
        var masked = new SelectionVariants.SparQMasked();
        int[] document = masked.Document;
        Check(masked, "SparQMasked.SameDocument", () => masked.Document = new int[Positions - 1], () => masked.Document = document);
        var scored = new SelectionVariants.TopKScored();
        float[] bias = scored.Bias;
        Check(scored, "TopKScored.Biased", () => scored.Bias = bias[..(Positions - 1)], () => scored.Bias = bias);

        static void Check(IAttention cpu, string function, Action shorten, Action restore)
        {
            using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
            Sequence sequence = Sequence.Random(cpu.Shape, Positions, 1, seed: 4, cpu.Plan.Format);
            const int Last = Positions - 1;
            Result expected = DeviceResult.OfStored(attention, sequence), result = Result.Unwritten(cpu.Shape, 1), before = Result.Unwritten(cpu.Shape, 1);
            using DeviceKvCache cache = attention.CreateCache(Positions);
            attention.Append(cache, sequence.KeysAt(..Last), sequence.ValuesAt(..Last));
            shorten();
            var exception = Assert.Throws<IndexOutOfRangeException>(() => attention.Attend(
                cache, sequence.Queries, sequence.KeysAt(..1), sequence.ValuesAt(..1), result.Output, result.LogSumExp));
            Assert.StartsWith(function, exception.Message);
            result.CheckSame(before, "after a refused call");
            restore();
            attention.Attend(cache, sequence.Queries, sequence.KeysAt(Last..), sequence.ValuesAt(Last..), result.Output, result.LogSumExp);
            result.CheckAgainst(expected, s_tolerance, "after a refused step");
        }
    }

    /// <summary>A function is not asked for keys that another mask hides, however short its table is.</summary>
    [Fact]
    public void HiddenKeysAreNotLookedUp()
    {
        var cpu = new SelectionVariants.PagesMasked
        {
            Document = [.. Enumerable.Range(0, Positions).Select(key => key >= Positions - 60 ? 1 : 0)],
            Bias = [.. Enumerable.Range(0, 60).Select(i => i * 0.1f)],
        };
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        Sequence sequence = Sequence.Random(cpu.Shape, Positions, 1, seed: 5, cpu.Plan.Format);
        DeviceResult.OfStored(attention, sequence).CheckAgainst(Result.OfReference(cpu.Reference, sequence), s_tolerance, "60 visible keys");
    }

    /// <summary>A score function's NaN or infinity is the best score: its key is chosen, and the result is what dense attention gives.</summary>
    [Fact]
    public void AScoreThatIsNotFiniteIsChosen()
    {
        float[] byPosition = new float[Positions], byDistance = new float[Positions];
        var scored = new SelectionVariants.TopKScored { Bias = byPosition };
        var distant = new SelectionVariants.SparQScored { Bias = byDistance };
        foreach (IAttention cpu in (IAttention[])[scored, distant])
        {
            using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
            Sequence sequence = Sequence.Random(cpu.Shape, Positions, 1, seed: 7, cpu.Plan.Format);
            foreach (float bias in (float[])[float.NaN, float.PositiveInfinity, 1e35f])
            {
                byPosition[123] = byDistance[Positions - 1 - 123] = bias;
                Result result = DeviceResult.OfStored(attention, sequence);
                Assert.All(result.Output, scalar => Assert.Equal(float.IsFinite(bias), float.IsFinite(scalar)));
                if (float.IsFinite(bias)) // so much better than the others that its value is the result
                    result.CheckAgainst(Result.OfStored(cpu, sequence), s_tolerance, cpu.Plan.Name);
            }
        }
    }
}
