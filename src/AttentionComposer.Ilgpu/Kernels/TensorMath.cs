using System.ComponentModel;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// Products of tiles on a card's tensor cores, which take float16 and add up in float32: <c>mma.sync.m16n8k16</c> of NVIDIA's PTX ISA. What is not float16 already goes in as a sum of
/// two, the nearest float16 and the nearest one to what that leaves, 22 bits in all.
/// </summary>
/// <remarks>
/// A warp multiplies 16 rows of 16 scalars by 8 columns of 16. A lane holds rows <c>lane / 4</c> and 8 more, and of the 16 scalars those that go with <c>lane % 4</c>: which ones they
/// are is of no account, as long as rows and columns agree. So a lane takes 16 neighbouring bytes of a row, of which each product uses half. Of the product a lane holds the columns
/// <c>lane % 4 * 2</c> and the next: X and Y in its first row, Z and W in its second.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class TensorMath
{
    /// <summary>Factor on weights, by which float16 holds small ones as well as large ones.</summary>
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

    /// <summary>The power of 2 by which a row is divided before it is split, so that its largest float is between 1 and 2; NaN, with which nothing is finite, where the row is too large for that.</summary>
    /// <param name="size">The row's largest size.</param>
    public static float Unit(float size)
    {
        uint exponent = Interop.FloatAsInt(size) & 0x7f800000u;
        return !(size < LargestSize) ? float.NaN : exponent == 0 ? 1 : Interop.IntAsFloat(exponent);
    }

    /// <summary>The inverse of a power of 2.</summary>
    public static float Inverse(float unit) => Interop.IntAsFloat(0x7f000000u - Interop.FloatAsInt(unit));

    /// <summary>The nearest float16 to each float.</summary>
    public static Chunk Halves(Float8 x) => new() { X = Halves(x.A, x.B), Y = Halves(x.C, x.D), Z = Halves(x.E, x.F), W = Halves(x.G, x.H) };

    /// <summary>The nearest float16 to what <see cref="Halves(Float8)"/> leave of each float.</summary>
    public static Chunk Rest(Chunk halves, Float8 x) => new()
    {
        X = Rest(halves.X, x.A, x.B),
        Y = Rest(halves.Y, x.C, x.D),
        Z = Rest(halves.Z, x.E, x.F),
        W = Rest(halves.W, x.G, x.H),
    };

    /// <summary>Weights of two tiles of 8 keys, as the tile of 16 that the values' product takes.</summary>
    public static Chunk Halves(Float4 first, Float4 second) =>
        new() { X = Halves(first.X, first.Y), Y = Halves(first.Z, first.W), Z = Halves(second.X, second.Y), W = Halves(second.Z, second.W) };

    /// <summary>What <see cref="Halves(Float4, Float4)"/> leave of the weights.</summary>
    public static Chunk Rest(Chunk halves, Float4 first, Float4 second) => new()
    {
        X = Rest(halves.X, first.X, first.Y),
        Y = Rest(halves.Y, first.Z, first.W),
        Z = Rest(halves.Z, second.X, second.Y),
        W = Rest(halves.W, second.Z, second.W),
    };

    /// <summary>Adds the products of two rows of queries and 8 keys over 32 columns, of which a lane has 8.</summary>
    /// <param name="halves0">The first row.</param>
    /// <param name="rest0">What the halves leave of it.</param>
    /// <param name="halves1">The second row.</param>
    /// <param name="rest1">What the halves leave of it.</param>
    /// <param name="key">Key <c>lane / 4</c>.</param>
    /// <param name="sum">The scores so far.</param>
    public static Float4 Scores(Chunk halves0, Chunk rest0, Chunk halves1, Chunk rest1, Chunk key, Float4 sum)
    {
        sum = MultiplyAdd(halves0.X, halves1.X, halves0.Y, halves1.Y, key.X, key.Y, sum);
        sum = MultiplyAdd(rest0.X, rest1.X, rest0.Y, rest1.Y, key.X, key.Y, sum);
        sum = MultiplyAdd(halves0.Z, halves1.Z, halves0.W, halves1.W, key.Z, key.W, sum);
        return MultiplyAdd(rest0.Z, rest1.Z, rest0.W, rest1.W, key.Z, key.W, sum);
    }

    /// <summary>Adds the products of the weights of two rows and 16 keys and 8 columns of their values.</summary>
    /// <param name="halves">The weights.</param>
    /// <param name="rest">What the halves leave of them.</param>
    /// <param name="pair0">A column of two keys' values, of the first 8 keys.</param>
    /// <param name="pair1">The same of the last 8.</param>
    /// <param name="sum">The sums so far.</param>
    public static Float4 Values(Chunk halves, Chunk rest, uint pair0, uint pair1, Float4 sum)
    {
        sum = MultiplyAdd(halves.X, halves.Y, halves.Z, halves.W, pair0, pair1, sum);
        return MultiplyAdd(rest.X, rest.Y, rest.Z, rest.W, pair0, pair1, sum);
    }

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
    public static Float4 Largest(Float4 s0, Float4 s1, Float4 s2, Float4 s3, Float4 s4, Float4 s5, Float4 s6, Float4 s7) =>
        Max(Max(Max(s0, s1), Max(s2, s3)), Max(Max(s4, s5), Max(s6, s7)));

    /// <summary>The sums of the floats in each place of the weights of a block's keys.</summary>
    public static Float4 Sum(Float4 s0, Float4 s1, Float4 s2, Float4 s3, Float4 s4, Float4 s5, Float4 s6, Float4 s7) =>
        Float4.Add(Float4.Add(Float4.Add(s0, s1), Float4.Add(s2, s3)), Float4.Add(Float4.Add(s4, s5), Float4.Add(s6, s7)));

    /// <summary>Weights of two rows and two keys, times <see cref="WeightUnit"/> where the pivots are <see cref="WeightExponent"/> smaller.</summary>
    public static Float4 Weights(Float4 logits, float pivot0, float pivot1) => new()
    {
        X = Exp2(logits.X - pivot0),
        Y = Exp2(logits.Y - pivot0),
        Z = Exp2(logits.Z - pivot1),
        W = Exp2(logits.W - pivot1),
    };

    /// <summary>Four sums of a row without the weights' factor.</summary>
    public static Float4 Sums(float x, float y, float z, float w) =>
        Float4.Multiply(1 / WeightUnit, new Float4 { X = x, Y = y, Z = z, W = w });

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

    static uint Halves(float first, float second)
    {
        CudaAsm.Emit("cvt.rn.f16x2.f32 %0, %1, %2;", out uint halves, second, first);
        return halves;
    }

    static uint Rest(uint halves, float first, float second) =>
        Halves(first - Interop.IntAsFloat((ushort)halves), second - Interop.IntAsFloat((ushort)(halves >> 16)));

    static Float4 MultiplyAdd(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1, Float4 sum)
    {
        Ref<float> x = sum.X, y = sum.Y, z = sum.Z, w = sum.W;
        Input<uint> row0 = a0, row1 = a1, row0Next = a2, row1Next = a3, column = b0, columnNext = b1;
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
            ref x, ref y, ref z, ref w, ref row0, ref row1, ref row0Next, ref row1Next, ref column, ref columnNext);
        return new Float4 { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
    }
}
