using AttentionGym;

namespace AttentionComposer.Tests.Functions;

/// <summary>
/// Every variant of samples/AttentionGym, fused, against the float64 reference that calls the variant's own C# methods: nothing of the
/// translation is between them.
/// </summary>
public sealed class ConformanceTests
{
    static readonly (int Positions, int Rows)[] Sizes = [(1, 1), (7, 7), (7, 2), (257, 257), (257, 1), (257, 3), (257, 40), (1000, 9), (1000, 1), (1000, 130), (4097, 1), (4097, 4)];

    public static TheoryData<string> Names => [.. Catalog.Names];

    [Theory, MemberData(nameof(Names))]
    public void KernelsMatchTheReference(string name)
    {
        foreach ((int positions, int rows) in Sizes)
        {
            if (positions > 1000 && name.StartsWith("Graph", StringComparison.Ordinal))
                continue; // tables of positions × positions

            Variant variant = Catalog.All(positions).Single(variant => variant.Name == name);
            Sequence sequence = Sequence.Random(variant.Attention.Shape, positions, rows, seed: positions + rows, variant.Attention.Plan.Format);
            Result expected = Result.OfReference(variant.Reference, sequence);
            foreach (int bits in KernelSettings.VectorWidths)
            {
                using var _ = KernelSettings.VectorBits(bits);
                string what = $"{name}, {bits} bits, {positions} positions, {rows} rows";
                Result.OfStep(variant.Attention, sequence).CheckAgainst(expected, Tolerance.Float32, what);
            }
        }
    }

    /// <summary>The loop that runs while a cache holds NaN or infinity: where it is not seen, nothing changes.</summary>
    [Theory, MemberData(nameof(Names))]
    public void TheCarefulLoopMatchesTheReference(string name)
    {
        const int Positions = 130, Rows = 70;
        Variant variant = Catalog.All(Positions).Single(variant => variant.Name == name);
        Sequence sequence = Sequence.Random(variant.Attention.Shape, Positions, Rows, seed: 5, variant.Attention.Plan.Format);
        Result expected = Result.OfReference(variant.Reference, sequence);

        // One row of queries that is not a number keeps all the rest to itself.
        int width = variant.Attention.Shape.QueryWidth;
        sequence.Queries.AsSpan(17 * width, width).Fill(float.NaN);
        Result actual = Result.OfStep(variant.Attention, sequence);
        expected.Output.AsSpan(17 * width, width).CopyTo(actual.Output.AsSpan(17 * width));
        int heads = variant.Attention.Shape.QueryHeads;
        expected.LogSumExp.AsSpan(17 * heads, heads).CopyTo(actual.LogSumExp.AsSpan(17 * heads));
        actual.CheckAgainst(expected, Tolerance.Float32, name);
    }

    [Fact]
    public void ARowThatSeesNothingIsZeroInEveryVariant()
    {
        Variant blind = Catalog.All(64).Single(variant => variant.Attention is BlindRows);
        Sequence sequence = Sequence.Random(blind.Attention.Shape, 64, 64, seed: 1);
        Result result = Result.OfStep(blind.Attention, sequence);
        int width = blind.Attention.Shape.QueryWidth, heads = blind.Attention.Shape.QueryHeads;
        for (int row = 2; row < 64; row += 4)
        {
            Assert.All(result.Output[(row * width)..((row + 1) * width)], scalar => Assert.Equal(0, scalar));
            Assert.All(result.LogSumExp[(row * heads)..((row + 1) * heads)], scalar => Assert.Equal(float.NegativeInfinity, scalar));
        }
    }
}
