using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>Everything that emitters print: decisions, no more questions.</summary>
sealed record KernelPlan
{
    public required PipelineSpec Spec { get; init; }

    /// <summary>Factor on the dot products before any other stage: the scale, with what could be folded into it.</summary>
    public required float QueryFactor { get; init; }

    /// <summary>The final logit in units of log2, as a function of the dot product times <see cref="QueryFactor"/>.</summary>
    public required Expr Logit { get; init; }

    /// <summary>The logit as the user would write it, in natural units.</summary>
    public required string LogitText { get; init; }

    /// <summary>Whether a query sees a key.</summary>
    public required Expr? Mask { get; init; }

    /// <summary>The mask as the user would write it.</summary>
    public required string MaskText { get; init; }

    /// <summary>The keys that a query sees, as disjoint intervals in ascending order.</summary>
    public required EquatableArray<KeyInterval> Intervals { get; init; }

    /// <summary>Positions at the start that a windowed cache keeps.</summary>
    public required int Pinned { get; init; }

    /// <summary>Slots of a windowed cache's ring; 0 when the cache keeps every position.</summary>
    public required int Ring { get; init; }

    /// <summary>Rows that the decode kernel computes for a token: the group, padded to the row tile.</summary>
    public required int DecodeRows { get; init; }

    /// <summary>Keys that the decode kernel scores before it sums their values: so many that the rows of both stay in the first cache.</summary>
    public required int DecodeBlock { get; init; }

    /// <summary>Calls of up to this many tokens take the decode kernel.</summary>
    public required int DecodeTokens { get; init; }

    /// <summary>Tokens in a tile of the prefill kernel.</summary>
    public required int PrefillTokens { get; init; }

    /// <summary>The kernels to emit, widest vectors first.</summary>
    public required EquatableArray<TilePlan> Tiles { get; init; }

    /// <summary>What is fused, in the order in which it runs, one line a stage.</summary>
    public required EquatableArray<string> Stages { get; init; }

    /// <summary>Scalars from one cached row to the next: the head size rounded up to the widest vector.</summary>
    public int RowStride => (Spec.HeadDim + 15) / 16 * 16;
}

/// <summary>Register tiles for one vector width.</summary>
/// <param name="Bits">Vector width: 512, 256 or 128.</param>
/// <param name="BlockKeys">Keys that are scored before their values are summed.</param>
/// <param name="DecodeRows">Query rows in the decode kernel's tile.</param>
/// <param name="DecodeKeys">Keys in the decode kernel's tile.</param>
/// <param name="DecodeVectors">Vectors of a value row that the decode kernel sums at once, at most.</param>
/// <param name="PrefillRows">Query rows in the prefill kernel's tile.</param>
/// <param name="PrefillVectors">Vectors in the prefill kernel's tile.</param>
sealed record TilePlan(
    int Bits, int BlockKeys, int DecodeRows, int DecodeKeys, int DecodeVectors, int PrefillRows, int PrefillVectors)
{
    /// <summary>Floats in one vector.</summary>
    public int Lanes => Bits / 32;
}

/// <summary>A bound of an interval that moves with the query: <c>Slope · query + Offset</c>.</summary>
sealed record Bound(int Slope, int Offset);

/// <summary>
/// Keys from the largest of <paramref name="Lows"/> up to, not including, the smallest of <paramref name="Highs"/>. The sequence's ends
/// bound every interval and are not listed.
/// </summary>
sealed record KeyInterval(EquatableArray<Bound> Lows, EquatableArray<Bound> Highs);
