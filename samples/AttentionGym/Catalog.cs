namespace AttentionGym;

/// <summary>Every variant, over arrays for sequences of one length.</summary>
public static class Catalog
{
    /// <summary>The names of all variants.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All(64).Select(variant => variant.Name)];

    /// <summary>All variants over sequences of at most that many positions.</summary>
    public static IEnumerable<Variant> All(int positions) => [.. Sequences(positions), .. Packed(positions), .. Pictures(), .. Scores(positions), .. Normalizers()];

    static IEnumerable<Variant> Sequences(int positions)
    {
        var random = new Random(positions);
        yield return new(new CausalByFunction()) { Mask = (head, query, key) => CausalByFunction.Past(query, key) };
        yield return new(new SlidingWindowByFunction())
        {
            Mask = (head, query, key) => SlidingWindowByFunction.Past(query, key) && SlidingWindowByFunction.Near(query, key),
        };
        yield return new(new DilatedWindow()) { Mask = (head, query, key) => DilatedWindow.Visible(query, key) };
        var prefix = new PrefixLanguageModel(positions / 3);
        yield return new(prefix) { Mask = (head, query, key) => prefix.Visible(query, key) };
        yield return new(new ConstantPrefix()) { Mask = (head, query, key) => ConstantPrefix.Visible(query, key) };
        var global = new GlobalAndSliding(Array(positions, i => i is 0 or 1 || random.Next(200) == 0));
        yield return new(global) { Mask = (head, query, key) => global.Visible(query, key) };
        yield return new(new BlockDiffusion()) { Mask = (head, query, key) => BlockDiffusion.Visible(query, key) };
        var shared = new SharedPrefix(positions / 4, Math.Max(1, positions / 7));
        yield return new(shared) { Mask = (head, query, key) => shared.Visible(query, key) };
        var tree = TreeOf(positions);
        yield return new(tree) { Mask = (head, query, key) => tree.Visible(query, key) };
        int tiles = positions / 64 + 1;
        var list = new TileList(Table(tiles, tiles, (i, j) => i == j || random.Next(3) == 0));
        yield return new(list) { Mask = (head, query, key) => list.Visible(query, key) };
        yield return new(new Combined()) { Mask = (head, query, key) => Combined.Visible(query, key) };
        yield return new(new StridedByHead()) { Mask = (head, query, key) => StridedByHead.Visible(head, query, key) };
        yield return new(new WindowOfSomeHeads()) { Mask = (head, query, key) => WindowOfSomeHeads.Visible(head / 2, query, key) };
        yield return new(new BlindRows()) { Mask = (head, query, key) => BlindRows.Visible(query) };
    }

    static IEnumerable<Variant> Packed(int positions)
    {
        int[] document = Array(positions, i => i * 16 / Math.Max(1, positions));
        var packed = new PackedDocuments(document);
        yield return new(packed) { Mask = (head, query, key) => packed.Visible(query, key) };
        var memory = new PackedDocumentsInMemory(document);
        yield return new(memory) { Mask = (head, query, key) => memory.Visible(query, key) };
        var batched = new BatchedSubsequences(70, Array(positions / 70 + 1, i => 70 - i * 13 % 60));
        yield return new(batched) { Mask = (head, query, key) => batched.Visible(query, key) };
        var image = new ImageText(Array(positions, i => i / 90));
        yield return new(image) { Mask = (head, query, key) => image.Visible(query, key) };
    }

    static IEnumerable<Variant> Pictures()
    {
        yield return new(new Neighbourhood()) { Mask = (head, query, key) => Neighbourhood.Visible(query, key) };
        yield return new(new TiledNeighbourhood()) { Mask = (head, query, key) => TiledNeighbourhood.Visible(query, key) };
        yield return new(new MortonNeighbourhood()) { Mask = (head, query, key) => MortonNeighbourhood.Visible(query, key) };
        yield return new(new SlidingTiles()) { Mask = (head, query, key) => SlidingTiles.Visible(query, key) };
        yield return new(new SlidingTilesInSpace()) { Mask = (head, query, key) => SlidingTilesInSpace.Visible(query, key) };
        yield return new(new SpatialVideo()) { Mask = (head, query, key) => SpatialVideo.Visible(query, key) };
        yield return new(new TemporalVideo()) { Mask = (head, query, key) => TemporalVideo.Visible(query, key) };
    }

    static IEnumerable<Variant> Scores(int positions)
    {
        var random = new Random(positions);
        float Bias() => random.NextSingle() * 4 - 2;
        var alibi = new AlibiByFunction(Array(8, i => MathF.Pow(2, -i - 1)));
        yield return new(alibi) { Score = alibi.Bias };
        yield return new(new SoftCapByFunction()) { Score = (score, head, query, key) => SoftCapByFunction.Capped(score) };
        yield return new(new RelativePosition()) { Score = (score, head, query, key) => RelativePosition.Bias(score, query, key) };
        var heads = new HeadBias(Array(8, i => Bias()));
        yield return new(heads) { Score = (score, head, query, key) => heads.Biased(score, head, key) };
        var buckets = new BucketedBias(Table(32, 8, (i, j) => Bias()));
        yield return new(buckets) { Score = buckets.Biased };
        yield return new(new Sandwich()) { Score = Sandwich.Biased };
        var spatial = new GraphSpatialBias(Table(positions, positions, (i, j) => random.Next(5)), Table(8, 5, (i, j) => Bias()));
        yield return new(spatial) { Score = spatial.Biased };
        var edges = new float[2, positions, positions];
        for (int i = 0; i < 2 * positions * positions; i++)
            edges[i / (positions * positions), i / positions % positions, i % positions] = Bias();
        var edge = new GraphEdgeBias(edges);
        yield return new(edge) { Score = (score, head, query, key) => edge.Biased(score, head / 4, query, key) };
        var clamped = new ClampedRelativeTable(Array(41, i => Bias()));
        yield return new(clamped) { Score = (score, head, query, key) => clamped.Biased(score, query, key) };
        var distance = new DistanceTable(Array(positions, i => Bias()));
        yield return new(distance) { Score = (score, head, query, key) => distance.Biased(score, query, key) };
        var packed = new PackedBias(Array(2 * positions, i => Bias()), positions);
        yield return new(packed) { Score = (score, head, query, key) => packed.Biased(score, query, key) };
        yield return new(new XorPattern()) { Score = (score, head, query, key) => XorPattern.Biased(score, query, key) };
        yield return new(new Squared()) { Score = (score, head, query, key) => Squared.Square(score) };
        yield return new(new Thresholded()) { Score = (score, head, query, key) => Thresholded.Cut(score) };
        yield return new(new TwoScores()) { Score = (score, head, query, key) => TwoScores.Second(TwoScores.First(score, query, key)) };
    }

    static IEnumerable<Variant> Normalizers()
    {
        float[] sinks = Array(8, i => i - 4f);
        yield return new(new LearnedSinks(sinks)) { SinkLogits = sinks };
        yield return new(new SoftmaxOne());
        yield return new(new SigmoidWithBias()) { Score = (score, head, query, key) => SigmoidWithBias.Biased(score, query) };
        yield return new(new ReluByLength()) { Score = (score, head, query, key) => ReluByLength.Scaled(score, query) };
    }

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
