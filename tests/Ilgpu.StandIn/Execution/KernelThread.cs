using ILGPU.Runtime;

namespace ILGPU.Execution;

/// <summary>The place of the calling thread in its group: what ILGPU's static members answer from.</summary>
sealed class KernelThread(GroupRun group, int index)
{
    [ThreadStatic]
    static KernelThread? s_current;

    int _allocations;
    int _questions;

    /// <exception cref="InvalidOperationException">The caller does not run a kernel.</exception>
    public static KernelThread Current =>
        s_current ?? throw new InvalidOperationException("This member belongs into a kernel; the calling thread runs none.");

    public GroupRun Group => group;

    /// <summary>Linear index in the group.</summary>
    public int Index => index;

    public int Lane => index % GroupRun.WarpSize;

    public WarpExchange Warp { get; } = group.WarpOf(index);

    public static void Enter(KernelThread? thread) => s_current = thread;

    /// <summary>Shared memory is told apart by the order in which a thread asks for it, which begins anew with each group.</summary>
    public void BeginGroup() => _allocations = 0;

    public bool BarrierOr(bool predicate) => group.BarrierOr(_questions++, predicate);

    public ArrayView<T> AllocateShared<T>(int length)
        where T : unmanaged => group.Shared<T>(_allocations++, length);
}
