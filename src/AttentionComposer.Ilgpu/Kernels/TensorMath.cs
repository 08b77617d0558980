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

    /// <summary>The largest of the sizes of floats; NaN if one is.</summary>
    public static float Size(Float8 x) => DeviceMath.Max(
        DeviceMath.Max(DeviceMath.Max(XMath.Abs(x.A), XMath.Abs(x.B)), DeviceMath.Max(XMath.Abs(x.C), XMath.Abs(x.D))),
        DeviceMath.Max(DeviceMath.Max(XMath.Abs(x.E), XMath.Abs(x.F)), DeviceMath.Max(XMath.Abs(x.G), XMath.Abs(x.H))));

    /// <summary>Whether a row of floats of at most this size can be split.</summary>
    public static bool CanSplit(float size) => size < LargestSize;

    /// <summary>The power of 2 by which a row is divided before it is split, so that its largest float is between 1 and 2.</summary>
    public static float Unit(float size)
    {
        uint exponent = Interop.FloatAsInt(size) & 0x7f800000u;
        return exponent == 0 ? 1 : Interop.IntAsFloat(exponent);
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
    /// <param name="pair0">A column of two keys' values, of the first 8.</param>
    /// <param name="pair1">The same of the last 8.</param>
    /// <param name="sum">The sums so far.</param>
    public static Float4 Values(Chunk halves, Chunk rest, uint pair0, uint pair1, Float4 sum)
    {
        sum = MultiplyAdd(halves.X, halves.Y, halves.Z, halves.W, pair0, pair1, sum);
        return MultiplyAdd(rest.X, rest.Y, rest.Z, rest.W, pair0, pair1, sum);
    }

    /// <summary>Multiplies what belongs to two rows.</summary>
    public static Float4 Multiply(float factor0, float factor1, Float4 x) => new() { X = factor0 * x.X, Y = factor0 * x.Y, Z = factor1 * x.Z, W = factor1 * x.W };

    /// <summary>Weights of two rows and two keys, times <see cref="WeightUnit"/> where the pivots are <see cref="WeightExponent"/> smaller.</summary>
    public static Float4 Weights(Float4 logits, float pivot0, float pivot1) => new()
    {
        X = DeviceMath.Weight(logits.X, pivot0),
        Y = DeviceMath.Weight(logits.Y, pivot0),
        Z = DeviceMath.Weight(logits.Z, pivot1),
        W = DeviceMath.Weight(logits.W, pivot1),
    };

    /// <summary>Stores the values of two keys with their columns side by side: low halves are the first key's.</summary>
    public static void StorePairs(ArrayView<Chunk> pairs, int first, Chunk even, Chunk odd)
    {
        pairs[first] = new Chunk { X = Low(even.X, odd.X), Y = High(even.X, odd.X), Z = Low(even.Y, odd.Y), W = High(even.Y, odd.Y) };
        pairs[first + 1] = new Chunk { X = Low(even.Z, odd.Z), Y = High(even.Z, odd.Z), Z = Low(even.W, odd.W), W = High(even.W, odd.W) };
    }

    /// <summary>Whether no float16 of a chunk is NaN or infinite.</summary>
    public static bool IsFinite(Chunk halves) => ((Full(halves.X) | Full(halves.Y) | Full(halves.Z) | Full(halves.W)) & 0x80008000u) == 0;

    // The sign bit of each half is set where its exponent is full.
    static uint Full(uint halves) => (halves & 0x7fff7fffu) + 0x04000400u;

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
