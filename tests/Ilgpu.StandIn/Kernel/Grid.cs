using ILGPU.Execution;

namespace ILGPU;

/// <summary>The calling thread's group among the launch's groups.</summary>
public static class Grid
{
    public static int IdxX => KernelThread.Current.Group.GridIdx.X;

    public static int IdxY => KernelThread.Current.Group.GridIdx.Y;

    public static int IdxZ => KernelThread.Current.Group.GridIdx.Z;

    public static int DimX => KernelThread.Current.Group.GridDim.X;

    public static int DimY => KernelThread.Current.Group.GridDim.Y;

    public static int DimZ => KernelThread.Current.Group.GridDim.Z;
}
