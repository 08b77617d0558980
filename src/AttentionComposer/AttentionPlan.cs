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

    /// <summary>The stages in the order in which a kernel runs them, one line each.</summary>
    public required IReadOnlyList<string> Stages { get; init; }

    /// <summary>The plan as the generated file's doc comment shows it.</summary>
    public override string ToString() => $"{Name}: {Shape}\n{string.Join('\n', Stages.Select((stage, i) => $"  {i + 1}. {stage}"))}";
}
