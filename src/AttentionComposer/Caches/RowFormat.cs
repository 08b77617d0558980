using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Caches;

/// <summary>Conversions between float32 rows and rows as a cache stores them. Head sizes are multiples of 8.</summary>
/// <remarks>
/// A row of <see cref="KvFormat.Int8"/> has a scale, <c>max |x| / 127</c>, and its scalars are <c>x / scale</c>, rounded to nearest even: each comes back within half a scale.
/// A row of zeros has the scale 0. One with NaN or infinity has the scale NaN, so that whoever sees it gets NaN, and no other row does.
/// </remarks>
static unsafe class RowFormat
{
    // Integers are symmetric: -128 is not used.
    const float LargestInt8 = 127;

    // The smallest magnitudes that round to infinity in the stored format.
    const float HalfOverflow = 65520f;
    static readonly float BFloat16Overflow = BitConverter.UInt32BitsToSingle(0x7f7f8000);

    /// <summary>Bytes of a stored scalar.</summary>
    public static int ScalarSize(KvFormat format) => format switch
    {
        KvFormat.Float32 => 4,
        KvFormat.Int8 => 1,
        _ => 2,
    };

    /// <summary>Bytes of a row's scale; 0 in formats without.</summary>
    public static int ScaleSize(KvFormat format) => format == KvFormat.Int8 ? sizeof(float) : 0;

    /// <summary>Stores one row, rounding to nearest even, and clears its padding.</summary>
    /// <param name="source">The row.</param>
    /// <param name="target">Receives its scalars.</param>
    /// <param name="scale">Receives its scale, in a format that has one.</param>
    /// <param name="headDim">Scalars of the row.</param>
    /// <param name="stride">Scalars that a stored row takes.</param>
    /// <param name="format">The format.</param>
    /// <returns>Whether every stored scalar is finite.</returns>
    public static bool Store(float* source, byte* target, float* scale, int headDim, int stride, KvFormat format)
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
            case KvFormat.Int8:
                float step = *scale = StoreInt8(source, (sbyte*)target, headDim);
                new Span<sbyte>((sbyte*)target + headDim, stride - headDim).Clear();
                return float.IsFinite(step * LargestInt8);
            default:
                StoreBFloat16(source, (ushort*)target, headDim);
                new Span<ushort>((ushort*)target + headDim, stride - headDim).Clear();
                return AllBelow(source, headDim, BFloat16Overflow);
        }
    }

    /// <summary>Reads one stored scalar exactly, infinities and NaN included; an integer still lacks its row's scale.</summary>
    public static float Read(ref readonly byte row, int index, KvFormat format)
    {
        fixed (byte* source = &row)
            return format switch
            {
                KvFormat.Float32 => ((float*)source)[index],
                KvFormat.Float16 => (float)((Half*)source)[index],
                KvFormat.Int8 => ((sbyte*)source)[index],
                _ => BitConverter.UInt32BitsToSingle((uint)((ushort*)source)[index] << 16),
            };
    }

    /// <summary>Reads as many scalars as the target has room for exactly, infinities and NaN included; integers times the row's scale.</summary>
    public static void Widen(byte* row, float* scale, Span<float> target, KvFormat format)
    {
        switch (format)
        {
            case KvFormat.Float32:
                new ReadOnlySpan<float>(row, target.Length).CopyTo(target);
                break;
            case KvFormat.Float16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(row, target.Length), target);
                break;
            case KvFormat.Int8:
                for (int i = 0; i < target.Length; i++)
                    target[i] = ((sbyte*)row)[i] * *scale;
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

    // Returns the scale. Below float32's normal numbers it is too coarse for 127 of it to be the largest magnitude: such scalars stop at 127.
    static float StoreInt8(float* source, sbyte* target, int headDim)
    {
        float scale = MathF.Abs(TensorPrimitives.MaxMagnitude(new ReadOnlySpan<float>(source, headDim))) / LargestInt8; // NaN stays NaN
        if (scale == 0 || !float.IsFinite(scale))
        {
            new Span<sbyte>(target, headDim).Clear();
            return scale == 0 ? 0 : float.NaN;
        }

        for (int i = 0; i < headDim; i += 8)
        {
            Vector256<float> steps = Vector256.Round(Vector256.Load(source + i) / Vector256.Create(scale));
            Vector256<int> stored = Vector256.ConvertToInt32(Vector256.Clamp(steps, Vector256.Create(-LargestInt8), Vector256.Create(LargestInt8)));
            Vector128<short> narrow = Vector128.Narrow(stored.GetLower(), stored.GetUpper());
            Vector128.Narrow(narrow, narrow).GetLower().Store(target + i);
        }

        return scale;
    }

    static bool AllBelow(float* source, int count, float limit)
    {
        Vector256<float> below = Vector256<float>.AllBitsSet;
        for (int i = 0; i < count; i += 8)
            below &= Vector256.LessThan(Vector256.Abs(Vector256.Load(source + i)), Vector256.Create(limit));
        return below.AsInt32() == Vector256<int>.AllBitsSet;
    }
}
