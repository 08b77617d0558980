using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Benchmarks;

/// <summary>Repeatable scalars in [-1, 1), made on the device: tensors of a benchmark's size take long to upload.</summary>
static class Noise
{
    const int Threads = 128;

    /// <summary>A buffer of noise.</summary>
    public static MemoryBuffer1D<float, Stride1D.Dense> Allocate(Accelerator accelerator, long length, int seed)
    {
        MemoryBuffer1D<float, Stride1D.Dense> buffer = accelerator.Allocate1D<float>(length);
        Fill(accelerator, buffer.AsContiguous(), seed);
        return buffer;
    }

    /// <summary>Queues the filling of a view.</summary>
    public static void Fill(Accelerator accelerator, ArrayView<float> view, int seed)
    {
        int groups = (int)Math.Min((view.Length + Threads - 1) / Threads, 65536);
        accelerator.LoadKernel<ArrayView<float>, int>(Kernel, new KernelSpecialization(Threads, null))(
            accelerator.DefaultStream, new KernelConfig(new Index3D(groups, 1, 1), new Index3D(Threads, 1, 1)), view, seed);
    }

    static void Kernel(ArrayView<float> view, int seed)
    {
        long step = (long)Grid.DimX * Group.DimX;
        for (long i = (long)Grid.IdxX * Group.DimX + Group.IdxX; i < view.Length; i += step)
            view[i] = At(i, seed);
    }

    /// <summary>The scalar at an index.</summary>
    public static float At(long index, int seed)
    {
        uint x = (uint)index * 0x9e3779b9 + (uint)(index >> 32) + (uint)seed * 0x85ebca6b;
        x = (x ^ x >> 16) * 0x85ebca6b;
        x = (x ^ x >> 13) * 0xc2b2ae35;
        return (int)(x >> 8) * (1f / (1 << 23)) - 1;
    }
}
