using AttentionComposer;

namespace AttentionGym;

/// <summary>A pipeline, and its own functions as plain C# methods: what the reference calls.</summary>
/// <param name="Attention">The pipeline.</param>
public sealed record Variant(IAttention Attention)
{
    /// <summary>Its name.</summary>
    public string Name => Attention.Plan.Name;

    /// <summary>Its masks, all in one: (head, query, key) → visible.</summary>
    public Func<int, int, int, bool>? Mask { get; init; }

    /// <summary>Its scores, one behind the other: (score, head, query, key) → score.</summary>
    public Func<float, int, int, int, float>? Score { get; init; }

    /// <summary>The logits of its sinks.</summary>
    public float[] SinkLogits { get; init; } = [];

    /// <summary>Plain attention over the same window, if it has one: where rows see few tiles, what a row costs by itself is no variant's fault.</summary>
    public IAttention? PlainWindow { get; init; }

    /// <summary>The plain loop in float64 over the user's own functions.</summary>
    public ReferenceAttention Reference => ReferenceAttention.Of(Attention.Plan) with
    {
        Mask = Mask,
        Score = Score is null ? null : (score, head, query, key) => Score((float)score, head, query, key),
        SinkLogits = SinkLogits,
    };
}
