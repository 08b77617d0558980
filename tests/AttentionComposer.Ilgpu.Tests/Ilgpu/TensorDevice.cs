using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>ILGPU plays no card.</summary>
static class TensorDevice
{
    public static Accelerator? Accelerator => null;
}
