using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
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

    /// <summary>A selection over sequences of a cache, and where the call finds what it chooses.</summary>
    /// <param name="traits">The pipeline.</param>
    /// <param name="cache">The sequences.</param>
    /// <param name="candidates">The most keys that are visible in one of them.</param>
    /// <param name="sinkLogits">See <see cref="DeviceSelection.SinkLogits"/>.</param>
    /// <param name="call">Receives the list of chosen keys.</param>
    public DeviceSelection For(KernelTraits traits, DeviceKvCache cache, int candidates, int sinkLogits, ref DeviceCall call)
    {
        const int SlotMultiple = 8;

        SelectionTraits selection = traits.Selection!;
        long pairs = (long)cache.Sequences * traits.Shape.KeyValueHeads, rows = (long)cache.Sequences * traits.Shape.QueryHeads, choosers = selection.PerHead ? rows : pairs;
        int slots = candidates + 2 * cache.Kind.ChunkScalars * traits.RangeCount; // an interval's ends may lie inside of chunks
        int stride = (slots + SlotMultiple - 1) / SlotMultiple * SlotMultiple;
        call.Keep = selection.Keep;
        call.Chosen = _chosen.View(choosers * selection.Keep);
        call.ChosenCounts = _chosenCounts.View(choosers);
        return new DeviceSelection
        {
            Columns = cache.Columns,
            Channels = _channels.View(pairs * selection.Rank),
            Queries = _queries.View(rows * selection.Rank),
            Intervals = _intervals.View(2L * cache.Sequences * traits.RangeCount),
            Scores = _scores.View(rows * stride),
            Ranks = _ranks.View(choosers * stride),
            Mass = _mass.View(rows),
            ColumnChunks = cache.ColumnChunks,
            ScoreStride = stride,
            IntervalCount = traits.RangeCount,
            Rank = selection.Rank,
            SinkLogits = sinkLogits,
            Forced = selection.Forced,
            ByProbability = selection.ByProbability ? 1 : 0,
            WritesMass = selection.Remainder == Remainder.Renormalised ? 0 : 1,
        };
    }

    public void Dispose()
    {
        foreach (IDisposable buffer in (IDisposable[])[_channels, _queries, _intervals, _scores, _ranks, _mass, _chosen, _chosenCounts])
            buffer.Dispose();
    }
}
