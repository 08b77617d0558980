using ILGPU.Execution;

namespace ILGPU;

/// <summary>The calling thread in its group.</summary>
public static class Group
{
    public static int IdxX => KernelThread.Current.Index % DimX;

    public static int DimX => KernelThread.Current.Group.GroupDim.X;

    /// <summary>Waits for all threads of the group; what they wrote before is seen behind it.</summary>
    public static void Barrier() => KernelThread.Current.Group.Barrier();

    /// <summary>A barrier that tells whether the predicate holds for any thread.</summary>
    public static bool BarrierOr(bool predicate) => KernelThread.Current.BarrierOr(predicate);
}
