using System.ComponentModel;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// What the generator emits for a pipeline in a project that references this library, launched by <see cref="DeviceAttention"/>. Not
/// meant to be written by hand.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IDeviceKernels
{
    /// <summary>Sizes that a launch needs.</summary>
    DeviceTraits Traits { get; }

    /// <summary>
    /// The kernel for one or a few tokens, in groups of <see cref="DeviceTraits.GroupThreads"/> threads. Its grid is
    /// <c>(Splits, KeyValueHeads · DecodeRowTiles, sequences · LaunchTokens)</c>.
    /// </summary>
    Action<DeviceCall> Decode { get; }

    /// <summary>
    /// The kernel for many tokens, in groups of <see cref="DeviceTraits.GroupThreads"/> threads. Its grid is
    /// <c>(Splits · tiles, KeyValueHeads, sequences)</c>, where the <c>LaunchTokens · GroupSize</c> rows of a head make tiles of
    /// <see cref="DeviceTraits.PrefillRows"/>.
    /// </summary>
    Action<DeviceCall> Prefill { get; }

    /// <summary>
    /// The kernel for many tokens on tensor cores, of the same grid; null for a pipeline that has none. It leaves to <see cref="Prefill"/> the groups that it notes in <see cref="DeviceCall.Unfinished"/>.
    /// </summary>
    Action<DeviceCall>? TensorPrefill => null;

    /// <summary>
    /// The scores of a selection's candidates, in groups of <see cref="DeviceTraits.GroupThreads"/> threads; null without a selection. From a few channels of each key, each thread takes a
    /// chunk of keys: the grid is <c>(groups for the chunks of the longest sequence, KeyValueHeads, sequences)</c>, and an interval takes up to two chunks more than its keys fill. From whole
    /// keys it is <c>(Splits, KeyValueHeads · DecodeRowTiles, sequences)</c>, as in decode.
    /// </summary>
    Action<DeviceCall, DeviceSelection>? Score => null;

    /// <summary>
    /// Adds to each key's score the mean over its group of the softmax weights that the launch's queries give it, in groups of <see cref="DeviceTraits.GroupThreads"/> threads; null where
    /// nothing is evicted. Log-sum-exps are known. The grid is <c>(blocks of <see cref="DeviceTraits.PrefillKeys"/> keys, KeyValueHeads, sequences)</c>.
    /// </summary>
    Action<DeviceCall, DeviceEviction>? SumWeights => null;

    /// <summary>Copies what the pipeline's functions read of it, and checks it; before anything is changed.</summary>
    /// <exception cref="IndexOutOfRangeException">A table is shorter than what a function reads of it for every key.</exception>
    void Capture(DeviceTables tables);
}

/// <summary>Sizes of a pipeline's device kernels.</summary>
/// <param name="DecodeTokens">Calls of up to this many tokens take the decode kernel.</param>
/// <param name="DecodeRowTiles">Groups of threads that share the query heads of one key/value head in decode.</param>
/// <param name="DecodeKeys">Keys that a group of threads takes at once in decode: fewer in a split leave threads idle.</param>
/// <param name="PrefillRows">Rows, each one token's one query head, in a tile of the prefill kernel.</param>
/// <param name="PrefillKeys">Keys in a tile of the prefill kernel.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record DeviceTraits(int DecodeTokens, int DecodeRowTiles, int DecodeKeys, int PrefillRows, int PrefillKeys)
{
    /// <summary>Threads in a group, for both kernels.</summary>
    public const int GroupThreads = 128;

    /// <summary>Lanes of a warp: emitted kernels exchange values among as many threads.</summary>
    public const int WarpSize = 32;

    /// <summary>Groups that a multiprocessor should hold at once in decode: it bounds the registers of a thread.</summary>
    public int DecodeGroupsPerMultiprocessor { get; init; } = 1;

    /// <summary>Groups that a multiprocessor should hold at once in prefill.</summary>
    public int PrefillGroupsPerMultiprocessor { get; init; } = 1;

    /// <summary>Whether functions may hide a candidate of a selection from some heads of a group and not from others.</summary>
    public bool HidesByHead { get; init; }

    /// <summary>Factor on the dot products of a selection's scorer; the kernels themselves know theirs.</summary>
    public float QueryFactor { get; init; } = 1;

    /// <summary>
    /// The functions that may find, in the middle of a call, that an index is outside of its table: the one at index i stores 1 into
    /// <see cref="DeviceCall.Faults"/>[i].
    /// </summary>
    public IReadOnlyList<string> CheckedFunctions { get; init; } = [];
}
