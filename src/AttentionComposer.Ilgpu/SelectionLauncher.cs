using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>The kernels of a pipeline that chooses keys, and the launches around decode.</summary>
sealed class SelectionLauncher
{
    const int Threads = DeviceTraits.GroupThreads;

    readonly KernelTraits _traits;
    readonly SelectionTraits _selection;
    readonly DeviceTraits _device;
    readonly int _largestGroup;
    readonly Action<AcceleratorStream, KernelConfig, AppendCall, ColumnCall> _columns;
    readonly Action<AcceleratorStream, KernelConfig, RemainderCall, int> _sumBlocks;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceSelection, int, int, float> _channels;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceSelection> _score;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceSelection, int, int> _select;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceSelection, int> _lose;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceSelection, RemainderCall, int, int> _remainder;
    readonly PageLauncher? _pages;

    public SelectionLauncher(KernelTraits traits, IDeviceKernels kernels, Accelerator accelerator)
    {
        (_traits, _selection, _device) = (traits, traits.Selection!, kernels.Traits);
        _largestGroup = Math.Min(1024, accelerator.MaxNumThreadsPerGroup) / DeviceTraits.WarpSize * DeviceTraits.WarpSize;
        var few = new KernelSpecialization(Threads, null);
        var many = new KernelSpecialization(_largestGroup, null);
        _columns = accelerator.LoadKernel<AppendCall, ColumnCall>(AppendKernel.Columns, few);
        _sumBlocks = accelerator.LoadKernel<RemainderCall, int>(RemainderKernel.SumBlocks, few);
        _channels = accelerator.LoadKernel<DeviceCall, DeviceSelection, int, int, float>(_selection.FixedChannels ? ChannelKernel.Label : ChannelKernel.Run, few);
        _score = accelerator.LoadKernel(kernels.Score!, new KernelSpecialization(Threads, _device.DecodeGroupsPerMultiprocessor));
        _select = accelerator.LoadKernel<DeviceCall, DeviceSelection, int, int>(SelectKernel.Run, many);
        _lose = accelerator.LoadKernel<DeviceCall, DeviceSelection, int>(RemainderKernel.Lose, few);
        _remainder = accelerator.LoadKernel<DeviceCall, DeviceSelection, RemainderCall, int, int>(RemainderKernel.Run, many);
        _pages = _selection.PageSize > 0 ? new PageLauncher(accelerator) : null;
    }

    /// <summary>Keeps what the selection reads beside the rows; the rows are stored, and counted on both sides.</summary>
    public void Append(AcceleratorStream stream, DeviceKvCache cache, in AppendCall call)
    {
        if (cache.Kind.KeyColumns)
        {
            var columns = new ColumnCall { Columns = cache.Columns, Channels = cache.ColumnChannels, Kept = cache.Kind.Columns, ColumnChunks = cache.ColumnChunks };
            int scalars = call.Tokens * call.Heads * columns.Kept;
            _columns(stream, Launcher.Config((scalars + Threads - 1) / Threads, cache.Sequences, 1), call, columns);
        }

        if (!cache.Kind.ValueMean)
            return;

        int filled = 0;
        foreach (int length in cache.Lengths)
            filled = Math.Max(filled, length / RemainderKernel.BlockPositions - (length - call.Tokens) / RemainderKernel.BlockPositions);
        if (filled > 0)
            _sumBlocks(stream, Launcher.Config(cache.Shape.KeyValueHeads, cache.Sequences, filled), RemainderOf(cache, call.Lengths), call.Tokens);
    }

    /// <summary>Whether one-token calls choose, or see too few keys for it.</summary>
    public bool Chooses(int tokens, int visible) => tokens == 1 && visible > _selection.KeepKeys;

    /// <summary>Chooses the keys that the call attends to.</summary>
    public DeviceSelection Choose(StreamBuffers buffers, DeviceKvCache cache, int visible, int multiprocessors, ref DeviceCall call)
    {
        AttentionShape shape = _traits.Shape;
        DeviceSelection selection = buffers.Selection.For(_traits, _device, cache, visible, buffers.SinkLogits, ref call);
        _pages?.Bound(buffers.Stream, cache, call.Lengths);
        if (_selection.Rank > 0)
            _channels(
                buffers.Stream, Launcher.Config(shape.KeyValueHeads, cache.Sequences, 1), call, selection, shape.HeadDim, shape.GroupSize, _device.QueryFactor);
        if (_selection.Rank + _selection.PageSize > 0)
            ScoreChunks(buffers.Stream, cache, call, selection);
        else
            ScoreKeys(buffers.Stream, cache, call, selection, visible, multiprocessors);
        (int choosers, int group) = _selection.PerHead ? (shape.QueryHeads, 1) : (shape.KeyValueHeads, shape.GroupSize);
        _select(
            buffers.Stream, Launcher.Config(choosers, cache.Sequences, 1, _largestGroup), call, selection, group, SelectionBuffers.ChunkCandidates(cache.Kind));
        _pages?.List(buffers, choosers, cache.Sequences, selection, ref call);
        return selection;
    }

    /// <summary>Gives what the chosen keys leave of the probability to whom the pipeline says.</summary>
    public void Finish(StreamBuffers buffers, DeviceKvCache cache, in DeviceCall call, in DeviceSelection selection)
    {
        AttentionShape shape = _traits.Shape;
        if (_selection.Remainder == Remainder.Lost)
            _lose(buffers.Stream, Launcher.Config(shape.QueryHeads, cache.Sequences, 1), call, selection, shape.HeadDim);
        if (cache.Kind.ValueMean)
            _remainder(
                buffers.Stream, Launcher.Config(shape.KeyValueHeads, cache.Sequences, 1, _largestGroup), call, selection, RemainderOf(cache, call.Lengths), shape.GroupSize,
                SelectionBuffers.ChunkCandidates(cache.Kind));
    }

    // Channels of keys, or bounds of pages: chunks of candidates lie side by side.
    void ScoreChunks(AcceleratorStream stream, DeviceKvCache cache, in DeviceCall call, in DeviceSelection selection)
    {
        int chunks = selection.ScoreStride / SelectionBuffers.ChunkCandidates(cache.Kind);
        int groupChunks = _pages is null ? Threads : DeviceTraits.WarpSize; // warps share the channels of pages
        _score(stream, Launcher.Config(Launcher.Groups(chunks, groupChunks), _traits.Shape.KeyValueHeads, cache.Sequences), call, selection);
    }

    // Whole keys, cut into parts as in decode.
    void ScoreKeys(AcceleratorStream stream, DeviceKvCache cache, DeviceCall call, in DeviceSelection selection, int visible, int multiprocessors)
    {
        int groups = _traits.Shape.KeyValueHeads * _device.DecodeRowTiles;
        call.Splits = Launcher.Splits(
            (long)groups * cache.Sequences, Launcher.Groups(visible, _device.DecodeKeys), multiprocessors * _device.DecodeGroupsPerMultiprocessor);
        _score(stream, Launcher.Config(call.Splits, groups, cache.Sequences), call, selection);
    }

    RemainderCall RemainderOf(DeviceKvCache cache, ArrayView<int> lengths) => new()
    {
        BlockSums = cache.BlockSums,
        Values = cache.Values,
        Lengths = lengths,
        Blocks = cache.Blocks,
        HeadDim = cache.Shape.HeadDim,
        RowChunks = cache.RowChunks,
        Capacity = cache.Rows,
        Format = (int)cache.Format,
        Spreads = _selection.Remainder == Remainder.Spread ? 1 : 0,
    };
}
