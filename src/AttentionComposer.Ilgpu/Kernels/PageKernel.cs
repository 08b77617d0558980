using System.ComponentModel;
using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>Where pages' bounds come from.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct PageCall
{
    /// <summary>
    /// Each page's smallest and largest scalar in every channel, of the keys as they are stored: <c>[sequences, KeyValueHeads, HeadDim, 2, Stride]</c>.
    /// </summary>
    public ArrayView<float> Bounds;

    /// <summary>The keys: <see cref="DeviceCall.Keys"/>.</summary>
    public ArrayView<Chunk> Keys;

    /// <summary>Positions of each sequence.</summary>
    public ArrayView<int> Lengths;

    /// <summary>Newest positions of each sequence of which its bounds do not know yet.</summary>
    public int NewPositions;

    /// <summary>Keys in a page.</summary>
    public int PageSize;

    /// <summary>Pages from one row of bounds to the next.</summary>
    public int Stride;

    /// <summary>Scalars of a row.</summary>
    public int HeadDim;

    /// <summary>Chunks of a stored row.</summary>
    public int RowChunks;

    /// <summary>Rows of a head in the cache.</summary>
    public int Capacity;

    /// <summary>A <see cref="KvFormat"/>.</summary>
    public int Format;
}

/// <summary>Pages of keys (Quest, arXiv 2406.10774): their bounds, and the keys of those that were chosen.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PageKernel
{
    /// <summary>Pages whose bounds a thread reads at once.</summary>
    public const int ChunkPages = 4;

    /// <summary>
    /// Brings bounds up to date, one thread a channel of a page. The grid is <c>(groups for HeadDim · pages that new positions may touch threads, KeyValueHeads, sequences)</c>.
    /// </summary>
    public static void Bound(PageCall call)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, channel = thread % call.HeadDim;
        int length = call.Lengths[Grid.IdxZ], known = Math.Max(0, length - call.NewPositions);
        int page = known / call.PageSize + thread / call.HeadDim, first = page * call.PageSize, end = Math.Min(first + call.PageSize, length);
        if (first >= length)
            return;

        long pair = (long)Grid.IdxZ * Grid.DimY + Grid.IdxY, row = pair * call.Capacity;
        long place = (pair * call.HeadDim + channel) * 2 * call.Stride + page;
        int position = Math.Max(first, known);
        bool isNew = position == first;
        float smallest = isNew ? float.PositiveInfinity : call.Bounds[place], largest = isNew ? float.NegativeInfinity : call.Bounds[place + call.Stride];
        for (; position < end; position++)
        {
            float key = Chunk.Scalar(call.Keys, row + position, channel, call.RowChunks, call.Format);
            smallest = DeviceMath.Min(smallest, key); // NaN stays NaN
            largest = DeviceMath.Max(largest, key);
        }

        call.Bounds[place] = smallest;
        call.Bounds[place + call.Stride] = largest;
    }

    /// <summary>
    /// Lists the visible keys of chosen pages, or of all where there are no more of them than the call keeps. One group of threads a list; the grid is <c>(lists of a sequence, sequences)</c>.
    /// </summary>
    /// <param name="call">Receives the positions.</param>
    /// <param name="selection">The intervals of visible keys.</param>
    /// <param name="pages">The pages that were chosen, ascending: <c>[sequences, lists, chosen]</c>.</param>
    /// <param name="counts">How many they are: <c>[sequences, lists]</c>.</param>
    public static void List(DeviceCall call, DeviceSelection selection, ArrayView<int> pages, ArrayView<int> counts)
    {
        ArrayView<int> warpCounts = SharedMemory.Allocate<int>(GroupMath.MaxWarps);
        int thread = Group.IdxX, threads = Group.DimX, list = Grid.IdxY * Grid.DimX + Grid.IdxX, keep = pages.IntLength / counts.IntLength;
        ArrayView<int> intervals = selection.KeyIntervals.SubView(2L * Grid.IdxY * selection.IntervalCount, 2 * selection.IntervalCount);
        ArrayView<int> chosen = pages.SubView((long)list * keep, keep), positions = call.Chosen.SubView((long)list * call.Keep, call.Keep);
        int visible = 0;
        for (int i = 0; i < selection.IntervalCount; i++)
            visible += Math.Max(0, intervals[2 * i + 1] - intervals[2 * i]);
        if (visible <= keep * selection.PageSize)
        {
            int before = 0;
            for (int i = 0; i < selection.IntervalCount; i++)
            {
                for (int position = intervals[2 * i] + thread; position < intervals[2 * i + 1]; position += threads)
                    positions[before + position - intervals[2 * i]] = position;
                before += Math.Max(0, intervals[2 * i + 1] - intervals[2 * i]);
            }

            if (thread == 0)
                call.ChosenCounts[list] = visible;
            return;
        }

        // Each thread takes neighbouring pages, so that positions come out in ascending order.
        int count = counts[list], share = (count + threads - 1) / threads, begin = Math.Min(count, thread * share), end = Math.Min(count, begin + share);
        int keys = 0;
        for (int page = begin; page < end; page++)
            for (int i = 0; i < selection.IntervalCount; i++)
                keys += Math.Max(0, High(intervals, i, chosen[page], selection.PageSize) - Low(intervals, i, chosen[page], selection.PageSize));
        int place = GroupMath.CountBefore(keys, warpCounts, threads / DeviceTraits.WarpSize);
        for (int page = begin; page < end; page++)
            for (int i = 0; i < selection.IntervalCount; i++)
                for (int position = Low(intervals, i, chosen[page], selection.PageSize); position < High(intervals, i, chosen[page], selection.PageSize); position++)
                    positions[place++] = position;
        if (thread == threads - 1)
            call.ChosenCounts[list] = place;
    }

    static int Low(ArrayView<int> intervals, int i, int page, int size) => Math.Max(intervals[2 * i], page * size);

    static int High(ArrayView<int> intervals, int i, int page, int size) => Math.Min(intervals[2 * i + 1], (page + 1) * size);
}
