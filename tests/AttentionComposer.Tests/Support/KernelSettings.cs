using System.Runtime.Intrinsics;

// The settings of the kernels are process-wide, and several tests count the process's allocations: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace AttentionComposer.Tests;

/// <summary>Runs kernels with a vector width and a number of threads until disposed.</summary>
public readonly struct KernelSettings : IDisposable
{
    readonly int _vectorBits;
    readonly int _threads;

    KernelSettings(int vectorBits, int threads)
    {
        (_vectorBits, _threads) = (AttentionOptions.ForcedVectorBits, AttentionOptions.MaxDegreeOfParallelism);
        AttentionOptions.ForcedVectorBits = vectorBits;
        AttentionOptions.MaxDegreeOfParallelism = threads;
    }

    /// <summary>Every vector width that kernels are generated for, accelerated on this processor or not.</summary>
    public static int[] VectorWidths { get; } = [512, 256, 128];

    /// <summary>Those that the processor has registers for; the others are emulated, far too slowly for long sequences.</summary>
    public static int[] AcceleratedWidths { get; } =
    [
        .. VectorWidths.Where(bits => bits == 512 ? Vector512.IsHardwareAccelerated : bits == 256 ? Vector256.IsHardwareAccelerated : Vector128.IsHardwareAccelerated),
    ];

    /// <summary>Forces a vector width; 0 leaves the choice to the runtime.</summary>
    public static KernelSettings VectorBits(int bits) => new(bits, AttentionOptions.MaxDegreeOfParallelism);

    /// <summary>Bounds the threads.</summary>
    public static KernelSettings Threads(int threads) => new(AttentionOptions.ForcedVectorBits, threads);

    public void Dispose()
    {
        AttentionOptions.ForcedVectorBits = _vectorBits;
        AttentionOptions.MaxDegreeOfParallelism = _threads;
    }
}
