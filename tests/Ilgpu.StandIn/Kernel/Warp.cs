using ILGPU.Execution;

namespace ILGPU;

/// <summary>32 neighbouring threads of a group. All of its lanes have to take part in each shuffle.</summary>
public static class Warp
{
    public static int WarpSize => GroupRun.WarpSize;

    public static int LaneIdx => KernelThread.Current.Lane;

    public static int WarpIdx => KernelThread.Current.Index / GroupRun.WarpSize;

    public static void Barrier() => KernelThread.Current.Warp.Barrier();

    /// <summary>The variable of the lane <paramref name="sourceLane"/>.</summary>
    public static T Shuffle<T>(T variable, int sourceLane)
        where T : unmanaged => Exchange(variable, sourceLane, "Warp.Shuffle");

    /// <summary>The variable of the lane whose index differs in the bits of <paramref name="mask"/>.</summary>
    public static T ShuffleXor<T>(T variable, int mask)
        where T : unmanaged => Exchange(variable, LaneIdx ^ mask, "Warp.ShuffleXor");

    /// <summary>The variable of the lane <paramref name="delta"/> further on; the last lanes keep their own.</summary>
    public static T ShuffleDown<T>(T variable, int delta)
        where T : unmanaged => Exchange(variable, LaneIdx + delta < GroupRun.WarpSize ? LaneIdx + delta : LaneIdx, "Warp.ShuffleDown");

    /// <summary>The variable of the lane <paramref name="delta"/> before; the first lanes keep their own.</summary>
    public static T ShuffleUp<T>(T variable, int delta)
        where T : unmanaged => Exchange(variable, LaneIdx >= delta ? LaneIdx - delta : LaneIdx, "Warp.ShuffleUp");

    static T Exchange<T>(T variable, int sourceLane, string place)
        where T : unmanaged
    {
        KernelThread thread = KernelThread.Current;
        return thread.Warp.Exchange(thread.Lane, variable, sourceLane, place);
    }
}
