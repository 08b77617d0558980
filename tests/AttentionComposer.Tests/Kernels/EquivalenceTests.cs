namespace AttentionComposer.Tests.Kernels;

/// <summary>Generated kernels against the float64 reference, over shapes that are multiples of nothing.</summary>
public sealed class EquivalenceTests
{
    // Both sides of every size at which the work is cut: vectors, key blocks, query tiles, splits, and rings.
    static readonly (int Positions, int Rows)[] Sizes =
    [
        (0, 1), (0, 3), (1, 1), (1, 2), (2, 1), (2, 2), (2, 5), (7, 1), (7, 3), (7, 7), (7, 12),
        (63, 1), (63, 4), (63, 63), (64, 1), (64, 5), (64, 64), (65, 1), (65, 9), (65, 65), (65, 70),
        (257, 1), (257, 2), (257, 17), (257, 257),
        (1000, 1), (1000, 3), (1000, 33), (1001, 7), (1037, 1), (2100, 2), (4111, 1),
    ];

    /// <summary>Two sizes in which every row of a prefill has work to do.</summary>
    static readonly (int Positions, int Rows)[] LongSizes = [(515, 515), (1000, 1000)];

    public static TheoryData<string> Names => [.. Variants.Names];

    [Theory, MemberData(nameof(Names))]
    public void KernelsMatchTheReference(string name) => Check(Variants.Named(name), Sizes);

    [Theory]
    [InlineData(nameof(Variants.Causal4x4Of32F32))]
    [InlineData(nameof(Variants.EverythingOf32F16))]
    [InlineData(nameof(Variants.FullOf40BF16))]
    [InlineData(nameof(Variants.WindowOf80F32))]
    [InlineData(nameof(Variants.AlibiOf40I8))]
    public void LongPrefillsMatchTheReference(string name) => Check(Variants.Named(name), LongSizes);

    static void Check(IAttention attention, (int Positions, int Rows)[] sizes)
    {
        AttentionPlan plan = attention.Plan;
        var reference = ReferenceAttention.Of(plan);
        var sequences = new (Sequence Sequence, Result Expected)[sizes.Length];
        Parallel.For(0, sizes.Length, i =>
        {
            Sequence sequence = Sequence.Random(plan.Shape, sizes[i].Positions, sizes[i].Rows, seed: i, plan.Format);
            sequences[i] = (sequence, Result.OfReference(reference, sequence));
        });

        foreach (int bits in KernelSettings.VectorWidths)
        {
            using var _ = KernelSettings.VectorBits(bits);
            foreach ((Sequence sequence, Result expected) in sequences)
            {
                string what = $"{plan.Name}, {bits} bits, {sequence.Positions} positions, {sequence.Rows} rows";
                if (Holds(plan, sequence))
                    Result.OfStored(attention, sequence).CheckAgainst(expected, Tolerance.Float32, $"{what}, stored");
                else
                    Assert.Throws<InvalidOperationException>(() => Result.OfStored(attention, sequence));
                if (sequence.Rows <= sequence.Positions)
                    Result.OfStep(attention, sequence).CheckAgainst(expected, Tolerance.Float32, $"{what}, step");
            }
        }
    }

    /// <summary>Whether a cache still holds what all the queries see once every key is stored.</summary>
    static bool Holds(AttentionPlan plan, Sequence sequence) =>
        plan.RingSize == 0
        || sequence.Positions <= (long)plan.Sinks + plan.RingSize
        || sequence.Rows <= plan.RingSize - plan.Window + 1;
}
