using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>What a choice of pages does before and behind a choice of keys.</summary>
sealed class PageLauncher
{
    const int Threads = DeviceTraits.GroupThreads;

    readonly Action<AcceleratorStream, KernelConfig, PageCall> _bound;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceSelection, ArrayView<int>, ArrayView<int>> _list;

    public PageLauncher(Accelerator accelerator)
    {
        var specialization = new KernelSpecialization(Threads, null);
        _bound = accelerator.LoadKernel<PageCall>(PageKernel.Bound, specialization);
        _list = accelerator.LoadKernel<DeviceCall, DeviceSelection, ArrayView<int>, ArrayView<int>>(PageKernel.List, specialization);
    }

    /// <summary>Brings the bounds of pages up to date: what was appended, or what a truncation has left of a page.</summary>
    public void Bound(AcceleratorStream stream, DeviceKvCache cache, ArrayView<int> deviceLengths)
    {
        int size = cache.Kind.PageSize, newPositions = 0, pages = 0;
        ReadOnlySpan<int> lengths = cache.Lengths;
        Span<int> bounded = cache.BoundedLengths;
        for (int i = 0; i < lengths.Length; i++)
            newPositions = Math.Max(newPositions, lengths[i] - bounded[i]);
        if (newPositions == 0)
            return;

        foreach (int length in lengths)
            pages = Math.Max(pages, (length + size - 1) / size - Math.Max(0, length - newPositions) / size);
        var call = new PageCall
        {
            Bounds = cache.Columns.Cast<float>(),
            Keys = cache.Keys,
            Lengths = deviceLengths,
            NewPositions = newPositions,
            PageSize = size,
            Stride = cache.ColumnChunks * PageKernel.ChunkPages,
            HeadDim = cache.Shape.HeadDim,
            RowChunks = cache.RowChunks,
            Capacity = cache.Rows,
            Format = (int)cache.Format,
        };
        int groups = checked((pages * cache.Shape.HeadDim + Threads - 1) / Threads);
        _bound(stream, Launcher.Config(groups, cache.Shape.KeyValueHeads, cache.Sequences), call);
        lengths.CopyTo(bounded);
    }

    /// <summary>Turns the chosen pages into a list of their keys.</summary>
    /// <param name="buffers">Receive the list.</param>
    /// <param name="lists">Lists of a sequence.</param>
    /// <param name="sequences">Sequences.</param>
    /// <param name="selection">The choice.</param>
    /// <param name="call">Holds the pages, and receives the keys.</param>
    public void List(StreamBuffers buffers, int lists, int sequences, in DeviceSelection selection, ref DeviceCall call)
    {
        (ArrayView<int> pages, ArrayView<int> counts) = (call.Chosen, call.ChosenCounts);
        call.Keep *= selection.PageSize;
        (call.Chosen, call.ChosenCounts) = buffers.Selection.KeysOfPages((long)lists * sequences, call.Keep);
        _list(buffers.Stream, Launcher.Config(lists, sequences, 1), call, selection, pages, counts);
    }
}
