using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using ILGPU;

namespace AttentionComposer.Ilgpu;

/// <summary>What an ILGPU context needs for attention kernels.</summary>
public static class DeviceContext
{
    // On Linux a driver's library comes with a version in its name; the name without one belongs to a development package. ILGPU asks for the latter.
    static DeviceContext() =>
        AssemblyLoadContext.GetLoadContext(typeof(Context).Assembly)!.ResolvingUnmanagedDll += FindDriver;

    /// <summary>
    /// Enables the mathematics that kernels use, and the optimisations without which loads from global memory stay narrow. Called first, it also lets ILGPU find drivers on
    /// Linux: <c>Context.Create(builder => builder.ForAttention().Cuda())</c>.
    /// </summary>
    /// <param name="builder">The context's settings.</param>
    public static Context.Builder ForAttention(this Context.Builder builder) =>
        builder.EnableAlgorithms().Optimize(OptimizationLevel.O2);

    static nint FindDriver(Assembly assembly, string name) =>
        assembly == typeof(Context).Assembly && (name is "cuda" or "OpenCL") && NativeLibrary.TryLoad($"lib{name}.so.1", out nint library) ? library : 0;
}
