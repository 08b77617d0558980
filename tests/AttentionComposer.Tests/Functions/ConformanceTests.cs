using AttentionComposer.Tests.Functions.Declared;
using AttentionGym;

namespace AttentionComposer.Tests.Functions;

/// <summary>
/// Every variant of samples/AttentionGym, fused, against the float64 reference that calls the variant's own C# methods: nothing of the
/// translation is between them.
/// </summary>
public sealed class ConformanceTests
{
    static readonly int[] s_lengths = [1, 7, 257, 1000, 4097];

    public static TheoryData<string> Names => [.. Catalog.Names];

    public static TheoryData<string, int> NamesAndLengths => EachAt(Catalog.Names, s_lengths);

    public static TheoryData<string, int> ShapesAndLengths => EachAt(ShapedVariants.Names, [7, 257, 1000]);

    static TheoryData<string, int> EachAt(IEnumerable<string> names, int[] lengths)
    {
        var data = new TheoryData<string, int>();
        foreach (string name in names)
            foreach (int length in lengths)
                data.Add(name, length);
        return data;
    }

    /// <summary>
    /// One token, a few, a prefill in one call and in pieces, at every vector width: within 1e-5 of the reference, and within rounding
    /// of each other.
    /// </summary>
    [Theory, MemberData(nameof(NamesAndLengths))]
    public void EveryPhaseMatchesTheReference(string name, int positions) => Check(Catalog.Of(name, positions), positions);

    /// <summary>The same at other head sizes, groups and formats of the cache.</summary>
    [Theory, MemberData(nameof(ShapesAndLengths))]
    public void OtherShapesMatchTheReference(string name, int positions) => Check(ShapedVariants.Of(name, positions), positions);

    /// <summary>The variants that the Gym measures at 32/8 heads of 128 as well.</summary>
    [Fact]
    public void TheMainShapeMatchesTheReference() => Assert.All(Catalog.AllOfMainShape(130), variant => Check(variant, 130));

    static void Check(Variant variant, int positions)
    {
        AttentionShape shape = variant.Attention.Shape;
        Sequence sequence = Sequence.Random(shape, positions, positions, seed: positions, variant.Attention.Plan.Format);
        int[] rows = RowsOf(positions);
        Result whole = ReferenceAt(rows, variant.Reference, sequence);
        foreach ((string phase, int first, int piece) in PhasesOf(positions))
        {
            int[] ofPhase = [.. rows.Where(row => row >= first)];
            Result expected = first + piece < positions
                ? ReferenceInPieces(ofPhase, variant.Reference, sequence, piece)
                : At(shape, whole, [.. ofPhase.Select(row => Array.IndexOf(rows, row))]);
            Result? widest = null;
            foreach (int bits in positions > 257 ? KernelSettings.AcceleratedWidths : KernelSettings.VectorWidths)
            {
                using var _ = KernelSettings.VectorBits(bits);
                Result result = At(shape, Run(variant.Attention, sequence, first, piece), [.. ofPhase.Select(row => row - first)]);
                string what = $"{variant.Name}, {positions} positions, {phase}, {bits} bits";
                RowTolerance.Float32.Check(result, expected, what);
                RowTolerance.Rounding.Check(result, widest ??= result, what + " beside the widest vectors");
            }
        }
    }

    /// <summary>How the last positions' queries arrive: the first of them, and how many at once.</summary>
    static IEnumerable<(string Phase, int First, int Piece)> PhasesOf(int positions)
    {
        yield return ("one token", positions - 1, 1);
        if (positions > 3)
            yield return ("three tokens", positions - 3, 3);
        yield return ("prefill", 0, positions);
        if (positions > 100)
            yield return ("prefill in pieces", 0, positions * 3 / 7);
    }

    /// <summary>All rows of short sequences; of the longest the first and the last, both sides of tiles and blocks, and some at random.</summary>
    static int[] RowsOf(int positions)
    {
        if (positions <= 1000)
            return [.. Enumerable.Range(0, positions)];
        var random = new Random(positions);
        int[] edges = [0, 1, 31, 32, 63, 64, 65, 127, 128, 1023, 1024, 2047, 2048, 4032, positions - 3, positions - 2, positions - 1];
        return [.. edges.Concat(Enumerable.Range(0, 24).Select(_ => random.Next(positions))).Distinct().Order()];
    }

    static Result Run(IAttention attention, Sequence sequence, int first, int piece)
    {
        Result result = Result.Unwritten(attention.Shape, sequence.Positions - first);
        int width = attention.Shape.QueryWidth, heads = attention.Shape.QueryHeads;
        using KvCache cache = attention.CreateCache(sequence.Positions);
        attention.Append(cache, sequence.KeysAt(..first), sequence.ValuesAt(..first));
        for (int row = first; row < sequence.Positions; row += piece)
        {
            int end = Math.Min(row + piece, sequence.Positions);
            attention.Attend(
                cache, sequence.QueriesAt(row..end), sequence.KeysAt(row..end), sequence.ValuesAt(row..end),
                result.Output.AsSpan((row - first) * width, (end - row) * width), result.LogSumExp.AsSpan((row - first) * heads, (end - row) * heads));
        }

        return result;
    }

    // Each row by itself, on all threads: the reference takes longer than the kernels.
    static Result ReferenceAt(int[] rows, ReferenceAttention reference, Sequence sequence)
    {
        var results = new Result[rows.Length];
        Parallel.For(0, rows.Length, i => results[i] = Result.OfReference(
            reference with { QueryPositions = [rows[i]] }, sequence with { Queries = sequence.QueriesAt(rows[i]..(rows[i] + 1)).ToArray() }));
        return Joined(results);
    }

    // A variant that sees later keys sees those of its own piece and not of the next.
    static Result ReferenceInPieces(int[] rows, ReferenceAttention reference, Sequence sequence, int piece)
    {
        Result[] results =
        [
            .. from row in rows
               group row by Math.Min((row / piece + 1) * piece, sequence.Positions) into ofPiece
               select ReferenceAt(
                   [.. ofPiece], reference,
                   sequence with { Keys = sequence.KeysAt(..ofPiece.Key).ToArray(), Values = sequence.ValuesAt(..ofPiece.Key).ToArray() }),
        ];
        return Joined(results);
    }

    static Result Joined(Result[] results) => new([.. results.SelectMany(result => result.Output)], [.. results.SelectMany(result => result.LogSumExp)]);

    static Result At(AttentionShape shape, Result result, int[] rows) => new(
        [.. rows.SelectMany(row => result.Output[(row * shape.QueryWidth)..((row + 1) * shape.QueryWidth)])],
        [.. rows.SelectMany(row => result.LogSumExp[(row * shape.QueryHeads)..((row + 1) * shape.QueryHeads)])]);

    /// <summary>The loop that runs while a cache holds NaN or infinity: where it is not seen, nothing changes.</summary>
    [Theory, MemberData(nameof(Names))]
    public void TheCarefulLoopMatchesTheReference(string name)
    {
        const int Positions = 130, Rows = 70;
        Variant variant = Catalog.Of(name, Positions);
        Sequence sequence = Sequence.Random(variant.Attention.Shape, Positions, Rows, seed: 5, variant.Attention.Plan.Format);
        Result expected = Result.OfReference(variant.Reference, sequence);

        // One row of queries that is not a number keeps all the rest to itself.
        int width = variant.Attention.Shape.QueryWidth;
        sequence.Queries.AsSpan(17 * width, width).Fill(float.NaN);
        Result actual = Result.OfStep(variant.Attention, sequence);
        expected.Output.AsSpan(17 * width, width).CopyTo(actual.Output.AsSpan(17 * width));
        int heads = variant.Attention.Shape.QueryHeads;
        expected.LogSumExp.AsSpan(17 * heads, heads).CopyTo(actual.LogSumExp.AsSpan(17 * heads));
        RowTolerance.Float32.Check(actual, expected, name);
    }

    /// <summary>Queries over a cache that holds nothing, and queries that stand before the first key: what sees no key is 0, and its log-sum-exp negative infinity.</summary>
    [Theory, MemberData(nameof(Names))]
    public void RowsThatSeeNothingAreZero(string name)
    {
        const int Positions = 70;
        Variant variant = Catalog.Of(name, Positions);
        IAttention attention = variant.Attention;
        foreach (int bits in KernelSettings.VectorWidths)
        {
            using var _ = KernelSettings.VectorBits(bits);
            foreach (int rows in new[] { 1, 3, 200 })
            {
                Result nothing = Result.OfStored(attention, Sequence.Random(attention.Shape, 0, rows, seed: 2));
                Assert.All(nothing.Output, scalar => Assert.Equal(0, scalar));
                Assert.All(nothing.LogSumExp, scalar => Assert.Equal(float.NegativeInfinity, scalar));

                Sequence early = Sequence.Random(attention.Shape, Positions, Positions + rows, seed: 3, attention.Plan.Format);
                if (Try(() => Result.OfReference(variant.Reference, early)) is { } expected)
                    RowTolerance.Float32.Check(Result.OfStored(attention, early), expected, $"{name}, {bits} bits, {rows} rows before the first key");
                else
                    Assert.Throws<IndexOutOfRangeException>(() => Result.OfStored(attention, early));
            }
        }

        // A function may look up a query in a table of positions: before the first there is nothing.
        static Result? Try(Func<Result> compute)
        {
            try
            {
                return compute();
            }
            catch (IndexOutOfRangeException)
            {
                return null;
            }
        }
    }

    /// <summary>Rows in the midst of visible ones.</summary>
    [Fact]
    public void ARowThatIsHiddenBetweenOthersIsZero()
    {
        Variant blind = Catalog.Of(nameof(BlindRows), 64);
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
