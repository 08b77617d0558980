using ILGPU;
using ILGPU.Algorithms;

namespace AttentionComposer.Ilgpu;

/// <summary>What an ILGPU context needs for attention kernels.</summary>
public static class DeviceContext
{
    /// <summary>
    /// Enables the mathematics that kernels use, and the optimisations without which loads from global memory stay narrow:
    /// <c>Context.Create(builder => builder.Cuda().ForAttention())</c>.
    /// </summary>
    public static Context.Builder ForAttention(this Context.Builder builder) =>
        builder.EnableAlgorithms().Optimize(OptimizationLevel.O2);
}
