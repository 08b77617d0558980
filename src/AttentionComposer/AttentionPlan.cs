using AttentionComposer.Caches;

namespace AttentionComposer;

/// <summary>What the generator made of a declaration: the fused stages as data, and as text through <see cref="ToString"/>.</summary>
public sealed record AttentionPlan
{
    /// <summary>The declared class's name.</summary>
    public required string Name { get; init; }

    /// <summary>Head counts and head size.</summary>
    public required AttentionShape Shape { get; init; }

    /// <summary>Factor on the dot products.</summary>
    public required float Scale { get; init; }

    /// <summary>How the cache stores keys and values.</summary>
    public KvFormat Format { get; init; }

    /// <summary>Whether a query sees only positions up to its own.</summary>
    public bool Causal { get; init; }

    /// <summary>Visible keys of a sliding window, the current one included; 0 without a window.</summary>
    public int Window { get; init; }

    /// <summary>Keys at the start that stay visible beside the window; 0 without sinks.</summary>
    public int Sinks { get; init; }

    /// <summary>Positions in one of Star Attention's blocks; 0 without Star.</summary>
    public int BlockSize { get; init; }

    /// <summary>Positions at the context's start that all of Star's blocks see.</summary>
    public int AnchorSize { get; init; }

    /// <summary>Bound of the soft-capped scores; 0 without a cap.</summary>
    public float SoftCap { get; init; }

    /// <summary>ALiBi's slopes, one a query head; empty without ALiBi.</summary>
    public IReadOnlyList<float> AlibiSlopes { get; init; } = [];

    /// <summary>How scores become weights.</summary>
    public Normalization Normalization { get; init; }

    /// <summary>Whether each query head has a sink logit in the softmax's denominator.</summary>
    public bool HasSinkLogits { get; init; }

    /// <summary>The score functions in the order in which they run.</summary>
    public IReadOnlyList<string> Scores { get; init; } = [];

    /// <summary>The mask functions.</summary>
    public IReadOnlyList<string> Masks { get; init; } = [];

    /// <summary>
    /// Whether blocks of keys are tested for being hidden or visible as a whole, because intervals of keys do not say all of the masks.
    /// </summary>
    public bool TestsTiles { get; init; }

    /// <summary>Positions that a cache keeps beside the sinks: window and slack. 0 where it keeps every position.</summary>
    public int RingSize { get; init; }

    /// <summary>How calls of one token choose the keys that they read in full; null when they read every visible key.</summary>
    public Kernels.SelectionTraits? Selection { get; init; }

    /// <summary>The stages in the order in which a kernel runs them, one line each.</summary>
    public required IReadOnlyList<string> Stages { get; init; }

    /// <summary>
    /// What a decode step moves, stage by stage: arXiv 2312.04985, section 5, in bytes and with the copies that it leaves out (the keys' second one, the
    /// sums of values in float64). Keys that functions hide are counted as visible.
    /// </summary>
    /// <param name="length">Positions in the cache, the current token included.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is below 1.</exception>
    public AttentionTraffic Traffic(int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        long heads = Shape.KeyValueHeads, channel = RowFormat.ScalarSize(Format), scale = RowFormat.ScaleSize(Format), row = Shape.HeadDim * channel + scale;
        long bound = 2L * Shape.HeadDim * sizeof(float), sum = Shape.HeadDim * (long)sizeof(double);
        long visible = Window == 0 ? length : Math.Min(length, (long)Window + Sinks);
        List<StageTraffic> stages = [new("the token's key and value", 0, heads * 2 * row)];
        if (Selection is null)
            return Attended("keys and values", visible);

        if (Selection.Evicts)
        {
            // The paper's baseline reads and writes a score for every position. Here the gone have none, the kept have a list, and what scores were is kept too.
            long kept = Math.Min(visible, Selection.Keep);
            stages.Add(new("scores and positions of kept keys", heads * kept * (sizeof(float) + sizeof(int)), heads * kept * (2 * sizeof(float) + sizeof(int))));
            return Attended("kept keys and values", kept);
        }

        if (Selection.Rank > 0)
            stages.Add(new("the token's key by channel", 0, heads * (Selection.FixedChannels ? Selection.Rank : Shape.HeadDim) * channel));
        if (Selection.PageSize > 0)
            stages.Add(new("bounds of the token's page", heads * bound, heads * bound));
        if (Selection.Remainder >= Kernels.Remainder.Spread)
            stages.Add(new("sum of values", heads * sum, heads * sum));
        if (visible <= Selection.KeepKeys)
            return Attended("keys and values", visible);

        long pages = Selection.PageSize == 0 ? 0 : (length + Selection.PageSize - 1) / Selection.PageSize;
        stages.Add(Selection switch
        {
            { Rank: > 0 } => new("channels of candidates", heads * visible * (Selection.Rank * channel + scale), 0),
            { PageSize: > 0 } => new("bounds of pages", heads * pages * bound, 0),
            _ => new("keys of candidates", heads * visible * row, 0),
        });

        // The newest page may hold fewer keys; an average one is counted in full.
        AttentionTraffic traffic = Attended("chosen keys and values", Selection.KeepKeys * (Selection.PerHead ? Shape.GroupSize : 1));
        bool addsUp = Selection.Remainder >= Kernels.Remainder.Spread && (Masks.Count > 0 || (Window > 0 && RingSize == 0));
        return addsUp ? new([.. traffic.Stages, new("visible values for their mean", heads * visible * row, 0)]) : traffic;

        AttentionTraffic Attended(string name, long keys) => new([.. stages, new(name, heads * 2 * keys * row, 0)]);
    }

    /// <summary>The plan as the generated file's doc comment shows it.</summary>
    public override string ToString() => $"{Name}: {Shape}\n{string.Join('\n', Stages.Select((stage, i) => $"  {i + 1}. {stage}"))}";
}
