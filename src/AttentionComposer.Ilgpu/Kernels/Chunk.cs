using System.ComponentModel;
using System.Runtime.InteropServices;
using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>16 bytes of a cached row, which a thread loads at once: 4 scalars of 32 bits, or 8 of 16 bits, the first one lowest.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[StructLayout(LayoutKind.Sequential)]
public struct Chunk
{
    /// <summary>Bits 0 to 31.</summary>
    public uint X;

    /// <summary>Bits 32 to 63.</summary>
    public uint Y;

    /// <summary>Bits 64 to 95.</summary>
    public uint Z;

    /// <summary>Bits 96 to 127.</summary>
    public uint W;
}

/// <summary>Four floats that a thread loads or stores at once.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[StructLayout(LayoutKind.Sequential)]
public struct Float4
{
    /// <summary>The first float.</summary>
    public float X;

    /// <summary>The second float.</summary>
    public float Y;

    /// <summary>The third float.</summary>
    public float Z;

    /// <summary>The fourth float.</summary>
    public float W;
}

/// <summary>Scalars of a cached row, of each format, as floats.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Scalars
{
    /// <summary>A float32.</summary>
    public static float Float32(uint bits) => Interop.IntAsFloat(bits);

    /// <summary>The float16 in the low half.</summary>
    public static float Float16Low(uint pair) => Interop.IntAsFloat((ushort)pair);

    /// <summary>The float16 in the high half.</summary>
    public static float Float16High(uint pair) => Interop.IntAsFloat((ushort)(pair >> 16));

    /// <summary>The bfloat16 in the low half.</summary>
    public static float BFloat16Low(uint pair) => Interop.IntAsFloat(pair << 16);

    /// <summary>The bfloat16 in the high half.</summary>
    public static float BFloat16High(uint pair) => Interop.IntAsFloat(pair & 0xffff0000u);
}
