using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>Everything that emitters print: decisions, no more questions.</summary>
sealed record KernelPlan
{
    public required PipelineSpec Spec { get; init; }

    /// <summary>Factor on the dot products before any other stage: the scale, with what could be folded into it.</summary>
    public required float QueryFactor { get; init; }

    /// <summary>
    /// The logit behind the attributes' stages, as a function of the dot product times <see cref="QueryFactor"/>. Times
    /// <see cref="LogitFactor"/>, with score functions in between, it is in the weights' units.
    /// </summary>
    public required Expr Logit { get; init; }

    /// <summary>Factor behind the score functions: log2(e) where weights are powers of 2. 1 where it is folded into the logit.</summary>
    public required float LogitFactor { get; init; }

    /// <summary>Factor that <see cref="Logit"/>'s constants hold already.</summary>
    public required double FoldedFactor { get; init; }

    /// <summary>The logit as the user would write it, in natural units.</summary>
    public required string LogitText { get; init; }

    /// <summary>Whether a query sees a key, by the attributes.</summary>
    public required Expr? Mask { get; init; }

    /// <summary>The mask as the user would write it.</summary>
    public required string MaskText { get; init; }

    /// <summary>The keys that a query sees, as disjoint intervals in ascending order.</summary>
    public required EquatableArray<KeyInterval> Intervals { get; init; }

    /// <summary>Whether blocks of keys are tested as a whole because the intervals do not say all of the mask.</summary>
    public required bool TestsTiles { get; init; }

    /// <summary>Positions at the start that a windowed cache keeps.</summary>
    public required int Pinned { get; init; }

    /// <summary>Slots of a windowed cache's ring; 0 when the cache keeps every position.</summary>
    public required int Ring { get; init; }

    /// <summary>Rows that the decode kernel computes for a token: the group, padded to the row tile.</summary>
    public required int DecodeRows { get; init; }

    /// <summary>Query rows in the decode kernel's tile, the same for each vector width.</summary>
    public required int DecodeTileRows { get; init; }

    /// <summary>Keys that are scored before their values are summed.</summary>
    public required int BlockKeys { get; init; }

    /// <summary>The same in the decode kernel: so many that the rows of both stay in the first cache.</summary>
    public required int DecodeBlock { get; init; }

    /// <summary>Calls of up to this many tokens take the decode kernel.</summary>
    public required int DecodeTokens { get; init; }

    /// <summary>Tokens in a tile of the prefill kernel.</summary>
    public required int PrefillTokens { get; init; }

    /// <summary>The kernels to emit, widest vectors first.</summary>
    public required EquatableArray<TilePlan> Tiles { get; init; }

    /// <summary>How a call of one token chooses keys; null when it reads them all.</summary>
    public required SelectionPlan? Selection { get; init; }

    /// <summary>What is computed once for many rows.</summary>
    public required HoistPlan Hoists { get; init; }

    /// <summary>What is fused, in the order in which it runs, one line a stage.</summary>
    public required EquatableArray<string> Stages { get; init; }

    /// <summary>Whether a kernel knows a key's or a row's position or head beyond the mask of the attributes.</summary>
    public bool HasFunctions => Spec.Scores.Count + Spec.Masks.Count != 0;

    /// <summary>Whether an attribute or a function hides keys.</summary>
    public bool HasMasks => Mask is not null || Spec.Masks.Count != 0;

    /// <summary>The same stages over keys of which it is known that they are visible.</summary>
    public KernelPlan WithoutMasks => this with { Mask = null, Spec = Spec with { Masks = default } };

    /// <summary>
    /// The same stages over what the queries of one piece of a Star call may see at most: each interval once before the end of the anchor and once from the block's first key on. The launch
    /// tells where these are, under the names that <see cref="Bound.Launched"/> gives them.
    /// </summary>
    public KernelPlan WithinAnchorAndBlock => this with
    {
        Intervals = new EquatableArray<KeyInterval>(
        [
            .. Intervals.Select(interval => interval with { Highs = new EquatableArray<BoundChoice>([.. interval.Highs, BoundChoice.Launched("call.Anchor")]) }),
            .. Intervals.Select(interval => interval with { Lows = new EquatableArray<BoundChoice>([.. interval.Lows, BoundChoice.Launched("call.From")]) }),
        ]),
    };

    /// <summary>Whether a call begins with a copy of what the functions read.</summary>
    public bool Captures => Spec.Captures.Count != 0 || Spec.SinkLogits is not null || Spec.Normalization == Normalization.SoftmaxOne;

    /// <summary>Whether a function may find in the middle of a call that an index is outside of its table.</summary>
    public bool ChecksTables => Spec.Scores.Concat(Spec.Masks).Any(function => function.Elements.Any(element => !IsCheckedAtCall(element)));

    /// <summary>Whether a score may find it. Where a mask does, the mask is not known to hold, so that its keys are tested one by one anyway.</summary>
    public bool ChecksScores => Spec.Scores.Any(score => TableChecks.Of(score, this) is not null);

    /// <summary>The masks that a call finds, and the scores, in the order in which they run.</summary>
    public IEnumerable<FunctionSpec> Functions => Spec.Masks.Concat(Spec.Scores);

    /// <summary>
    /// Whether the table's length alone, checked when the call begins, says that the element exists: the index depends on the head only, and
    /// the function gets to it for every key.
    /// </summary>
    public bool IsCheckedAtCall(CapturedElement element) =>
        element.Reached is null && element.Indices.Count == 1 && LargestIndex(element) >= 0;

    /// <summary>The largest index of a table of one dimension, if it is known; otherwise -1.</summary>
    public int LargestIndex(CapturedElement element) => element.Indices[0] switch
    {
        IntConstant { Value: >= 0 } constant => constant.Value,
        Variable { Kind: VariableKind.Head } => Spec.QueryHeads - 1,
        Variable { Kind: VariableKind.KeyValueHead } => Spec.KeyValueHeads - 1,
        _ => -1,
    };

    /// <summary>Whether bounds of intervals read what the call captured.</summary>
    public bool BoundsCapture => Intervals.Any(interval => interval.Bounds.Any(bound => bound.Captured is not null));

    /// <summary>Whether some stage depends on a variable.</summary>
    public bool DependsOn(VariableKind variable) =>
        Logit.DependsOn(variable) || Mask?.DependsOn(variable) == true || Functions.Any(function => function.DependsOn(variable));

    /// <summary>The names that kernels use already; more can be taken from it.</summary>
    public NameScope Names()
    {
        var names = new NameScope();
        names.Reserve([.. Spec.Captures.SelectMany(CaptureSet.NamesOf), .. Functions.SelectMany(function => function.Locals).Select(local => local.Local.Name)]);
        foreach (HoistedLanes lanes in Hoists.Loops.SelectMany(loop => loop.Values).Select(value => value.Lanes))
            names.Reserve(lanes.Name, lanes.RowName);
        return names;
    }

    /// <summary>Scalars from one cached row to the next: the head size rounded up to the widest vector.</summary>
    public int RowStride => Spec.RowStride;
}

/// <summary>Register tiles for one vector width.</summary>
/// <param name="Bits">Vector width: 512, 256 or 128.</param>
/// <param name="DecodeRows">Query rows in the decode kernel's tile.</param>
/// <param name="DecodeKeys">Keys in the decode kernel's tile.</param>
/// <param name="DecodeVectors">Vectors of a value row that the decode kernel sums at once, at most.</param>
sealed record TilePlan(
    int Bits, int DecodeRows, int DecodeKeys, int DecodeVectors)
{
    /// <summary>Floats in one vector.</summary>
    public int Lanes => Bits / 32;
}

/// <summary>A bound of an interval: <c>Slope · query + Offset</c>, and a number that the call captured.</summary>
sealed record Bound(int Slope, int Offset)
{
    /// <summary>A number that is added, the same for the whole call (<see cref="CallConstant"/>); null without one.</summary>
    public Expr? Captured { get; init; }

    /// <summary>A position that the launch gives, in place of all else; null where none does.</summary>
    public string? Launched { get; init; }

    /// <summary>Whether the captured number is subtracted instead.</summary>
    public bool IsSubtracted { get; init; }
}

/// <summary>Bounds of which one suffices.</summary>
sealed record BoundChoice(EquatableArray<Bound> Bounds)
{
    /// <summary>A position that the launch gives.</summary>
    public static BoundChoice Launched(string position) => new(new EquatableArray<Bound>([new Bound(0, 0) { Launched = position }]));
}

/// <summary>
/// Keys from the largest of <paramref name="Lows"/> up to, not including, the smallest of <paramref name="Highs"/>; among a choice's
/// bounds the one that shows more counts. The sequence's ends bound every interval and are not listed.
/// </summary>
sealed record KeyInterval(EquatableArray<BoundChoice> Lows, EquatableArray<BoundChoice> Highs)
{
    /// <summary>Every bound.</summary>
    public IEnumerable<Bound> Bounds => Lows.Concat(Highs).SelectMany(choice => choice.Bounds);
}
