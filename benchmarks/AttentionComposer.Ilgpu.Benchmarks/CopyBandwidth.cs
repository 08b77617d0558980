using AttentionComposer.Ilgpu.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Benchmarks;

/// <summary>Bytes a second that a plain copy reads and writes: the limit that decode is held to.</summary>
static class CopyBandwidth
{
    const int Threads = 256;

    public static double Measure(Accelerator accelerator, long bytes)
    {
        using MemoryBuffer1D<float, Stride1D.Dense> source = Noise.Allocate(accelerator, bytes / sizeof(float), seed: 7);
        using MemoryBuffer1D<float, Stride1D.Dense> target = accelerator.Allocate1D<float>(source.Length);
        ArrayView<Chunk> from = source.AsContiguous().Cast<Chunk>(), to = target.AsContiguous().Cast<Chunk>();
        Action<AcceleratorStream, KernelConfig, ArrayView<Chunk>, ArrayView<Chunk>> copy =
            accelerator.LoadKernel<ArrayView<Chunk>, ArrayView<Chunk>>(Copy, new KernelSpecialization(Threads, null));
        var config = new KernelConfig(new Index3D((int)(from.Length / Threads), 1, 1), new Index3D(Threads, 1, 1));
        double seconds = Timing.Median(accelerator, () => copy(accelerator.DefaultStream, config, from, to));
        return 2.0 * bytes / seconds;
    }

    static void Copy(ArrayView<Chunk> from, ArrayView<Chunk> to)
    {
        long index = (long)Grid.IdxX * Group.DimX + Group.IdxX;
        to[index] = from[index];
    }
}
