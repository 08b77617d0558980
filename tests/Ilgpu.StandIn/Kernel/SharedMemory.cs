using ILGPU.Execution;

namespace ILGPU;

/// <summary>Memory that a group's threads share while it runs. It starts full of NaN bits, as a reminder that the GPU clears nothing.</summary>
public static class SharedMemory
{
    /// <summary>All threads of a group get the same memory; they have to ask for it in the same order.</summary>
    public static ArrayView<T> Allocate<T>(int extent)
        where T : unmanaged => KernelThread.Current.AllocateShared<T>(extent);
}
