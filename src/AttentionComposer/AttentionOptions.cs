using System.Runtime.Intrinsics;

namespace AttentionComposer;

/// <summary>Process-wide settings of the kernels.</summary>
public static class AttentionOptions
{
    static int _maxDegreeOfParallelism = Environment.ProcessorCount;
    static int _maxVectorBits = 512;

    /// <summary>
    /// The most threads that one call uses, the calling one included; by default one per processor that the process may use.
    /// Results do not depend on it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public static int MaxDegreeOfParallelism
    {
        get => Volatile.Read(ref _maxDegreeOfParallelism);
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            Volatile.Write(ref _maxDegreeOfParallelism, value);
        }
    }

    /// <summary>
    /// The widest vectors that kernels may use: 512, 256 or 128 bits. What runs is the widest that the processor accelerates
    /// within this bound; see <see cref="VectorBits"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is none of 512, 256, 128.</exception>
    public static int MaxVectorBits
    {
        get => Volatile.Read(ref _maxVectorBits);
        set
        {
            if (value is not (512 or 256 or 128))
                throw new ArgumentOutOfRangeException(nameof(value), value, "Vectors are 512, 256 or 128 bits wide.");
            Volatile.Write(ref _maxVectorBits, value);
        }
    }

    /// <summary>The vector width in bits that kernels run with on this machine.</summary>
    public static int VectorBits =>
        ForcedVectorBits != 0 ? ForcedVectorBits
        : Vector512.IsHardwareAccelerated && MaxVectorBits >= 512 ? 512
        : Vector256.IsHardwareAccelerated && MaxVectorBits >= 256 ? 256
        : 128;

    /// <summary>
    /// Lets tests run a kernel that the processor does not accelerate (the vector types then compute in software); 0 when unset.
    /// </summary>
    internal static int ForcedVectorBits { get; set; }
}
