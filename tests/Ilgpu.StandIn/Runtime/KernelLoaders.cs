using ILGPU.Execution;

namespace ILGPU.Runtime;

/// <summary>Makes launchers of kernels.</summary>
public static class KernelLoaders
{
    public static Action<AcceleratorStream, KernelConfig, T1> LoadKernel<T1>(
        this Accelerator accelerator, Action<T1> action, KernelSpecialization specialization)
        where T1 : struct =>
        (stream, config, first) => Launch(stream, action, config, () => action(first));

    public static Action<AcceleratorStream, KernelConfig, T1, T2> LoadKernel<T1, T2>(
        this Accelerator accelerator, Action<T1, T2> action, KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct =>
        (stream, config, first, second) => Launch(stream, action, config, () => action(first, second));

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3> LoadKernel<T1, T2, T3>(
        this Accelerator accelerator, Action<T1, T2, T3> action, KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct =>
        (stream, config, first, second, third) => Launch(stream, action, config, () => action(first, second, third));

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> LoadKernel<T1, T2, T3, T4>(
        this Accelerator accelerator, Action<T1, T2, T3, T4> action, KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct =>
        (stream, config, first, second, third, fourth) => Launch(stream, action, config, () => action(first, second, third, fourth));

    public static Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> LoadKernel<T1, T2, T3, T4, T5>(
        this Accelerator accelerator, Action<T1, T2, T3, T4, T5> action, KernelSpecialization specialization)
        where T1 : struct
        where T2 : struct
        where T3 : struct
        where T4 : struct
        where T5 : struct =>
        (stream, config, first, second, third, fourth, fifth) => Launch(stream, action, config, () => action(first, second, third, fourth, fifth));

    static void Launch(AcceleratorStream stream, Delegate kernel, KernelConfig config, Action thread)
    {
        var run = new GroupRun(kernel.Method.Name, thread, config);
        stream.Enqueue(() => ThreadTeam.Shared.Run(run));
    }
}

/// <summary>What a kernel promises the device's compiler, which gives registers accordingly.</summary>
public readonly struct KernelSpecialization(int? maxNumThreadsPerGroup, int? minNumGroupsPerMultiprocessor)
{
    public int? MaxNumThreadsPerGroup { get; } = maxNumThreadsPerGroup;

    public int? MinNumGroupsPerMultiprocessor { get; } = minNumGroupsPerMultiprocessor;
}
