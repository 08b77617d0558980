using System.ComponentModel;
using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>What a cache keeps of the weights that its keys have received (H2O, arXiv 2306.14048).</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct DeviceEviction
{
    /// <summary>Each position's sum of weights: <c>[sequences, KeyValueHeads, Capacity]</c>.</summary>
    public ArrayView<float> Scores;

    /// <summary>The number of the query that evicted a position, or <see cref="EvictionKernel.Kept"/>, as the scores.</summary>
    public ArrayView<int> EvictedBy;

    /// <summary>The positions that are left, ascending: <c>[sequences, KeyValueHeads, Capacity]</c>.</summary>
    public ArrayView<int> List;

    /// <summary>How many they are: <c>[sequences, KeyValueHeads]</c>.</summary>
    public ArrayView<int> Counts;

    /// <summary>Positions below it are in the list or evicted, those from it on are left: <c>[sequences, KeyValueHeads]</c>.</summary>
    public ArrayView<int> Listed;

    /// <summary>Scores from before each of the newest queries: <c>[sequences, KeyValueHeads, <see cref="EvictionKernel.Undoable"/>, Capacity]</c>.</summary>
    public ArrayView<float> Saved;

    /// <summary>The number of the newest query: <c>[sequences]</c>.</summary>
    public ArrayView<int> Numbers;

    /// <summary>The positions of the newest queries, by their numbers: <c>[sequences, <see cref="EvictionKernel.Undoable"/>]</c>.</summary>
    public ArrayView<int> Positions;

    /// <summary>Rows of a head in the cache.</summary>
    public int Capacity;

    /// <summary>Newest positions that a query sees; 0 without a window.</summary>
    public int Window;

    /// <summary>First positions that it sees beside a window.</summary>
    public int Sinks;

    /// <summary>1 when the launch's query can be taken back.</summary>
    public int Saves;
}

/// <summary>What a truncation of one sequence takes back.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct EvictionTruncation
{
    /// <summary>The sequence.</summary>
    public int Sequence;

    /// <summary>The number of the oldest query to take back.</summary>
    public int First;

    /// <summary>The number of the newest; below the first, if there is none.</summary>
    public int Newest;

    /// <summary>Positions from before the truncation.</summary>
    public int Previous;

    /// <summary>Positions that remain.</summary>
    public int Length;

    /// <summary>The number of the newest query from now on.</summary>
    public int Number;
}

/// <summary>
/// Keeps the keys that have received most weight: in each step the candidates are ranked by <see cref="SelectKernel"/>, and those that it does not choose are gone until a truncation brings
/// them back.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class EvictionKernel
{
    /// <summary>Queries whose effect can be taken back.</summary>
    public const int Undoable = 16;

    /// <summary>In place of a query's number.</summary>
    public const int Kept = int.MaxValue;

    /// <summary>New positions have received nothing. One thread a position of a head; the grid is <c>(groups for Heads · Tokens threads, sequences)</c>.</summary>
    public static void Store(AppendCall call, DeviceEviction eviction)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, token = thread % call.Tokens, head = thread / call.Tokens;
        if (head >= call.Heads)
            return;

        long place = ((long)Grid.IdxY * call.Heads + head) * call.Capacity + call.Lengths[Grid.IdxY] - call.Tokens + token;
        eviction.Scores[place] = 0;
        eviction.EvictedBy[place] = Kept;
    }

    /// <summary>Numbers the launch's queries, one for each sequence whose last token has a position. One group of threads.</summary>
    public static void Begin(DeviceCall call, DeviceEviction eviction)
    {
        for (int sequence = Group.IdxX; sequence < call.Lengths.IntLength; sequence += Group.DimX)
        {
            int position = QueryOf(call, sequence);
            if (position < 0)
                continue;
            int number = eviction.Numbers[sequence] + 1;
            eviction.Numbers[sequence] = number;
            if (eviction.Saves != 0)
                eviction.Positions[sequence * Undoable + number % Undoable] = position;
        }
    }

    /// <summary>Lays out the scores of what is left up to the query's position, as <see cref="SelectKernel"/> takes them. The grid is <c>(KeyValueHeads, sequences)</c>.</summary>
    /// <param name="call">One token of each sequence.</param>
    /// <param name="eviction">The cache's scores.</param>
    /// <param name="selection">Receives intervals and scores.</param>
    /// <param name="candidates">The most candidates of a sequence.</param>
    public static void Gather(DeviceCall call, DeviceEviction eviction, DeviceSelection selection, int candidates)
    {
        int pair = Grid.IdxY * Grid.DimX + Grid.IdxX, query = QueryOf(call, Grid.IdxY), listed = eviction.Listed[pair];
        ArrayView<int> list = eviction.List.SubView((long)pair * eviction.Capacity, eviction.Capacity);
        int end = EndOf(list, eviction.Counts[pair], query), count = end + Math.Max(0, query + 1 - listed);
        for (int i = Group.IdxX; i < candidates; i += Group.DimX)
        {
            int key = i < count ? KeyOf(list, end, listed, i) : 0;
            bool passed = eviction.Window > 0 && key <= query - eviction.Window && key >= eviction.Sinks; // of no use to later queries either
            float score = float.NegativeInfinity;
            if (i < count && !passed)
                score = eviction.Scores[(long)pair * eviction.Capacity + key];
            selection.Scores[(long)pair * selection.ScoreStride + i] = score;
        }

        if (Grid.IdxX == 0 && Group.IdxX == 0)
        {
            selection.Intervals[2 * Grid.IdxY] = 0;
            selection.Intervals[2 * Grid.IdxY + 1] = candidates;
        }
    }

    /// <summary>Evicts what was not chosen, and brings the list up to date. The grid is <c>(KeyValueHeads, sequences)</c>.</summary>
    /// <param name="call">One token of each sequence; <see cref="DeviceCall.ChosenCounts"/> receives how many of the list the query attends to.</param>
    /// <param name="eviction">The cache's scores.</param>
    /// <param name="chosen">The candidates that stay, ascending: <c>[sequences, KeyValueHeads, budget]</c>.</param>
    /// <param name="chosenCounts">How many they are.</param>
    public static void Evict(DeviceCall call, DeviceEviction eviction, ArrayView<int> chosen, ArrayView<int> chosenCounts)
    {
        int thread = Group.IdxX, threads = Group.DimX, pair = Grid.IdxY * Grid.DimX + Grid.IdxX, query = QueryOf(call, Grid.IdxY);
        int number = eviction.Numbers[Grid.IdxY], count = eviction.Counts[pair], listed = eviction.Listed[pair], budget = chosen.IntLength / chosenCounts.IntLength;
        ArrayView<int> list = eviction.List.SubView((long)pair * eviction.Capacity, eviction.Capacity);
        ArrayView<int> evictedBy = eviction.EvictedBy.SubView((long)pair * eviction.Capacity, eviction.Capacity);
        int end = EndOf(list, count, query), candidates = end + Math.Max(0, query + 1 - listed), stays = chosenCounts[pair];
        for (int i = thread; i < candidates; i += threads)
            evictedBy[KeyOf(list, end, listed, i)] = number;
        Group.Barrier();

        // The list closes up, as many places at a time as there are threads: what a place receives lies at it or behind it.
        for (int first = 0; first < stays; first += threads)
        {
            int i = first + thread;
            int key = i < stays ? KeyOf(list, end, listed, chosen[pair * budget + Math.Min(i, stays - 1)]) : 0;
            Group.Barrier();
            if (i < stays)
            {
                list[i] = key;
                evictedBy[key] = Kept;
            }

            Group.Barrier();
        }

        // Positions behind the query, which was stored before them, stay in any case.
        for (int first = end; first < count; first += threads)
        {
            int i = first + thread, key = i < count ? list[i] : 0;
            Group.Barrier();
            if (i < count)
                list[stays + i - end] = key;
            Group.Barrier();
        }

        if (thread == 0)
        {
            eviction.Counts[pair] = stays + count - end;
            eviction.Listed[pair] = Math.Max(listed, query + 1);
            call.ChosenCounts[pair] = stays;
        }
    }

    /// <summary>Takes queries back, newest first, and lists what is left. The grid is <c>(KeyValueHeads)</c>.</summary>
    public static void TakeBack(DeviceEviction eviction, EvictionTruncation truncation)
    {
        ArrayView<int> warpCounts = SharedMemory.Allocate<int>(GroupMath.MaxWarps);
        int thread = Group.IdxX, threads = Group.DimX, pair = truncation.Sequence * Grid.DimX + Grid.IdxX, firstPosition = truncation.Sequence * Undoable;
        int positions = Math.Max(0, Math.Min(eviction.Listed[pair], truncation.Length)), count = 0;
        ArrayView<int> list = eviction.List.SubView((long)pair * eviction.Capacity, eviction.Capacity);
        ArrayView<int> evictedBy = eviction.EvictedBy.SubView((long)pair * eviction.Capacity, eviction.Capacity);
        for (int query = truncation.Newest; query >= truncation.First; query--)
        {
            // Each position is one thread's.
            int slot = query % Undoable;
            for (int position = thread; position < truncation.Previous && position <= eviction.Positions[firstPosition + slot]; position += threads)
            {
                if (evictedBy[position] == Kept)
                    eviction.Scores[(long)pair * eviction.Capacity + position] = eviction.Saved[((long)pair * Undoable + slot) * eviction.Capacity + position];
                else if (evictedBy[position] == query)
                    evictedBy[position] = Kept;
            }
        }

        Group.Barrier();
        for (int start = 0; start < positions; start += threads)
        {
            int position = start + thread;
            int isLeft = position < positions && evictedBy[Math.Min(position, positions - 1)] == Kept ? 1 : 0;
            int place = count + GroupMath.CountBefore(isLeft, warpCounts, threads / DeviceTraits.WarpSize);
            count += GroupMath.TotalOf(warpCounts, threads / DeviceTraits.WarpSize);
            if (isLeft != 0)
                list[place] = position;
        }

        if (thread == 0)
        {
            eviction.Counts[pair] = count;
            eviction.Listed[pair] = positions;
            if (Grid.IdxX == 0)
                eviction.Numbers[truncation.Sequence] = truncation.Number;
        }
    }

    // The position of a sequence's last query of the launch; negative before the sequence's start.
    static int QueryOf(DeviceCall call, int sequence) => call.Lengths[sequence] - call.Tokens + call.FirstToken + call.LaunchTokens - 1;

    // Listed positions up to the query.
    static int EndOf(ArrayView<int> list, int count, int query)
    {
        int end = count;
        while (end > 0 && list[end - 1] > query)
            end--;
        return end;
    }

    // The position of a candidate: of the list, or of those that are not in it yet.
    static int KeyOf(ArrayView<int> list, int end, int listed, int candidate) => candidate < end ? list[candidate] : listed + candidate - end;
}
