namespace AttentionComposer.Tests.Kernels;

/// <summary>NaN and infinity stay within the rows that see them; a hidden key never leaks, not even as 0 · NaN.</summary>
public sealed class NonFiniteTests
{
    public static TheoryData<string> Names =>
    [
        nameof(Variants.Causal4x4Of32F32), nameof(Variants.Causal4x4Of32F16), nameof(Variants.Causal4x4Of32BF16),
        nameof(Variants.EverythingOf32F32), nameof(Variants.EverythingOf32F16), nameof(Variants.FullOf40F32), nameof(Variants.FullOf40BF16),
        nameof(Variants.WindowOf80F32), nameof(Variants.WindowOf80F16),
        nameof(Variants.AlibiSoftCapOf96F32), nameof(Variants.AlibiSoftCapOf96F16),
        nameof(Variants.CausalOf136F32), nameof(Variants.WindowOf200BF16), nameof(Variants.SoftCapOf256F16),
        nameof(Variants.Causal4x4Of32I8), nameof(Variants.EverythingOf32I8), nameof(Variants.FullOf40I8), nameof(Variants.WindowOf80I8),
    ];

    // The first position, the first of the second block of keys, the last one: NaN everywhere, infinities where signs matter.
    const int Positions = 90;

    static readonly (float Poison, int Position)[] Poisons =
    [
        (float.NaN, 0), (float.NaN, 64), (float.NaN, Positions - 1), (float.PositiveInfinity, 1), (float.NegativeInfinity, 70),
    ];

    /// <summary>One scalar of one key, value or query, at every kind of place, in a prefill at every vector width.</summary>
    [Theory, MemberData(nameof(Names))]
    public void OneScalarReachesOnlyTheRowsThatSeeIt(string name)
    {
        IAttention attention = Variants.Named(name);
        AttentionShape shape = attention.Shape;
        Sequence clean = Sequence.Random(shape, Positions, Positions, 7, attention.Plan.Format);
        foreach ((float poison, int position) in Poisons)
        {
            string what = $"{name}, {poison} at {position}";
            int stored = position * shape.KeyValueWidth + 5, asked = position * shape.QueryWidth + 3;
            Check(attention, clean with { Keys = With(clean.Keys, stored, poison) }, $"{what} of the keys");
            Check(attention, clean with { Values = With(clean.Values, stored, poison) }, $"{what} of the values");
            Check(attention, clean with { Queries = With(clean.Queries, asked, poison) }, $"{what} of the queries");
        }
    }

    /// <summary>Half precision ends at 65504: what is stored is infinity, and the reference sees infinity as well.</summary>
    [Theory]
    [InlineData(nameof(Variants.Causal4x4Of32F16), 70000f)]
    [InlineData(nameof(Variants.Causal4x4Of32F16), 65519f)]
    [InlineData(nameof(Variants.Causal4x4Of32F16), 65504f)]
    [InlineData(nameof(Variants.Causal4x4Of32F16), -65520f)]
    [InlineData(nameof(Variants.SoftCapOf256F16), 1e30f)]
    [InlineData(nameof(Variants.WindowOf200BF16), float.MaxValue)]
    [InlineData(nameof(Variants.WindowOf200BF16), 3.38e38f)]
    public void ValuesBeyondTheFormatBecomeInfinite(string name, float value)
    {
        IAttention attention = Variants.Named(name);
        AttentionPlan plan = attention.Plan;
        Sequence clean = Sequence.Random(plan.Shape, 40, 40, 8, plan.Format);
        int at = 20 * plan.Shape.KeyValueWidth + 1;
        Check(attention, clean with { Values = With(clean.Values, at, value) }, $"{name}, {value} among the values");
        Check(attention, clean with { Keys = With(clean.Keys, at, value) }, $"{name}, {value} among the keys");
    }

    /// <summary>Numbers near the ends of the formats, subnormal ones included, are numbers like others.</summary>
    [Theory]
    [InlineData(nameof(Variants.Causal4x4Of32F32), 1e-40f)]
    [InlineData(nameof(Variants.Causal4x4Of32F32), 1e30f)]
    [InlineData(nameof(Variants.Causal4x4Of32F16), 6e-8f)]
    [InlineData(nameof(Variants.Causal4x4Of32F16), 5e-5f)]
    [InlineData(nameof(Variants.Causal4x4Of32F16), 60000f)]
    [InlineData(nameof(Variants.WindowOf200BF16), 1e-39f)]
    [InlineData(nameof(Variants.WindowOf200BF16), 1e30f)]
    [InlineData(nameof(Variants.Causal4x4Of32I8), 1e-36f)]
    [InlineData(nameof(Variants.Causal4x4Of32I8), 1e30f)]
    public void ExtremeValuesAreExact(string name, float scale)
    {
        IAttention attention = Variants.Named(name);
        AttentionPlan plan = attention.Plan;
        Sequence sequence = Sequence.Random(plan.Shape, 50, 50, 9);
        sequence = (sequence with { Values = Array.ConvertAll(sequence.Values, x => MathF.Tanh(x) * scale) }).Rounded(plan.Format);
        foreach (int bits in KernelSettings.VectorWidths)
        {
            using var _ = KernelSettings.VectorBits(bits);
            Result expected = Result.OfReference(ReferenceAttention.Of(plan), sequence);
            // Among float32's subnormals each of the 50 additions may be off by half their spacing.
            new Tolerance(2e-5 * scale + 25 * 1.4e-45, 2e-5)
                .Check(Result.OfStep(attention, sequence).Output, expected.Output, $"{name}, {bits} bits, {scale}");
        }
    }

    /// <summary>Large scores neither overflow nor lose the largest one; a row of equal scores at any height is their mean.</summary>
    [Theory]
    [InlineData(nameof(Variants.Causal4x4Of32F32))]
    [InlineData(nameof(Variants.FullOf40F16))]
    [InlineData(nameof(Variants.WindowOf80F32))]
    [InlineData(nameof(Variants.WindowOf80I8))]
    public void LargeScoresDoNotOverflow(string name)
    {
        IAttention attention = Variants.Named(name);
        AttentionPlan plan = attention.Plan;
        foreach (float height in new[] { -3e4f, 3e4f })
        {
            Sequence sequence = Sequence.Random(plan.Shape, 120, 120, 10, plan.Format);
            sequence = sequence with { Keys = Array.ConvertAll(sequence.Keys, _ => 1f) };
            sequence = sequence with { Queries = Array.ConvertAll(sequence.Queries, _ => height) };
            Result expected = Result.OfReference(ReferenceAttention.Of(plan), sequence);
            Result.OfStep(attention, sequence).CheckAgainst(expected, Tolerance.Float32, $"{name}, scores of {height}");
        }
    }

    /// <summary>
    /// A float16 kernel multiplies queries by 2^112 to undo its widening, and integers of keys are larger than the keys: large queries must not overflow on the way to products that small keys bring back.
    /// </summary>
    [Theory]
    [InlineData(nameof(Variants.Causal4x4Of32F32), 1e6f)]
    [InlineData(nameof(Variants.Causal4x4Of32F16), 1e6f)]
    [InlineData(nameof(Variants.SoftCapOf256F16), 1e6f)]
    [InlineData(nameof(Variants.WindowOf200BF16), 1e6f)]
    [InlineData(nameof(Variants.Causal4x4Of32I8), 1e6f)]
    [InlineData(nameof(Variants.Causal4x4Of32I8), 1e36f)]
    [InlineData(nameof(Variants.SoftCapOf256I8), 1e36f)]
    public void LargeQueriesOfSmallKeysAreExact(string name, float size)
    {
        IAttention attention = Variants.Named(name);
        AttentionPlan plan = attention.Plan;
        Sequence sequence = Sequence.Random(plan.Shape, 60, 60, 12);
        sequence = (sequence with
        {
            Queries = Array.ConvertAll(sequence.Queries, x => x * size),
            Keys = Array.ConvertAll(sequence.Keys, x => x / size),
        }).Rounded(plan.Format);
        Result expected = Result.OfReference(ReferenceAttention.Of(plan), sequence);
        foreach (int bits in KernelSettings.VectorWidths)
        {
            using var _ = KernelSettings.VectorBits(bits);
            Result.OfStep(attention, sequence).CheckAgainst(expected, Tolerance.Float32, $"{name}, {bits} bits");
        }
    }

    /// <summary>Once the poisoned position has left a ring, or has been truncated or cleared, nothing remembers it.</summary>
    [Theory]
    [InlineData(nameof(Variants.WindowOf80F16))]
    [InlineData(nameof(Variants.WindowOf80I8))]
    public void WhatHasLeftTheCacheIsForgotten(string name)
    {
        IAttention attention = Variants.Named(name);
        AttentionPlan plan = attention.Plan;
        Sequence clean = Sequence.Random(plan.Shape, 1000, 1000, 11, plan.Format);
        var poisoned = clean with { Keys = With(clean.Keys, 0, float.NaN) };
        Result expected = Result.OfReference(ReferenceAttention.Of(plan), clean);
        Result result = Result.OfStep(attention, poisoned);
        int untouched = plan.Window * plan.Shape.QueryWidth;
        Tolerance.Float32.Check(result.Output.AsSpan(untouched), expected.Output.AsSpan(untouched), "rows past the window");

        using KvCache cache = attention.CreateCache(1000);
        attention.Append(cache, clean.KeysAt(..10), clean.ValuesAt(..10));
        attention.Append(cache, poisoned.KeysAt(..1), poisoned.ValuesAt(..1));
        cache.Truncate(10);
        Result row = Result.Unwritten(plan.Shape, 1);
        attention.Attend(cache, clean.QueriesAt(9..10), row.Output, row.LogSumExp);
        int width = plan.Shape.QueryWidth;
        Tolerance.Float32.Check(row.Output, expected.Output.AsSpan(9 * width, width), "after truncation");
    }

    static void Check(IAttention attention, Sequence sequence, string what)
    {
        // Of a row that sees a NaN it matters that it is not passed off as a number, not which scalars of it are NaN or infinite:
        // that depends on the order of the additions.
        Sequence stored = sequence.Rounded(attention.Plan.Format);
        Result expected = Result.OfReference(ReferenceAttention.Of(attention.Plan), stored);
        foreach (int bits in KernelSettings.VectorWidths)
        {
            using var _ = KernelSettings.VectorBits(bits);
            Result result = Result.OfStep(attention, sequence);
            Compare(result.Output, expected.Output, $"{what}, {bits} bits, output");
            Compare(result.LogSumExp, expected.LogSumExp, $"{what}, {bits} bits, log-sum-exp");
        }

        static void Compare(float[] actual, float[] expected, string what)
        {
            for (int i = 0; i < actual.Length; i++)
                if (float.IsNaN(expected[i]) ? float.IsFinite(actual[i]) : !Tolerance.Float32.Accepts(actual[i], expected[i]))
                    Assert.Fail($"{what}: {actual[i]} instead of {expected[i]} at {i}");
        }
    }

    static float[] With(float[] scalars, int index, float value)
    {
        float[] copy = [.. scalars];
        copy[index] = value;
        return copy;
    }
}
