using System.ComponentModel;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>What the kernel for tensor cores does around the products of <see cref="Float16Terms"/> and <see cref="BFloat16Terms"/>, on cards only: some of it is instructions by their text.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class TensorMath
{
    /// <summary>Factor on weights, by which float16 holds small ones as well as large ones. bfloat16 needs none.</summary>
    public const float WeightUnit = 16384;

    /// <summary>log2 of <see cref="WeightUnit"/>.</summary>
    public const float WeightExponent = 14;

    const float LargestSize = 8.5e37f; // 2^126: the inverses of larger powers of 2 are not normal

    /// <summary>The larger one; NaN if either is.</summary>
    public static float Max(float x, float y)
    {
        CudaAsm.Emit("max.NaN.f32 %0, %1, %2;", out float larger, x, y);
        return larger;
    }

    /// <summary><c>2^x</c>; 0 where it is not a normal number.</summary>
    public static float Exp2(float x)
    {
        CudaAsm.Emit("ex2.approx.ftz.f32 %0, %1;", out float power, x);
        return power;
    }

    /// <summary>The largest of the sizes of floats; NaN if one is.</summary>
    public static float Size(Float8 x) => Max(
        Max(Max(XMath.Abs(x.A), XMath.Abs(x.B)), Max(XMath.Abs(x.C), XMath.Abs(x.D))),
        Max(Max(XMath.Abs(x.E), XMath.Abs(x.F)), Max(XMath.Abs(x.G), XMath.Abs(x.H))));

    /// <summary>The power of 2 by which a row is divided before it goes in as float16, so that its largest float is between 1 and 2; NaN, with which nothing is finite, where the row is too large for that.</summary>
    /// <param name="size">The row's largest size.</param>
    public static float Unit(float size)
    {
        uint exponent = Interop.FloatAsInt(size) & 0x7f800000u;
        return !(size < LargestSize) ? float.NaN : exponent == 0 ? 1 : Interop.IntAsFloat(exponent);
    }

    /// <summary>The inverse of a power of 2.</summary>
    public static float Inverse(float unit) => Interop.IntAsFloat(0x7f000000u - Interop.FloatAsInt(unit));

    /// <summary>Multiplies what belongs to two rows.</summary>
    public static Float4 Multiply(float factor0, float factor1, Float4 x) => new() { X = factor0 * x.X, Y = factor0 * x.Y, Z = factor1 * x.Z, W = factor1 * x.W };

    /// <summary>The logits of two rows and two neighbouring keys; negative infinity where a row does not see a key.</summary>
    /// <param name="logits">The logits.</param>
    /// <param name="seen">Bit 2r + k tells whether row r sees key k.</param>
    public static Float4 Visible(Float4 logits, uint seen) => new()
    {
        X = (seen & 1) != 0 ? logits.X : float.NegativeInfinity,
        Y = (seen & 2) != 0 ? logits.Y : float.NegativeInfinity,
        Z = (seen & 4) != 0 ? logits.Z : float.NegativeInfinity,
        W = (seen & 8) != 0 ? logits.W : float.NegativeInfinity,
    };

    /// <summary>The largest of the floats in each place of the scores of a block's keys; NaN if one is.</summary>
    public static Float4 Largest(Float4 s0, Float4 s1, Float4 s2, Float4 s3) => Max(Max(s0, s1), Max(s2, s3));

    /// <inheritdoc cref="Largest(Float4, Float4, Float4, Float4)"/>
    public static Float4 Largest(Float4 s0, Float4 s1, Float4 s2, Float4 s3, Float4 s4, Float4 s5, Float4 s6, Float4 s7) =>
        Max(Largest(s0, s1, s2, s3), Largest(s4, s5, s6, s7));

    /// <summary>The sums of the floats in each place of the weights of a block's keys.</summary>
    public static Float4 Sum(Float4 s0, Float4 s1, Float4 s2, Float4 s3) => Float4.Add(Float4.Add(s0, s1), Float4.Add(s2, s3));

    /// <inheritdoc cref="Sum(Float4, Float4, Float4, Float4)"/>
    public static Float4 Sum(Float4 s0, Float4 s1, Float4 s2, Float4 s3, Float4 s4, Float4 s5, Float4 s6, Float4 s7) =>
        Float4.Add(Sum(s0, s1, s2, s3), Sum(s4, s5, s6, s7));

    /// <summary>Weights of two rows and two keys, times a power of 2 by which the pivots may be smaller.</summary>
    public static Float4 Weights(Float4 logits, float pivot0, float pivot1) => new()
    {
        X = Exp2(logits.X - pivot0),
        Y = Exp2(logits.Y - pivot0),
        Z = Exp2(logits.Z - pivot1),
        W = Exp2(logits.W - pivot1),
    };

    /// <summary>
    /// Stores 8 columns of the values of four keys as products take them: two words a column, of the first two keys and of the last two, the low half of which is the first one's.
    /// </summary>
    public static void StoreValues(ArrayView<Chunk> tile, int first, Chunk key0, Chunk key1, Chunk key2, Chunk key3)
    {
        tile[first] = Columns(key0.X, key1.X, key2.X, key3.X);
        tile[first + 1] = Columns(key0.Y, key1.Y, key2.Y, key3.Y);
        tile[first + 2] = Columns(key0.Z, key1.Z, key2.Z, key3.Z);
        tile[first + 3] = Columns(key0.W, key1.W, key2.W, key3.W);
    }

    static Float4 Max(Float4 x, Float4 y) => new() { X = Max(x.X, y.X), Y = Max(x.Y, y.Y), Z = Max(x.Z, y.Z), W = Max(x.W, y.W) };

    static Chunk Columns(uint key0, uint key1, uint key2, uint key3) =>
        new() { X = Low(key0, key1), Y = Low(key2, key3), Z = High(key0, key1), W = High(key2, key3) };

    static uint Low(uint even, uint odd) => (even & 0xffffu) | (odd << 16);

    static uint High(uint even, uint odd) => (even >> 16) | (odd & 0xffff0000u);
}
