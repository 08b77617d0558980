using System.ComponentModel;
using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// The choice of keys for one token of each sequence, in the order of the kernels that make it: SparQ's <see cref="ChannelKernel"/> (arXiv 2312.04985), the
/// pipeline's own scores, <see cref="SelectKernel"/>, for pages <see cref="PageKernel"/>.
/// </summary>
/// <remarks>
/// Candidates are the visible keys, or the pages that hold some, in the order of their positions. Their scores lie in slots: each of the intervals that the query sees takes whole
/// chunks of candidates, so that slots begin where chunks do. Slots of what a row does not see, because it is outside of the interval or because a function hides it, hold negative infinity.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct DeviceSelection
{
    /// <summary>
    /// The keys channel by channel: <c>[sequences, KeyValueHeads, HeadDim or a label's channels, ColumnChunks]</c>; with pages their bounds in float32, <see cref="PageCall.Bounds"/>:
    /// <c>[sequences, KeyValueHeads, HeadDim, 2, ColumnChunks]</c>.
    /// </summary>
    public ArrayView<Chunk> Columns;

    /// <summary>Receives the channels that the approximation reads: <c>[sequences, KeyValueHeads, Rank]</c>. Or holds a cache's labels, which are the same for every query: <c>[KeyValueHeads, Rank]</c>.</summary>
    public ArrayView<int> Channels;

    /// <summary>Receives the queries in these channels, scaled: <c>[sequences, KeyValueHeads, GroupSize, Rank]</c>.</summary>
    public ArrayView<float> Queries;

    /// <summary>Receives the intervals of keys that the query sees, first position and the one behind the last, or those of the pages that hold them: <c>[sequences, intervals, 2]</c>.</summary>
    public ArrayView<int> Intervals;

    /// <summary>With pages, receives the intervals of keys that the query sees, as <see cref="Intervals"/>.</summary>
    public ArrayView<int> KeyIntervals;

    /// <summary>Receives the candidates' logits, in units of log2: <c>[sequences, QueryHeads, ScoreStride]</c>.</summary>
    public ArrayView<float> Scores;

    /// <summary>Scratch memory of the choice: <c>[sequences, KeyValueHeads or QueryHeads, ScoreStride]</c>, by who chooses.</summary>
    public ArrayView<uint> Ranks;

    /// <summary>Receives the probability of what was chosen: <c>[sequences, QueryHeads]</c>.</summary>
    public ArrayView<float> Mass;

    /// <summary>Chunks of a column.</summary>
    public int ColumnChunks;

    /// <summary>Slots of a row of scores; a multiple of 8.</summary>
    public int ScoreStride;

    /// <summary>Intervals of keys that a query sees.</summary>
    public int IntervalCount;

    /// <summary>Channels that the approximation reads.</summary>
    public int Rank;

    /// <summary>Keys in a page; 0 where keys are chosen by themselves.</summary>
    public int PageSize;

    /// <summary>Index in <see cref="DeviceCall.Floats"/> of the logits that join the denominators; -1 without.</summary>
    public int SinkLogits;

    /// <summary>How many of what is chosen are the newest, whatever their score.</summary>
    public int Forced;

    /// <summary>1 when keys are ranked by the group's summed probabilities, 0 by summed scores.</summary>
    public int ByProbability;

    /// <summary>1 when the mass of what was chosen is asked for.</summary>
    public int WritesMass;

    /// <summary>1 when functions may hide keys of the intervals.</summary>
    public int HidesCandidates;

    /// <summary>1 when they may hide them from some heads of a group and not from others.</summary>
    public int HidesByHead;
}
