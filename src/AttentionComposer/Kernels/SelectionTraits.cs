using System.ComponentModel;

namespace AttentionComposer.Kernels;

/// <summary>What a pipeline's selection keeps, and what the driver and the cache must have ready for it.</summary>
/// <param name="Method">The attribute that declares it, for instance <c>SparQ</c>.</param>
/// <param name="Keep">Keys, or pages, that are attended to at most.</param>
/// <param name="Forced">How many of them are the newest, whatever their score.</param>
/// <param name="Rows">Rows of scores that the scorer writes for a block of candidates.</param>
public sealed record SelectionTraits(string Method, int Keep, int Forced, int Rows)
{
    /// <summary>Channels that the scorer reads; 0 when it reads whole keys.</summary>
    public int Rank { get; init; }

    /// <summary>Whether these channels are the same for every query, and the cache keeps no others by channel.</summary>
    public bool FixedChannels { get; init; }

    /// <summary>Whether keys are ranked by the weights that they have received so far, and those that fall behind are gone for good.</summary>
    public bool Evicts { get; init; }

    /// <summary>Newest positions that a query sees at most, beside <see cref="Sinks"/>; 0 without a window. An eviction drops what is behind them.</summary>
    public int Window { get; init; }

    /// <summary>First positions that queries see beside a window.</summary>
    public int Sinks { get; init; }

    /// <summary>Whether candidates are ranked by the group's summed probabilities; by summed scores otherwise.</summary>
    public bool ByProbability { get; init; }

    /// <summary>Whether the softmax over all candidates is needed: to rank by it, or for the mass of what is kept.</summary>
    public bool Softmax { get; init; }

    /// <summary>What becomes of the probability of the keys that are not kept.</summary>
    public Remainder Remainder { get; init; }

    /// <summary>Whether a candidate may turn out to be hidden: by a mask that ranges of keys do not express, or by a score of negative infinity.</summary>
    public bool HidesCandidates { get; init; }

    /// <summary>Keys in a page; 0 when single keys are kept.</summary>
    public int PageSize { get; init; }

    /// <summary>Whether each query head chooses for itself.</summary>
    public bool PerHead { get; init; }

    /// <summary>Keys that are attended to at most.</summary>
    public long KeepKeys => (long)Keep * Math.Max(1, PageSize);
}

/// <summary>What becomes of the probability of keys that are not kept.</summary>
public enum Remainder
{
    /// <summary>The kept keys' weights are scaled to a sum of 1.</summary>
    Renormalised,

    /// <summary>It is lost.</summary>
    Lost,

    /// <summary>The mean of the other keys' values takes it.</summary>
    Spread,

    /// <summary>The mean of all visible values takes it.</summary>
    Mean,
}

/// <summary>Beside <see cref="IFusedKernels"/>: what the generator emits for a pipeline that selects keys.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface ISelectionKernels : IFusedKernels
{
    /// <summary>The kernel for one token: scores the candidates, chooses, and attends over what was chosen.</summary>
    void Select(in SelectionCall selection);

    /// <summary>A plain loop with the same result, taken while a call sees NaN or infinity.</summary>
    void SelectCarefully(in SelectionCall selection);

    /// <summary>The pipeline's label channels, <c>[KeyValueHeads, Rank]</c>; empty without <see cref="SelectionTraits.FixedChannels"/>.</summary>
    ReadOnlySpan<int> LabelChannels => default;
}

/// <summary>Beside <see cref="ISelectionKernels"/>: what the generator emits for a pipeline that evicts keys.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IEvictionKernels : ISelectionKernels
{
    /// <summary>Adds to each key's sum the weights that the queries of many tokens give it.</summary>
    /// <param name="call">The call, whose maxima hold the rows' log-sum-exps in units of log2: none is positive infinity or not a number.</param>
    /// <param name="firstKey">The position that <paramref name="sums"/> begins with, at or below the first key of the call's ranges.</param>
    /// <param name="sums">The sums by position.</param>
    void SumWeights(in KernelCall call, int firstKey, ref float sums);
}
