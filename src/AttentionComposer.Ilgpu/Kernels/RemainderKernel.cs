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
}

/// <summary>
/// SparQ's reallocation (arXiv 2312.04985, equation 8): the probability that the chosen keys do not have goes to the mean of all visible values. Whole blocks of values
/// are summed when they fill up, so that the mean reads two blocks at most, and a truncation has nothing to take back.
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

    /// <summary>
    /// Mixes the mean into a token's output, <c>α · y + (1 - α) · mean</c>: the group's threads take shares of the rows, and then of the channels. The grid is
    /// <c>(KeyValueHeads, sequences)</c>; a group has at least as many threads as a row has scalars.
    /// </summary>
    /// <param name="call">The cache.</param>
    /// <param name="selection">Intervals of visible keys, and the mass α of what was chosen.</param>
    /// <param name="output"><c>[sequences, QueryHeads, HeadDim]</c>.</param>
    /// <param name="group">Query heads of a key/value head.</param>
    public static void Run(RemainderCall call, DeviceSelection selection, ArrayView<float> output, int group)
    {
        ArrayView<float> sums = SharedMemory.Allocate<float>(MaxThreads);
        long pair = (long)Grid.IdxY * Grid.DimX + Grid.IdxX;
        int shares = Group.DimX / call.HeadDim, share = Group.IdxX / call.HeadDim, channel = Group.IdxX % call.HeadDim;
        int count = 0;
        float sum = 0;
        for (int i = 0; i < selection.IntervalCount; i++)
        {
            int low = selection.Intervals[2 * (Grid.IdxY * selection.IntervalCount + i)], high = selection.Intervals[2 * (Grid.IdxY * selection.IntervalCount + i) + 1];
            if (high <= low)
                continue;
            count += high - low;

            // Full blocks inside, and the rows before and behind them.
            int firstBlock = (low + BlockPositions - 1) / BlockPositions, endBlock = Math.Max(firstBlock, high / BlockPositions);
            int head = Math.Min(high, firstBlock * BlockPositions), tail = Math.Max(head, endBlock * BlockPositions);
            if (share >= shares)
                continue;
            for (int position = low + share; position < head; position += shares)
                sum += Value(call, pair * call.Capacity + position, channel);
            for (int block = firstBlock + share; block < endBlock; block += shares)
                sum += call.BlockSums[(pair * call.Blocks + block) * call.HeadDim + channel];
            for (int position = tail + share; position < high; position += shares)
                sum += Value(call, pair * call.Capacity + position, channel);
        }

        sums[Group.IdxX] = sum;
        Group.Barrier();
        if (share != 0)
            return;
        for (int other = 1; other < shares; other++)
            sum += sums[other * call.HeadDim + channel];
        float mean = sum / Math.Max(1, count);
        for (int row = 0; row < group; row++)
        {
            long query = pair * group + row;
            float mass = selection.Mass[query], alpha = mass > 1 ? 1 : mass;
            if (alpha != 1)
                output[query * call.HeadDim + channel] = alpha * output[query * call.HeadDim + channel] + (1 - alpha) * mean;
        }
    }

    static float Value(RemainderCall call, long row, int channel) => Chunk.Scalar(call.Values, row, channel, call.RowChunks, call.Format);
}
