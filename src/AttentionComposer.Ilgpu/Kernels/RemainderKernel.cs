using System.ComponentModel;
using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>What the mean of the visible values is made of.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct RemainderCall
{
    /// <summary>
    /// Sums of the values in blocks of <see cref="RemainderKernel.BlockPositions"/> positions that are full: <c>[sequences, KeyValueHeads, Blocks, HeadDim]</c>.
    /// </summary>
    public ArrayView<float> BlockSums;

    /// <summary>The values: <see cref="DeviceCall.Values"/>.</summary>
    public ArrayView<Chunk> Values;

    /// <summary>Positions of each sequence.</summary>
    public ArrayView<int> Lengths;

    /// <summary>Blocks of a head.</summary>
    public int Blocks;

    /// <summary>Scalars of a row.</summary>
    public int HeadDim;

    /// <summary>Chunks of a stored row.</summary>
    public int RowChunks;

    /// <summary>Rows of a head in the cache.</summary>
    public int Capacity;

    /// <summary>A <see cref="KvFormat"/>.</summary>
    public int Format;

    /// <summary>1 for the mean of what was not chosen, 0 for that of all visible values.</summary>
    public int Spreads;
}

/// <summary>
/// What becomes of the probability that the chosen keys do not have: it is lost, or goes to a mean of values, as in SparQ's reallocation (arXiv 2312.04985, equation 8). Whole blocks of values
/// are summed when they fill up, so that the mean reads two blocks of an interval at most, and a truncation has nothing to take back. Where functions hide keys of an interval, the others are read one by one.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class RemainderKernel
{
    /// <summary>Positions in a block.</summary>
    public const int BlockPositions = 256;

    const int MaxThreads = 1024;

    /// <summary>Sums up the blocks that new rows fill. The grid is <c>(KeyValueHeads, sequences, blocks that a sequence may fill)</c>.</summary>
    /// <param name="call">The cache, with the new rows.</param>
    /// <param name="tokens">New rows of each sequence.</param>
    public static void SumBlocks(RemainderCall call, int tokens)
    {
        int length = call.Lengths[Grid.IdxY], block = (length - tokens) / BlockPositions + Grid.IdxZ;
        if (block >= length / BlockPositions)
            return;

        long pair = (long)Grid.IdxY * Grid.DimX + Grid.IdxX;
        for (int channel = Group.IdxX; channel < call.HeadDim; channel += Group.DimX)
        {
            float sum = 0;
            for (int position = block * BlockPositions; position < (block + 1) * BlockPositions; position++)
                sum += Value(call, pair * call.Capacity + position, channel);
            call.BlockSums[(pair * call.Blocks + block) * call.HeadDim + channel] = sum;
        }
    }

    /// <summary>Leaves an output what its chosen keys have, <c>α · y</c>: a group's threads over the channels. The grid is <c>(QueryHeads, sequences)</c>.</summary>
    /// <param name="call">The outputs.</param>
    /// <param name="selection">The mass α of what was chosen.</param>
    /// <param name="headDim">Scalars of a row.</param>
    public static void Lose(DeviceCall call, DeviceSelection selection, int headDim)
    {
        long row = (long)Grid.IdxY * Grid.DimX + Grid.IdxX;
        for (int channel = Group.IdxX; channel < headDim; channel += Group.DimX)
            call.Output[row * headDim + channel] *= Alpha(selection, row);
    }

    /// <summary>
    /// Mixes the mean into a token's output, <c>α · y + (1 - α) · mean</c>: the group's threads take shares of the rows, and then of the channels. The grid is
    /// <c>(KeyValueHeads, sequences)</c>; a group has at least as many threads as a row has scalars.
    /// </summary>
    /// <param name="call">What was chosen, and the outputs.</param>
    /// <param name="selection">Intervals of candidates, their scores, and the mass α of what was chosen.</param>
    /// <param name="cache">The values.</param>
    /// <param name="group">Query heads of a key/value head.</param>
    /// <param name="chunkKeys">Candidates in a chunk.</param>
    public static void Run(DeviceCall call, DeviceSelection selection, RemainderCall cache, int group, int chunkKeys)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(MaxThreads);
        ArrayView<int> warpCounts = SharedMemory.Allocate<int>(GroupMath.MaxWarps);
        long pair = (long)Grid.IdxY * Grid.DimX + Grid.IdxX;
        ArrayView<int> intervals = selection.Intervals.SubView(2L * Grid.IdxY * selection.IntervalCount, 2 * selection.IntervalCount);
        int chosen = cache.Spreads != 0 ? call.ChosenCounts[pair] : 0;
        int shares = Group.DimX / cache.HeadDim, share = Group.IdxX / cache.HeadDim, channel = Group.IdxX % cache.HeadDim;
        int keys = 0;
        for (int i = 0; i < selection.IntervalCount; i++)
            keys += Math.Max(0, intervals[2 * i + 1] - intervals[2 * i]);

        // Heads that see the same keys have the same mean.
        int step = selection.HidesByHead != 0 ? 1 : group;
        for (int first = 0; first < group; first += step)
        {
            ArrayView<float> scores = selection.Scores.SubView((pair * group + first) * selection.ScoreStride, selection.ScoreStride);
            int seen = selection.HidesCandidates != 0 ? CountSeen(selection, intervals, chunkKeys, scores, warpCounts) : keys, others = seen;
            float sum = 0;
            if (share < shares)
                sum = seen == keys ? SumOfAll(cache, selection, intervals, pair, share, shares, channel)
                    : SumOfSeen(cache, selection, intervals, chunkKeys, scores, pair, share, shares, channel);
            for (int i = 0; i < chosen; i++)
            {
                int position = call.Chosen[pair * call.Keep + i];
                bool sees = seen == keys || IsSeen(scores, CandidateSlots.SlotOf(intervals, selection.IntervalCount, chunkKeys, position));
                others -= sees ? 1 : 0;
                if (sees && share == i % shares)
                    sum -= Value(cache, pair * cache.Capacity + position, channel);
            }

            sums[Group.IdxX] = sum;
            Group.Barrier();
            if (share == 0)
            {
                for (int other = 1; other < shares; other++)
                    sum += sums[other * cache.HeadDim + channel];
                Mix(call, selection, pair * group + first, step, cache.HeadDim, channel, mean: sum / Math.Max(1, others));
            }

            Group.Barrier();
        }
    }

    static void Mix(DeviceCall call, DeviceSelection selection, long firstRow, int rows, int headDim, int channel, float mean)
    {
        for (long row = firstRow; row < firstRow + rows; row++)
        {
            float alpha = Alpha(selection, row);
            if (alpha != 1)
                call.Output[row * headDim + channel] = alpha * call.Output[row * headDim + channel] + (1 - alpha) * mean;
        }
    }

    static float Alpha(DeviceSelection selection, long row) => selection.Mass[row] > 1 ? 1 : selection.Mass[row];

    // What intervals hold: full blocks, and the rows before and behind them.
    static float SumOfAll(RemainderCall cache, DeviceSelection selection, ArrayView<int> intervals, long pair, int share, int shares, int channel)
    {
        float sum = 0;
        for (int i = 0; i < selection.IntervalCount; i++)
        {
            int low = intervals[2 * i], high = Math.Max(low, intervals[2 * i + 1]);
            int firstBlock = (low + BlockPositions - 1) / BlockPositions, endBlock = Math.Max(firstBlock, high / BlockPositions);
            int head = Math.Min(high, firstBlock * BlockPositions), tail = Math.Max(head, endBlock * BlockPositions);
            for (int position = low + share; position < head; position += shares)
                sum += Value(cache, pair * cache.Capacity + position, channel);
            for (int block = firstBlock + share; block < endBlock; block += shares)
                sum += cache.BlockSums[(pair * cache.Blocks + block) * cache.HeadDim + channel];
            for (int position = tail + share; position < high; position += shares)
                sum += Value(cache, pair * cache.Capacity + position, channel);
        }

        return sum;
    }

    static float SumOfSeen(
        RemainderCall cache, DeviceSelection selection, ArrayView<int> intervals, int chunkKeys, ArrayView<float> scores, long pair, int share, int shares, int channel)
    {
        float sum = 0;
        int firstSlot = 0;
        for (int i = 0; i < selection.IntervalCount; i++)
        {
            int low = intervals[2 * i], high = intervals[2 * i + 1], start = low / chunkKeys * chunkKeys;
            for (int position = low + share; position < high; position += shares)
                if (IsSeen(scores, firstSlot + position - start))
                    sum += Value(cache, pair * cache.Capacity + position, channel);
            firstSlot += CandidateSlots.Count(low, high, chunkKeys);
        }

        return sum;
    }

    static int CountSeen(DeviceSelection selection, ArrayView<int> intervals, int chunkKeys, ArrayView<float> scores, ArrayView<int> warpCounts)
    {
        int slots = 0, seen = 0;
        for (int i = 0; i < selection.IntervalCount; i++)
            slots += CandidateSlots.Count(intervals[2 * i], intervals[2 * i + 1], chunkKeys);
        for (int slot = Group.IdxX; slot < slots; slot += Group.DimX)
            seen += IsSeen(scores, slot) ? 1 : 0;
        int warps = Group.DimX / DeviceTraits.WarpSize;
        GroupMath.CountBefore(seen, warpCounts, warps);
        return GroupMath.TotalOf(warpCounts, warps);
    }

    static bool IsSeen(ArrayView<float> scores, int slot) => scores[slot] != float.NegativeInfinity;

    static float Value(RemainderCall call, long row, int channel) => Chunk.Scalar(call.Values, row, channel, call.RowChunks, call.Format);
}
