using AttentionComposer.Ilgpu;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>The card that the stand-in plays.</summary>
static class TensorDevice
{
    public static Accelerator? Accelerator { get; } = new CudaAccelerator(Context.Create(builder => builder.ForAttention().Cuda()));
}
