using System.Reflection;
using System.Text;

namespace AttentionGym;

/// <summary>Writes docs/writing-variants.md: declarations as they stand in this sample, and what their plans say.</summary>
public static class VariantPage
{
    static readonly string[] s_shown =
    [
        nameof(CausalByFunction), nameof(SlidingWindowByFunction), nameof(DilatedWindow), nameof(PrefixLanguageModel), nameof(PackedDocuments), nameof(SharedPrefix),
        nameof(SpeculativeTree), nameof(TileList), nameof(GlobalAndSliding), nameof(BlockDiffusion), nameof(Neighbourhood), nameof(SlidingTiles), nameof(TemporalVideo),
        nameof(AlibiByFunction), nameof(RelativePosition), nameof(BucketedBias), nameof(GraphSpatialBias), nameof(ClampedRelativeTable), nameof(DistanceTable), nameof(Thresholded),
        nameof(LearnedSinks), nameof(SigmoidWithBias), nameof(TwoScores),
    ];

    const string Introduction = """
        # Writing variants

        A variant is a class with attributes and, where those do not reach, two kinds of C# methods. A `[Score]` method replaces a score, a `[Mask]` method says whether a
        query sees a key. The generator reads their bodies, vectorises them into the pipeline's kernels, and finds out which blocks of keys need not be read at all.

        This page is written by `dotnet run --project samples/AttentionGym -c Release -- --page docs/writing-variants.md`: the declarations are that sample's own files, *keys* is
        what the planner proved, *hoisted* is what it computes once for many pairs, and *cost* is the time per visited tile beside plain causal attention, by scalars of a query (one
        core, 2048 positions, 8/2 heads of 64, median of 11 ratios). A test holds everything but the costs to the code. The [last section](#costs) has all variants of the sample in one table.

        ## What a function may do

        - **Parameters**, by name: `float score` (scores only), `int batch` (the cache's index in `AttendBatch`, otherwise 0), `int head` (of the query), `int keyValueHead`,
          `int query`, `int key` (absolute positions).
        - **Types**: `float`, `bool`, `int`, `uint`, `short`, `ushort`, `sbyte`, `byte`, enums over these, and tuples of them. No `double`: write `0.5f`, and `MathF` for `Math`.
        - **Operators**: arithmetic, comparisons, `&&` `||` `!` `?:`, `& | ^ ~`, shifts, casts. Integers wrap around, as in C#; a `uint` is divided by powers of two only.
        - **Statements**: locals, assignments to them, `if`, `switch`, `return`, and loops that end after a constant number of steps, with `break` and `continue`.
        - **Expressions**: `switch` with constants, comparisons, tuples, `and`, `or`, `not`, `when`; `is` with the same patterns; constants of any kind.
        - **Math and MathF** (also as `float.…`, `int.…`): `Abs Sign Min Max Clamp Sqrt Exp Log Log2 Log10 Sin Cos Tan Tanh Pow Floor Ceiling Round Truncate FusedMultiplyAdd
          IsNaN IsFinite IsInfinity IsPositiveInfinity IsNegativeInfinity`, and `BitOperations.PopCount` of 32 bits.
        - **Calls** of methods with source, in any file of the project: static ones, the pipeline's own, those of objects in its fields, local functions, generic ones (with
          operators and functions of `INumber<T>`). They are inlined; recursion is refused.
        - **What it reads**: fields, properties and primary constructor parameters of the pipeline (also through other objects, as `_settings.Size`), static readonly fields, and arrays
          of `int`, `float` and `bool` with up to three dimensions, or `ReadOnlyMemory` of them. Fields are read when a call begins. Arrays of smaller and of unsigned integers have one
          dimension: they are copied into ints then.

        A key that another mask hides is never judged: `_table[query - key]` needs no guard under `[Causal]`. An index outside of an array, for a key that is visible, throws an
        `IndexOutOfRangeException` with the function's name, and the call leaves cache and outputs as they were. Whatever cannot be translated is a [diagnostic](diagnostics/README.md)
        at the expression itself.

        The variants of this page are held to a plain loop in float64: the largest error of a row is at most 1e-5 of the row's largest scalar, at 1, 7, 257, 1000 and 4097 positions.

        What depends on the key alone, or on `query - key`, with or without the head, is computed once for all rows of a tile: a table over distances or a bias of cosines costs a
        load. `_table[head]` is loaded once a row, `_table[key]` is one load for neighbouring keys, `_table[f(score)]` or `_table[_other[query, key]]` a gather, or a permutation of
        registers where the row that all keys read (`_table[head, f(query, key)]`) has at most 32 elements, 16 with vectors of 256 bits. Bounds are tested key by key only where the range of an
        index in a block does not prove them.

        ## Masks without a matrix

        All masks, those of attributes included, must hold. Comparisons that are linear in `key` and `query` become intervals of keys in closed form, also where they compare with a captured
        number that stands alone on its side: `query - key < _window`, `key < _length[batch]`. What else there is, the kernel computes
        over whole blocks first, with ranges in place of numbers: a block that nobody can see is not read, one that everybody must see runs without a mask, and only the others are tested
        key by key, before they are read, into a word of bits for each row of the tile. Captured arrays take part through their least and largest element in the block. Nothing is stored
        per pair of positions.


        """;

    const string CostsIntroduction = """
        ## Costs

        Time per visited tile beside plain causal attention: one core, 2048 positions in one call, median of the ratios of 11 rounds in which both ran in turn. A tile is two queries by 64
        keys, so a mask whose edges run through many of its tiles pays for keys that it hides. What changes scores or weights is measured once more at 32/8 heads of 128, where
        it weighs half as much beside the products. Where rows see few tiles, what a row costs by itself shows: variants over a short window stand beside a plain window of that width too.


        """;

    /// <summary>The page, with costs.</summary>
    /// <param name="costs">Of every variant.</param>
    /// <param name="ofMainShape">Of those that <see cref="Catalog.AllOfMainShape"/> has once more.</param>
    public static string Write(IReadOnlyList<Cost> costs, IReadOnlyList<Cost> ofMainShape)
    {
        var text = new StringBuilder(Introduction);
        Variant[] variants = [.. Catalog.All(256)];
        foreach (string name in s_shown)
        {
            Variant variant = variants.Single(variant => variant.Name == name);
            Cost cost = costs.Single(cost => cost.Name == name);
            text.Append($"## {name}\n\n```csharp\n{Declaration(name)}```\n\n");
            foreach (string line in Proved(variant))
                text.Append($"- {line}\n");
            text.Append($"- cost: {Ratio(cost)} per visited tile; {cost.Visited:P0} of the tiles are visited\n\n");
        }

        return text.Append(CostsIntroduction).Append(Table(costs, ofMainShape)).ToString();
    }

    /// <summary>All costs, one variant a line.</summary>
    /// <param name="costs">Of every variant.</param>
    /// <param name="ofMainShape">Of those that <see cref="Catalog.AllOfMainShape"/> has once more.</param>
    public static string Table(IReadOnlyList<Cost> costs, IReadOnlyList<Cost> ofMainShape)
    {
        var text = new StringBuilder("| variant | visited | ms | 8/2 heads of 64 | 32/8 heads of 128 |\n| --- | ---: | ---: | --- | --- |\n");
        foreach (Cost cost in costs)
        {
            Cost? mainShape = ofMainShape.SingleOrDefault(other => other.Name == cost.Name);
            text.Append($"| {cost.Name} | {cost.Visited:P0} | {cost.Milliseconds:F1} | {Ratio(cost)} | {(mainShape is null ? "" : Ratio(mainShape))} |\n");
        }

        return text.ToString();
    }

    static string Ratio(Cost cost) => $"{cost.PerTile:F2}{(cost.PerWindowTile is { } ratio ? $" ({ratio:F2} beside a plain window)" : "")}";

    /// <summary>The page's lines that do not depend on a measurement.</summary>
    public static IEnumerable<string> WithoutCosts(string page) => page.ReplaceLineEndings("\n").Split('\n')
        .Where(line => !line.StartsWith("- cost:", StringComparison.Ordinal) && !line.StartsWith("| ", StringComparison.Ordinal));

    static IEnumerable<string> Proved(Variant variant) => variant.Attention.Plan.Stages.Where(stage =>
        stage.StartsWith("keys: ", StringComparison.Ordinal) || stage.StartsWith("hoisted: ", StringComparison.Ordinal));

    /// <summary>A class as it is written, its comment included.</summary>
    static string Declaration(string name)
    {
        foreach (string resource in Assembly.GetExecutingAssembly().GetManifestResourceNames())
        {
            using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
            string[] lines = reader.ReadToEnd().ReplaceLineEndings("\n").Split('\n');
            int line = Array.FindIndex(lines, text => text.StartsWith($"public sealed partial class {name}", StringComparison.Ordinal)
                && !char.IsLetterOrDigit(text.ElementAtOrDefault($"public sealed partial class {name}".Length)));
            if (line < 0)
                continue;
            int first = line, last = line;
            while (first > 0 && lines[first - 1].Length != 0)
                first--;
            while (lines[last] != "}" && !(last == line && lines[last].EndsWith(';')))
                last++;
            return string.Join('\n', lines[first..(last + 1)]) + "\n";
        }

        throw new InvalidOperationException($"No declaration of {name}.");
    }
}
