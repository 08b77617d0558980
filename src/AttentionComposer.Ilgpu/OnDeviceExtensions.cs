using AttentionComposer.Ilgpu.Kernels;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>Takes a declared pipeline to a device.</summary>
public static class OnDeviceExtensions
{
    /// <summary>Compiles a pipeline's device kernels for an accelerator.</summary>
    /// <param name="pipeline">An object of a class that is declared with <see cref="AttentionAttribute"/> in a project that references this library. Its fields are
    /// read at each call, as on the CPU.</param>
    /// <param name="accelerator">An accelerator of a context that was made with <see cref="DeviceContext.ForAttention"/>.</param>
    /// <exception cref="NotSupportedException">The pipeline has no device kernels: its cache format is read on the CPU only, or its project does not reference this library. Or the accelerator's
    /// warps are not of 32 lanes.</exception>
    /// <exception cref="InvalidOperationException">The accelerator's compiler refuses a kernel.</exception>
    public static DeviceAttention OnDevice(this IAttention pipeline, Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(accelerator);
        IDeviceKernels kernels = KernelsOf(pipeline);
        if (accelerator.WarpSize != DeviceTraits.WarpSize)
            throw new NotSupportedException(
                $"{pipeline.Plan.Name}: kernels are written for warps of {DeviceTraits.WarpSize} lanes; {accelerator.Name} has warps of {accelerator.WarpSize}. " +
                "On the CPU, make its device with new CPUDevice(32, 8, 1).");
        return new DeviceAttention(pipeline, kernels, accelerator);
    }

    static IDeviceKernels KernelsOf(IAttention pipeline)
    {
        if (pipeline is IDeviceKernels kernels)
            return kernels;

        AttentionPlan plan = pipeline.Plan;
        throw new NotSupportedException(plan.Format == KvFormat.Int8
            ? $"{plan.Name} has no device kernels: rows of {plan.Format} are read on the CPU only."
            : $"{plan.Name} has no device kernels. They are emitted where its class is declared: reference AttentionComposer.Ilgpu from that project.");
    }
}
