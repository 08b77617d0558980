using AttentionComposer.Ilgpu;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

// The accelerator's default stream belongs to one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>
/// The accelerator that the tests run on: ILGPU's on the CPU where its packages are there, and the stand-in otherwise; benchmarks/AttentionComposer.Ilgpu.Benchmarks runs them on a card.
/// </summary>
static class TestDevice
{
    static readonly Lazy<Accelerator> Cpu = new(() =>
    {
        Context context = Context.Create(builder => builder.ForAttention().CPU(new CPUDevice(32, 8, 1)));
        return context.GetPreferredDevice(preferCPU: true).CreateAccelerator(context);
    });

    static Accelerator? s_other;

    public static Accelerator Accelerator
    {
        get => s_other ?? Cpu.Value;
        set => s_other = value;
    }

    /// <summary>An accelerator with tensor cores; null where there is none: ILGPU's on the CPU does not carry out instructions of PTX.</summary>
    public static Accelerator? WithTensorCores => Accelerator is CudaAccelerator ? Accelerator : TensorDevice.Accelerator;

    /// <summary>A buffer with these elements.</summary>
    public static MemoryBuffer1D<T, Stride1D.Dense> Upload<T>(ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = Accelerator.Allocate1D<T>(Math.Max(1, elements.Length));
        buffer.AsContiguous().CopyFromCPU(Accelerator.DefaultStream, elements);
        return buffer;
    }

    /// <summary>A buffer's elements, when everything that was queued is done.</summary>
    public static T[] Download<T>(MemoryBuffer1D<T, Stride1D.Dense> buffer)
        where T : unmanaged
    {
        var elements = new T[buffer.Length];
        buffer.AsContiguous().CopyToCPU<T, ArrayView<T>>(Accelerator.DefaultStream, elements);
        return elements;
    }

    /// <summary>Runs a kernel over one view.</summary>
    public static void Run<T>(Action<ArrayView<T>> kernel, MemoryBuffer1D<T, Stride1D.Dense> buffer, int groups, int threads)
        where T : unmanaged
    {
        Accelerator.LoadKernel(kernel, new KernelSpecialization(threads, null))(
            Accelerator.DefaultStream, new KernelConfig(new Index3D(groups, 1, 1), new Index3D(threads, 1, 1)), buffer.AsContiguous());
        Accelerator.Synchronize();
    }
}
