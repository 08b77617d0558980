using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>What all threads of a group find out together, in whole warps: each of them has to call.</summary>
static class GroupMath
{
    /// <summary>The most warps of a group.</summary>
    public const int MaxWarps = 32;

    const int WarpSize = DeviceTraits.WarpSize;

    /// <summary>The sum of the counts of a warp's lanes before this one.</summary>
    public static int CountBeforeInWarp(int count, int lane)
    {
        int sum = count;
        for (int distance = 1; distance < WarpSize; distance *= 2)
        {
            int before = Warp.Shuffle(sum, Math.Max(0, lane - distance));
            sum += lane >= distance ? before : 0;
        }

        return sum - count;
    }

    /// <summary>The sum of the counts of the threads before this one; <paramref name="warpCounts"/> receives the warps' sums.</summary>
    public static int CountBefore(int count, ArrayView<int> warpCounts, int warps)
    {
        int lane = Group.IdxX % WarpSize, warp = Group.IdxX / WarpSize;
        int before = CountBeforeInWarp(count, lane);
        Group.Barrier();
        if (lane == WarpSize - 1)
            warpCounts[warp] = before + count;
        Group.Barrier();
        for (int i = 0; i < warp; i++)
            before += warpCounts[i];
        return before;
    }

    /// <summary>What all threads have counted, behind <see cref="CountBefore"/>.</summary>
    public static int TotalOf(ArrayView<int> warpCounts, int warps)
    {
        int total = 0;
        for (int i = 0; i < warps; i++)
            total += warpCounts[i];
        return total;
    }

    /// <summary>The largest of all threads' values; NaN if one is.</summary>
    public static float Largest(float value, ArrayView<float> warpFloats, int warps)
    {
        float largest = DeviceMath.LargestOf(value, WarpSize);
        Group.Barrier();
        warpFloats[Group.IdxX / WarpSize] = largest;
        Group.Barrier();
        for (int i = 0; i < warps; i++)
            largest = DeviceMath.Max(largest, warpFloats[i]);
        return largest;
    }

    /// <summary>The sum of all threads' values.</summary>
    public static float Sum(float value, ArrayView<float> warpFloats, int warps)
    {
        float sum = DeviceMath.SumOf(value, WarpSize);
        Group.Barrier();
        warpFloats[MaxWarps + Group.IdxX / WarpSize] = sum;
        Group.Barrier();
        sum = 0;
        for (int i = 0; i < warps; i++)
            sum += warpFloats[MaxWarps + i];
        return sum;
    }
}
