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

    /// <summary>The scalars of a chunk of float32.</summary>
    public static Float4 Float32(Chunk chunk) => new()
    {
        X = Interop.IntAsFloat(chunk.X),
        Y = Interop.IntAsFloat(chunk.Y),
        Z = Interop.IntAsFloat(chunk.Z),
        W = Interop.IntAsFloat(chunk.W),
    };

    /// <summary>The scalars of a chunk of float16.</summary>
    public static Float8 Float16(Chunk chunk) => new()
    {
        A = Half(chunk.X),
        B = Half(chunk.X >> 16),
        C = Half(chunk.Y),
        D = Half(chunk.Y >> 16),
        E = Half(chunk.Z),
        F = Half(chunk.Z >> 16),
        G = Half(chunk.W),
        H = Half(chunk.W >> 16),
    };

    /// <summary>The scalars of a chunk of bfloat16.</summary>
    public static Float8 BFloat16(Chunk chunk) => new()
    {
        A = Interop.IntAsFloat(chunk.X << 16),
        B = Interop.IntAsFloat(chunk.X & 0xffff0000u),
        C = Interop.IntAsFloat(chunk.Y << 16),
        D = Interop.IntAsFloat(chunk.Y & 0xffff0000u),
        E = Interop.IntAsFloat(chunk.Z << 16),
        F = Interop.IntAsFloat(chunk.Z & 0xffff0000u),
        G = Interop.IntAsFloat(chunk.W << 16),
        H = Interop.IntAsFloat(chunk.W & 0xffff0000u),
    };

    /// <summary>One scalar of cached rows.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="row">Which of them.</param>
    /// <param name="channel">Which of its scalars.</param>
    /// <param name="rowChunks">Chunks of a row.</param>
    /// <param name="format">A <see cref="KvFormat"/>.</param>
    public static float Scalar(ArrayView<Chunk> rows, long row, int channel, int rowChunks, int format)
    {
        if (format == (int)KvFormat.Float32)
            return Interop.IntAsFloat(rows.Cast<uint>()[row * rowChunks * 4 + channel]);
        ushort bits = rows.Cast<ushort>()[row * rowChunks * 8 + channel];
        return format == (int)KvFormat.Float16 ? Interop.IntAsFloat(bits) : Interop.IntAsFloat((uint)bits << 16);
    }

    static float Half(uint bits) => Interop.IntAsFloat((ushort)bits);
}
