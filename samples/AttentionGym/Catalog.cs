using AttentionComposer;

namespace AttentionGym;

/// <summary>Every variant, over arrays for sequences of one length.</summary>
public static class Catalog
{
    // From the positions of a sequence. The tables of graphs grow with their square: only what is asked for is made.
    static readonly Func<int, Variant>[] s_variants =
    [
        // Sequences
        _ => new(new CausalByFunction()) { Mask = (head, query, key) => CausalByFunction.Past(query, key) },
        _ => new(new SlidingWindowByFunction())
        {
            Mask = (head, query, key) => SlidingWindowByFunction.Past(query, key) && SlidingWindowByFunction.Near(query, key),
        },
        _ => new(new DilatedWindow()) { Mask = (head, query, key) => DilatedWindow.Visible(query, key) },
        positions => Masked(new PrefixLanguageModel(positions / 3), prefix => prefix.Visible),
        _ => new(new ConstantPrefix()) { Mask = (head, query, key) => ConstantPrefix.Visible(query, key) },
        positions => Masked(new GlobalAndSliding(Flags(positions)), global => global.Visible),
        _ => new(new BlockDiffusion()) { Mask = (head, query, key) => BlockDiffusion.Visible(query, key) },
        positions => Masked(new SharedPrefix(positions / 4, Math.Max(1, positions / 7)), shared => shared.Visible),
        positions => Masked(TreeOf(positions), tree => tree.Visible),
        positions => Masked(TilesOf(positions), list => list.Visible),
        _ => new(new Combined()) { Mask = (head, query, key) => Combined.Visible(query, key) },
        _ => new(new StridedByHead()) { Mask = StridedByHead.Visible },
        _ => new(new WindowOfSomeHeads()) { Mask = (head, query, key) => WindowOfSomeHeads.Visible(head / 2, query, key) },
        _ => new(new BlindRows()) { Mask = (head, query, key) => BlindRows.Visible(query) },

        // Packed
        positions => Masked(new PackedDocuments(DocumentsOf(positions)), packed => packed.Visible),
        positions => Masked(new PackedDocumentsInMemory(DocumentsOf(positions)), packed => packed.Visible),
        positions => Masked(new BatchedSubsequences(70, Array(positions / 70 + 1, i => 70 - i * 13 % 60)), batched => batched.Visible),
        positions => Masked(new ImageText(Array(positions, i => i / 90)), image => image.Visible),

        // Pictures
        _ => new(new Neighbourhood()) { Mask = (head, query, key) => Neighbourhood.Visible(query, key) },
        _ => new(new TiledNeighbourhood()) { Mask = (head, query, key) => TiledNeighbourhood.Visible(query, key) },
        _ => new(new MortonNeighbourhood()) { Mask = (head, query, key) => MortonNeighbourhood.Visible(query, key) },
        _ => new(new SlidingTiles()) { Mask = (head, query, key) => SlidingTiles.Visible(query, key) },
        _ => new(new SlidingTilesInSpace()) { Mask = (head, query, key) => SlidingTilesInSpace.Visible(query, key) },
        _ => new(new SpatialVideo()) { Mask = (head, query, key) => SpatialVideo.Visible(query, key) },
        _ => new(new TemporalVideo()) { Mask = (head, query, key) => TemporalVideo.Visible(query, key) },

        // Scores
        _ => Scored(new AlibiByFunction(Array(8, i => MathF.Pow(2, -i - 1))), alibi => alibi.Bias),
        _ => new(new SoftCapByFunction()) { Score = (score, head, query, key) => SoftCapByFunction.Capped(score) },
        _ => new(new RelativePosition()) { Score = (score, head, query, key) => RelativePosition.Bias(score, query, key) },
        _ => Scored(new HeadBias(Biases(8)), heads => (score, head, query, key) => heads.Biased(score, head, key)),
        _ => Scored(new BucketedBias(Biases(32, 8)), buckets => buckets.Biased),
        _ => new(new Sandwich()) { Score = Sandwich.Biased },
        positions => Scored(new GraphSpatialBias(DistancesOf(positions), Biases(8, 5)), graph => graph.Biased),
        positions => Scored(new GraphEdgeBias(EdgesOf(2, positions)), graph => (score, head, query, key) => graph.Biased(score, head / 4, query, key)),
        _ => Scored(new ClampedRelativeTable(Biases(41)), clamped => (score, head, query, key) => clamped.Biased(score, query, key)),
        positions => Scored(new DistanceTable(Biases(positions)), distance => (score, head, query, key) => distance.Biased(score, query, key)),
        positions => Scored(new PackedBias(Biases(2 * positions), positions), packed => (score, head, query, key) => packed.Biased(score, query, key)),
        _ => new(new XorPattern()) { Score = (score, head, query, key) => XorPattern.Biased(score, query, key) },
        _ => new(new Squared()) { Score = (score, head, query, key) => Squared.Square(score) },
        _ => new(new Thresholded()) { Score = (score, head, query, key) => Thresholded.Cut(score) },
        _ => new(new TwoScores()) { Score = (score, head, query, key) => TwoScores.Second(TwoScores.First(score, query, key)) },

        // Normalisers
        _ => new(new LearnedSinks(Array(8, i => i - 4f))) { SinkLogits = Array(8, i => i - 4f), PlainWindow = new PlainWindow() },
        _ => new(new SoftmaxOne()),
        _ => new(new SigmoidWithBias()) { Score = (score, head, query, key) => SigmoidWithBias.Biased(score, query) },
        _ => new(new ReluByLength()) { Score = (score, head, query, key) => ReluByLength.Scaled(score, query) },
    ];

    // Scores and normalisers at 32/8 heads of 128.
    static readonly Func<int, Variant>[] s_mainShape =
    [
        _ => Scored(new MainShape.AlibiByFunction(Array(32, i => MathF.Pow(2, -(i + 1) / 4f))), alibi => alibi.Bias),
        _ => new(new MainShape.SoftCapByFunction()) { Score = (score, head, query, key) => SoftCapByFunction.Capped(score) },
        _ => new(new MainShape.RelativePosition()) { Score = (score, head, query, key) => RelativePosition.Bias(score, query, key) },
        _ => Scored(new MainShape.HeadBias(Biases(32)), heads => (score, head, query, key) => heads.Biased(score, head, key)),
        _ => Scored(new MainShape.BucketedBias(Biases(32, 32)), buckets => buckets.Biased),
        _ => new(new MainShape.Sandwich()) { Score = Sandwich.Biased },
        positions => Scored(new MainShape.GraphSpatialBias(DistancesOf(positions), Biases(32, 5)), graph => graph.Biased),
        positions => Scored(new MainShape.GraphEdgeBias(EdgesOf(8, positions)), graph => (score, head, query, key) => graph.Biased(score, head / 4, query, key)),
        _ => Scored(new MainShape.ClampedRelativeTable(Biases(41)), clamped => (score, head, query, key) => clamped.Biased(score, query, key)),
        positions => Scored(new MainShape.DistanceTable(Biases(positions)), distance => (score, head, query, key) => distance.Biased(score, query, key)),
        positions => Scored(new MainShape.PackedBias(Biases(2 * positions), positions), packed => (score, head, query, key) => packed.Biased(score, query, key)),
        _ => new(new MainShape.XorPattern()) { Score = (score, head, query, key) => XorPattern.Biased(score, query, key) },
        _ => new(new MainShape.Squared()) { Score = (score, head, query, key) => Squared.Square(score) },
        _ => new(new MainShape.Thresholded()) { Score = (score, head, query, key) => Thresholded.Cut(score) },
        _ => new(new MainShape.TwoScores()) { Score = (score, head, query, key) => TwoScores.Second(TwoScores.First(score, query, key)) },
        _ => new(new MainShape.LearnedSinks(Array(32, i => i / 4f - 4))) { SinkLogits = Array(32, i => i / 4f - 4), PlainWindow = new MainShape.PlainWindow() },
        _ => new(new MainShape.SoftmaxOne()),
        _ => new(new MainShape.SigmoidWithBias()) { Score = (score, head, query, key) => SigmoidWithBias.Biased(score, query) },
        _ => new(new MainShape.ReluByLength()) { Score = (score, head, query, key) => ReluByLength.Scaled(score, query) },
    ];

    static readonly OrderedDictionary<string, Func<int, Variant>> s_byName = new(s_variants.Select(variant => KeyValuePair.Create(variant(64).Name, variant)));

    /// <summary>The names of all variants.</summary>
    public static IReadOnlyList<string> Names => s_byName.Keys;

    /// <summary>All variants over sequences of at most that many positions, each made when it is asked for.</summary>
    public static IEnumerable<Variant> All(int positions) => s_variants.Select(variant => variant(positions));

    /// <summary>Those of scores and weights once more, at 32/8 heads of 128.</summary>
    public static IEnumerable<Variant> AllOfMainShape(int positions) => s_mainShape.Select(variant => variant(positions));

    /// <summary>One variant over sequences of at most that many positions.</summary>
    public static Variant Of(string name, int positions) => s_byName[name](positions);

    static Variant Masked<T>(T attention, Func<T, Func<int, int, bool>> mask)
        where T : IAttention
    {
        Func<int, int, bool> visible = mask(attention);
        return new(attention) { Mask = (head, query, key) => visible(query, key) };
    }

    static Variant Scored<T>(T attention, Func<T, Func<float, int, int, int, float>> score)
        where T : IAttention => new(attention) { Score = score(attention) };

    static bool[] Flags(int positions)
    {
        var random = new Random(positions);
        return Array(positions, i => i is 0 or 1 || random.Next(200) == 0);
    }

    static int[] DocumentsOf(int positions) => Array(positions, i => i * 16 / Math.Max(1, positions));

    static TileList TilesOf(int positions)
    {
        var random = new Random(positions);
        int tiles = positions / 64 + 1;
        return new TileList(Table(tiles, tiles, (i, j) => i == j || random.Next(3) == 0));
    }

    static float[] Biases(int count)
    {
        var random = new Random(count);
        return Array(count, _ => Bias(random));
    }

    static float[,] Biases(int rows, int columns)
    {
        var random = new Random(rows);
        return Table(rows, columns, (_, _) => Bias(random));
    }

    static int[,] DistancesOf(int nodes)
    {
        var random = new Random(nodes);
        return Table(nodes, nodes, (_, _) => random.Next(5));
    }

    static float[,,] EdgesOf(int heads, int nodes)
    {
        var random = new Random(nodes);
        var edges = new float[heads, nodes, nodes];
        for (int head = 0; head < heads; head++)
            for (int from = 0; from < nodes; from++)
                for (int to = 0; to < nodes; to++)
                    edges[head, from, to] = Bias(random);
        return edges;
    }

    static float Bias(Random random) => random.NextSingle() * 4 - 2;

    static SpeculativeTree TreeOf(int positions)
    {
        int drafts = Math.Min(24, positions), context = positions - drafts;
        bool[,] ancestor = Table(drafts, drafts, (i, j) => false);
        for (int i = 0; i < drafts; i++)
        {
            for (int node = i; ; node = (node - 1) / 2)
            {
                ancestor[i, node] = true;
                if (node == 0)
                    break;
            }
        }

        return new SpeculativeTree(context, ancestor);
    }

    static T[] Array<T>(int length, Func<int, T> element) => [.. Enumerable.Range(0, length).Select(element)];

    static T[,] Table<T>(int rows, int columns, Func<int, int, T> element)
    {
        var table = new T[rows, columns];
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
                table[row, column] = element(row, column);
        return table;
    }
}
