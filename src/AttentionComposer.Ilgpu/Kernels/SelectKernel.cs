using System.ComponentModel;
using ILGPU;
using ILGPU.Algorithms;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// Chooses candidates by their scores: the newest first, then the best; of equal ones the newer is better. It also sums up the probability of
/// what was chosen.
/// </summary>
/// <remarks>
/// The best are found without sorting: ranks are unsigned integers that grow with the score, and four passes fix one byte after another of the lowest
/// rank that is kept. A row that does not see a candidate, whose score is negative infinity, has no say on it; what no row sees is no candidate.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class SelectKernel
{
    const int WarpSize = 32;
    const int Bins = 256;
    const uint Hidden = 0, Newest = uint.MaxValue; // ranks below and above those of scores
    const float Log2E = 1.4426950408889634f;

    /// <summary>
    /// One group of threads, in whole warps, for heads that choose together: those of a key/value head, or one query head by itself. The grid is
    /// <c>(KeyValueHeads or QueryHeads, sequences)</c>.
    /// </summary>
    /// <param name="call">Receives what is chosen, as the intervals count it.</param>
    /// <param name="selection">The scores.</param>
    /// <param name="group">Query heads that choose together.</param>
    /// <param name="chunkKeys">Candidates in a chunk: slots begin at whole ones.</param>
    public static void Run(DeviceCall call, DeviceSelection selection, int group, int chunkKeys)
    {
        ArrayView<float> maxima = SharedMemory.Allocate<float>(ChannelKernel.MaxGroup);
        ArrayView<float> shares = SharedMemory.Allocate<float>(ChannelKernel.MaxGroup); // 1 / the row's sum of weights
        ArrayView<float> warpFloats = SharedMemory.Allocate<float>(2 * GroupMath.MaxWarps);
        ArrayView<int> warpCounts = SharedMemory.Allocate<int>(GroupMath.MaxWarps);
        ArrayView<int> histogram = SharedMemory.Allocate<int>(Bins);
        ArrayView<int> found = SharedMemory.Allocate<int>(2); // the bin of the lowest kept rank, and how many to keep of it
        int thread = Group.IdxX, threads = Group.DimX, warps = threads / WarpSize;
        long chooser = (long)Grid.IdxY * Grid.DimX + Grid.IdxX;
        ArrayView<float> scores = selection.Scores.SubView(chooser * group * selection.ScoreStride, (long)group * selection.ScoreStride);
        ArrayView<uint> ranks = selection.Ranks.SubView(chooser * selection.ScoreStride, selection.ScoreStride);
        ArrayView<int> intervals = selection.Intervals.SubView(2L * Grid.IdxY * selection.IntervalCount, 2 * selection.IntervalCount);
        ArrayView<int> chosen = call.Chosen.SubView(chooser * call.Keep, call.Keep);

        int slots = 0;
        for (int i = 0; i < selection.IntervalCount; i++)
            slots += CandidateSlots.Count(intervals[2 * i], intervals[2 * i + 1], chunkKeys);

        // The softmax over all candidates, and a sink.
        for (int row = 0; row < group && selection.ByProbability + selection.WritesMass != 0; row++)
        {
            float maximum = float.NegativeInfinity, sum = 0;
            for (int slot = thread; slot < slots; slot += threads)
            {
                float score = scores[row * selection.ScoreStride + slot], larger = DeviceMath.Max(maximum, score), pivot = DeviceMath.Pivot(larger);
                sum = sum * XMath.Exp2(maximum - pivot) + XMath.Exp2(score - pivot);
                maximum = larger;
            }

            float sink = SinkOf(call, selection, Grid.IdxX * group + row);
            float largest = DeviceMath.Max(GroupMath.Largest(maximum, warpFloats, warps), sink), groupPivot = DeviceMath.Pivot(largest);
            float total = GroupMath.Sum(sum * DeviceMath.Factor(maximum, largest), warpFloats, warps) + XMath.Exp2(sink - groupPivot);
            if (thread == 0)
            {
                maxima[row] = groupPivot;
                shares[row] = total == 0 ? 0 : 1 / total;
            }
        }

        Group.Barrier();
        for (int slot = thread; slot < slots; slot += threads)
        {
            bool visible = false;
            float score = 0;
            for (int row = 0; row < group; row++)
            {
                float logit = scores[row * selection.ScoreStride + slot];
                bool sees = logit != float.NegativeInfinity;
                visible |= sees;
                score += selection.ByProbability != 0 ? XMath.Exp2(logit - maxima[row]) * shares[row] : DeviceMath.OnlyIf(sees, logit);
            }

            ranks[slot] = visible ? RankOf(score) : Hidden;
        }

        // Each thread walks over a share of the slots, so that what it finds is in ascending order.
        Group.Barrier();
        int share = (slots + threads - 1) / threads, begin = Math.Min(slots, thread * share), end = Math.Min(slots, begin + share);
        int seen = 0;
        for (int slot = begin; slot < end; slot++)
            seen += ranks[slot] != Hidden ? 1 : 0;
        int index = GroupMath.CountBefore(seen, warpCounts, warps), candidates = GroupMath.TotalOf(warpCounts, warps), firstNewest = candidates - selection.Forced;
        for (int slot = begin; slot < end && index + seen > firstNewest; slot++)
        {
            bool isSeen = ranks[slot] != Hidden;
            if (isSeen && index >= firstNewest)
                ranks[slot] = Newest;
            index += isSeen ? 1 : 0;
            seen -= isSeen ? 1 : 0;
        }

        // The lowest rank that is kept, byte by byte, and how many to keep of those that have it.
        int keep = Math.Min(call.Keep, candidates), missing = keep;
        uint lowest = 0, known = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            for (int bin = thread; bin < Bins; bin += threads)
                histogram[bin] = 0;
            Group.Barrier();
            for (int slot = thread; slot < slots; slot += threads)
            {
                uint rank = ranks[slot];
                if (rank != Hidden && (rank & known) == lowest)
                    Atomic.Add(ref histogram[(int)(rank >> shift & 255)], 1);
            }

            Group.Barrier();
            if (thread < WarpSize)
                Find(histogram, missing, found);
            Group.Barrier();
            lowest |= (uint)found[0] << shift;
            known |= 255u << shift;
            missing = found[1];
        }

        int equal = 0;
        for (int slot = begin; slot < end; slot++)
            equal += ranks[slot] == lowest ? 1 : 0;
        int firstEqual = GroupMath.CountBefore(equal, warpCounts, warps), older = GroupMath.TotalOf(warpCounts, warps) - missing; // of equal ones so many are left out

        int kept = 0, ordinal = firstEqual;
        for (int slot = begin; slot < end; slot++)
        {
            bool isEqual = ranks[slot] == lowest;
            kept += IsKept(ranks[slot], lowest, isEqual, ordinal >= older) ? 1 : 0;
            ordinal += isEqual ? 1 : 0;
        }

        int place = GroupMath.CountBefore(kept, warpCounts, warps);
        ordinal = firstEqual;
        for (int slot = begin; slot < end; slot++)
        {
            bool isEqual = ranks[slot] == lowest;
            if (IsKept(ranks[slot], lowest, isEqual, ordinal >= older))
                chosen[place++] = CandidateSlots.PositionOf(intervals, selection.IntervalCount, chunkKeys, slot);
            ordinal += isEqual ? 1 : 0;
        }

        if (thread == 0)
            call.ChosenCounts[chooser] = keep;

        Group.Barrier();
        for (int row = 0; row < group && selection.WritesMass != 0; row++)
        {
            float sum = 0, largest = float.NegativeInfinity;
            for (int i = thread; i < keep; i += threads)
            {
                float score = scores[row * selection.ScoreStride + CandidateSlots.SlotOf(intervals, selection.IntervalCount, chunkKeys, chosen[i])];
                sum += XMath.Exp2(score - maxima[row]) * shares[row];
                largest = DeviceMath.Max(largest, score);
            }

            // A sink counts as chosen. A row that sees nothing of the choice has an output of 0, and nothing to share out.
            float mass = GroupMath.Sum(sum, warpFloats, warps) + XMath.Exp2(SinkOf(call, selection, Grid.IdxX * group + row) - maxima[row]) * shares[row];
            bool attends = GroupMath.Largest(largest, warpFloats, warps) != float.NegativeInfinity;
            if (thread == 0)
                selection.Mass[chooser * group + row] = keep == candidates || !attends ? 1 : mass;
        }
    }

    // The logit, in units of log2, that joins the denominator of a head's softmax; negative infinity without.
    static float SinkOf(DeviceCall call, DeviceSelection selection, int head) =>
        selection.SinkLogits < 0 ? float.NegativeInfinity : DeviceMath.Candidate(call.Floats[selection.SinkLogits + head] * Log2E);

    // A rank grows with the score.
    static uint RankOf(float score)
    {
        uint bits = Interop.FloatAsInt(score);
        return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
    }

    static bool IsKept(uint rank, uint lowest, bool isEqual, bool isNewer) => rank > lowest | (isEqual & isNewer);

    /// <summary>One warp finds the bin, from the last one down, in which a number of ranks is reached: a lane adds up eight bins, and knows what those above it hold.</summary>
    static void Find(ArrayView<int> histogram, int missing, ArrayView<int> found)
    {
        int lane = Group.IdxX, last = Bins - 1 - lane * 8, sum = 0;
        for (int i = 0; i < 8; i++)
            sum += histogram[last - i];

        int above = GroupMath.CountBeforeInWarp(sum, lane);
        if (lane == 0)
        {
            found[0] = 0;
            found[1] = 0;
        }

        Warp.Barrier();
        if (above >= missing || above + sum < missing)
            return;
        int bin = last;
        while (above + histogram[bin] < missing)
        {
            above += histogram[bin];
            bin--;
        }

        found[0] = bin;
        found[1] = missing - above;
    }
}
