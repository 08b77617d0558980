using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Caches;

/// <summary>Conversions between float32 rows and rows as a cache stores them. Head sizes are multiples of 8.</summary>
static unsafe class RowFormat
{
    // The smallest magnitudes that round to infinity in the stored format.
    const float HalfOverflow = 65520f;
    static readonly float BFloat16Overflow = BitConverter.UInt32BitsToSingle(0x7f7f8000);

    /// <summary>Stores one row, rounding to nearest even, and clears its padding.</summary>
    /// <returns>Whether every stored scalar is finite.</returns>
    public static bool Store(float* source, byte* target, int headDim, int stride, KvFormat format)
    {
        switch (format)
        {
            case KvFormat.Float32:
                new ReadOnlySpan<float>(source, headDim).CopyTo(new Span<float>(target, headDim));
                new Span<float>((float*)target + headDim, stride - headDim).Clear();
                return AllBelow(source, headDim, float.PositiveInfinity);
            case KvFormat.Float16:
                TensorPrimitives.ConvertToHalf(new ReadOnlySpan<float>(source, headDim), new Span<Half>(target, headDim));
                new Span<ushort>((ushort*)target + headDim, stride - headDim).Clear();
                return AllBelow(source, headDim, HalfOverflow);
            default:
                StoreBFloat16(source, (ushort*)target, headDim);
                new Span<ushort>((ushort*)target + headDim, stride - headDim).Clear();
                return AllBelow(source, headDim, BFloat16Overflow);
        }
    }

    /// <summary>Reads one stored scalar exactly, infinities and NaN included.</summary>
    public static float Read(ref readonly byte row, int index, KvFormat format)
    {
        fixed (byte* source = &row)
            return format switch
            {
                KvFormat.Float32 => ((float*)source)[index],
                KvFormat.Float16 => (float)((Half*)source)[index],
                _ => BitConverter.UInt32BitsToSingle((uint)((ushort*)source)[index] << 16),
            };
    }

    /// <summary>Reads as many scalars as the target has room for exactly, infinities and NaN included.</summary>
    public static void Widen(byte* row, Span<float> target, KvFormat format)
    {
        switch (format)
        {
            case KvFormat.Float32:
                new ReadOnlySpan<float>(row, target.Length).CopyTo(target);
                break;
            case KvFormat.Float16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(row, target.Length), target);
                break;
            default:
                for (int i = 0; i < target.Length; i++)
                    target[i] = BitConverter.UInt32BitsToSingle((uint)((ushort*)row)[i] << 16);
                break;
        }
    }

    static void StoreBFloat16(float* source, ushort* target, int headDim)
    {
        for (int i = 0; i < headDim; i += 8)
        {
            Vector256<float> value = Vector256.Load(source + i);
            Vector256<uint> bits = value.AsUInt32();
            Vector256<uint> rounded = (bits + Vector256.Create(0x7fffu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
            Vector256<uint> quietNaN = (bits >> 16) | Vector256.Create(0x40u);
            Vector256<uint> isNumber = Vector256.Equals(value, value).AsUInt32();
            Vector256<uint> stored = Vector256.ConditionalSelect(isNumber, rounded, quietNaN);
            Vector128.Narrow(stored.GetLower(), stored.GetUpper()).Store(target + i);
        }
    }

    static bool AllBelow(float* source, int count, float limit)
    {
        Vector256<float> below = Vector256<float>.AllBitsSet;
        for (int i = 0; i < count; i += 8)
            below &= Vector256.LessThan(Vector256.Abs(Vector256.Load(source + i)), Vector256.Create(limit));
        return below.AsInt32() == Vector256<int>.AllBitsSet;
    }
}
