using System.ComponentModel;
using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// One launch: the queries of some tokens of each sequence over what the device cache holds. The kernels leave the softmax unfinished,
/// one part a split of the keys; <see cref="MergeKernel"/> merges and divides.
/// </summary>
/// <remarks>Every view begins at a multiple of 16 bytes, and none is empty.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct DeviceCall
{
    /// <summary><c>[sequences, Tokens, QueryHeads, HeadDim]</c>.</summary>
    public ArrayView<float> Queries;

    /// <summary><c>[sequences, KeyValueHeads, Capacity, chunks of a row]</c>; scalars behind the head size are 0.</summary>
    public ArrayView<Chunk> Keys;

    /// <summary>The values, as the keys.</summary>
    public ArrayView<Chunk> Values;

    /// <summary>Positions of each sequence: <c>[sequences]</c>.</summary>
    public ArrayView<int> Lengths;

    /// <summary>Captured scalars, and where captured tables begin: <see cref="DeviceTables.Slots"/>.</summary>
    public ArrayView<int> Slots;

    /// <summary>Elements of captured tables of integers and conditions.</summary>
    public ArrayView<int> Ints;

    /// <summary>Elements of captured tables of floats.</summary>
    public ArrayView<float> Floats;

    /// <summary>Receives 1 for a function that read outside of a table: <see cref="DeviceTraits.CheckedFunctions"/>.</summary>
    public ArrayView<int> Faults;

    /// <summary>Receives the unnormalised value sums: <c>[sequences, LaunchTokens, QueryHeads, Splits, HeadDim]</c>.</summary>
    public ArrayView<float> Sums;

    /// <summary>
    /// Receives each part's largest logit, in units of log2, negative infinity for a row that sees no key:
    /// <c>[sequences, LaunchTokens, QueryHeads, Splits]</c>.
    /// </summary>
    public ArrayView<float> Maxima;

    /// <summary>Receives each part's sum of <c>2^(logit - maximum)</c>, as the maxima.</summary>
    public ArrayView<float> Weights;

    /// <summary>Receives the merged result: <c>[sequences, Tokens, QueryHeads, HeadDim]</c>.</summary>
    public ArrayView<float> Output;

    /// <summary>Receives the natural log-sum-exps where <see cref="WritesLogSumExp"/> is 1: <c>[sequences, Tokens, QueryHeads]</c>.</summary>
    public ArrayView<float> LogSumExp;

    /// <summary>
    /// Where <see cref="Keep"/> is not 0, the positions that decode attends to, in ascending order: <c>[sequences, KeyValueHeads, Keep]</c>, or <c>[sequences, QueryHeads, Keep]</c> where heads
    /// choose apart.
    /// </summary>
    public ArrayView<int> Chosen;

    /// <summary>How many they are: <c>[sequences, KeyValueHeads]</c>, or <c>[sequences, QueryHeads]</c>.</summary>
    public ArrayView<int> ChosenCounts;

    /// <summary>Receives, from the tensor cores' kernel, 1 for a group of threads whose work it leaves to <see cref="IDeviceKernels.Prefill"/>: the grid, x fastest.</summary>
    public ArrayView<int> Unfinished;

    /// <summary>1 when only that work is to be done.</summary>
    public int OnlyUnfinished;

    /// <summary>Keys that a selection keeps at most; 0 when decode attends to every visible key.</summary>
    public int Keep;

    /// <summary>The number of the first sequence in the whole call, of which each may run by itself.</summary>
    public int FirstSequence;

    /// <summary>Star Attention: where the anchor ends that the launch's queries see.</summary>
    public int Anchor;

    /// <summary>Star Attention: the first key behind the anchor that they see.</summary>
    public int From;

    /// <summary>Tokens of the whole call: a sequence's last positions.</summary>
    public int Tokens;

    /// <summary>The launch's first token among them.</summary>
    public int FirstToken;

    /// <summary>Tokens of this launch.</summary>
    public int LaunchTokens;

    /// <summary>Parts into which the keys that a row sees are cut.</summary>
    public int Splits;

    /// <summary>Rows of a head in the cache.</summary>
    public int Capacity;

    /// <summary>1 when log-sum-exps are asked for.</summary>
    public int WritesLogSumExp;
}
