using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>The memory in which a selection's kernels hand on what they find: <see cref="DeviceSelection"/>.</summary>
sealed class SelectionBuffers(Accelerator accelerator, AcceleratorStream stream) : IDisposable
{
    readonly GrowingBuffer<int> _channels = new(accelerator, stream);
    readonly GrowingBuffer<float> _queries = new(accelerator, stream);
    readonly GrowingBuffer<int> _intervals = new(accelerator, stream);
    readonly GrowingBuffer<float> _scores = new(accelerator, stream);
    readonly GrowingBuffer<uint> _ranks = new(accelerator, stream);
    readonly GrowingBuffer<float> _mass = new(accelerator, stream);
    readonly GrowingBuffer<int> _chosen = new(accelerator, stream);
    readonly GrowingBuffer<int> _chosenCounts = new(accelerator, stream);
    readonly GrowingBuffer<int> _keyIntervals = new(accelerator, stream);
    readonly GrowingBuffer<int> _keysOfPages = new(accelerator, stream);
    readonly GrowingBuffer<int> _keyCounts = new(accelerator, stream);

    /// <summary>A selection over sequences of a cache, and where the call finds what it chooses.</summary>
    /// <param name="traits">The pipeline.</param>
    /// <param name="device">The same on a device.</param>
    /// <param name="cache">The sequences.</param>
    /// <param name="visible">The most keys that are visible in one of them.</param>
    /// <param name="sinkLogits">See <see cref="DeviceSelection.SinkLogits"/>.</param>
    /// <param name="call">Receives the list of chosen keys.</param>
    public DeviceSelection For(KernelTraits traits, DeviceTraits device, DeviceKvCache cache, int visible, int sinkLogits, ref DeviceCall call)
    {
        const int SlotMultiple = 8;

        SelectionTraits selection = traits.Selection!;
        long pairs = (long)cache.Sequences * traits.Shape.KeyValueHeads, rows = (long)cache.Sequences * traits.Shape.QueryHeads, choosers = selection.PerHead ? rows : pairs;
        int candidates = selection.PageSize == 0 ? visible : visible / selection.PageSize + 2 * traits.RangeCount; // an interval's ends may lie inside of pages,
        int slots = candidates + 2 * ChunkCandidates(cache.Kind) * traits.RangeCount; // and of chunks
        int stride = (slots + SlotMultiple - 1) / SlotMultiple * SlotMultiple;
        call.Keep = selection.Keep;
        call.Chosen = _chosen.View(choosers * selection.Keep);
        call.ChosenCounts = _chosenCounts.View(choosers);
        return new DeviceSelection
        {
            Columns = cache.Columns,
            Channels = selection.FixedChannels ? cache.ColumnChannels : _channels.View(pairs * Math.Max(1, selection.Rank)), // no view may be empty
            Queries = _queries.View(rows * Math.Max(1, selection.Rank)),
            Intervals = _intervals.View(2L * cache.Sequences * traits.RangeCount),
            KeyIntervals = _keyIntervals.View(2L * cache.Sequences * traits.RangeCount),
            Scores = _scores.View(rows * stride),
            Ranks = _ranks.View(choosers * stride),
            Mass = _mass.View(rows),
            ColumnChunks = cache.ColumnChunks,
            ScoreStride = stride,
            IntervalCount = traits.RangeCount,
            Rank = selection.Rank,
            PageSize = selection.PageSize,
            SinkLogits = sinkLogits,
            Forced = selection.Forced,
            ByProbability = selection.ByProbability ? 1 : 0,
            WritesMass = selection.Remainder == Remainder.Renormalised ? 0 : 1,
            HidesCandidates = selection.HidesCandidates ? 1 : 0,
            HidesByHead = device.HidesByHead ? 1 : 0,
        };
    }

    /// <summary>A choice among the keys that an eviction may leave, by the scores that they have.</summary>
    /// <param name="selection">The pipeline's selection.</param>
    /// <param name="pairs">Key/value heads of all sequences.</param>
    /// <param name="sequences">Sequences.</param>
    /// <param name="candidates">The most candidates of a head.</param>
    /// <param name="call">Receives the list of chosen candidates.</param>
    public DeviceSelection ForEviction(SelectionTraits selection, long pairs, int sequences, int candidates, ref DeviceCall call)
    {
        call.Keep = Math.Min(selection.Keep, candidates);
        call.Chosen = _chosen.View(pairs * call.Keep);
        call.ChosenCounts = _chosenCounts.View(pairs);
        ArrayView<int> intervals = _intervals.View(2L * sequences);
        ArrayView<float> scores = _scores.View(pairs * candidates);
        return new DeviceSelection
        {
            Columns = call.Keys, // no view may be empty
            Channels = intervals,
            Queries = scores,
            Intervals = intervals,
            KeyIntervals = intervals,
            Scores = scores,
            Ranks = _ranks.View(pairs * candidates),
            Mass = scores,
            ScoreStride = candidates,
            IntervalCount = 1,
            SinkLogits = -1,
            Forced = selection.Forced,
            HidesCandidates = 1,
        };
    }

    /// <summary>One number for each of some lists.</summary>
    public ArrayView<int> Counts(long lists) => _keyCounts.View(lists);

    /// <summary>Candidates in a chunk: slots begin at whole ones.</summary>
    public static int ChunkCandidates(DeviceCacheKind kind) => kind.PageSize > 0 ? PageKernel.ChunkPages : kind.KeyColumns ? kind.ChunkScalars : 1;

    /// <summary>Lists for the keys of chosen pages, and how many they are.</summary>
    public (ArrayView<int> Keys, ArrayView<int> Counts) KeysOfPages(long lists, int keep) => (_keysOfPages.View(lists * keep), _keyCounts.View(lists));

    public void Dispose()
    {
        foreach (IDisposable buffer in (IDisposable[])[_channels, _queries, _intervals, _keyIntervals, _scores, _ranks, _mass, _chosen, _chosenCounts, _keysOfPages, _keyCounts])
            buffer.Dispose();
    }
}
