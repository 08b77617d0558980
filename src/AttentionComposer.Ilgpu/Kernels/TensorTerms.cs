using System.ComponentModel;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// Eight floats as tensor cores take them beside a cache of float16: sums of two float16, the nearest one and the nearest one to what it leaves, 22 bits in all.
/// </summary>
/// <remarks>
/// Products are <c>mma.sync.m16n8k16</c> of NVIDIA's PTX ISA, which adds up in float32: a warp multiplies 16 rows of 16 scalars by 8 columns of 16. A lane holds rows <c>lane / 4</c> and 8 more,
/// and of the 16 scalars those that go with <c>lane % 4</c>: which ones they are is of no account, as long as rows and columns agree. So a lane takes 16 neighbouring bytes of a row, of which each
/// product uses half. Of the product a lane holds the columns <c>lane % 4 * 2</c> and the next: X and Y in its first row, Z and W in its second.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct Float16Terms : ITensorTerms
{
    Chunk _first, _second;

    /// <summary>Columns of a row.</summary>
    public static Float16Terms Of(Float8 x)
    {
        Chunk first = Round(x);
        return new() { _first = first, _second = Round(Float8.Subtract(x, Chunk.Float16(first))) };
    }

    /// <summary>Weights of two rows and two tiles of 8 keys, as the tile of 16 that the values' product takes.</summary>
    public static Float16Terms Of(Float4 tile0, Float4 tile1) =>
        Of(new Float8 { A = tile0.X, B = tile0.Y, C = tile0.Z, D = tile0.W, E = tile1.X, F = tile1.Y, G = tile1.Z, H = tile1.W });

    /// <summary>Adds the products of two rows of queries and 8 keys over 32 columns, of which a lane has 8.</summary>
    /// <param name="row0">The first row.</param>
    /// <param name="row1">The second row.</param>
    /// <param name="key">Key <c>lane / 4</c>.</param>
    /// <param name="sum">The scores so far.</param>
    public static Float4 Scores(Float16Terms row0, Float16Terms row1, Chunk key, Float4 sum) =>
        TensorTile.Scores<Float16Terms>(row0._second, row1._second, key, TensorTile.Scores<Float16Terms>(row0._first, row1._first, key, sum));

    /// <summary>Adds the products of the weights of two rows and 16 keys and 8 columns of their values.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="pair0">A column of two keys' values, of the first 8 keys.</param>
    /// <param name="pair1">The same of the last 8.</param>
    /// <param name="sum">The sums so far.</param>
    public static Float4 Values(Float16Terms weights, uint pair0, uint pair1, Float4 sum) =>
        TensorTile.Values<Float16Terms>(weights._second, pair0, pair1, TensorTile.Values<Float16Terms>(weights._first, pair0, pair1, sum));

    static Chunk Round(Float8 x) => new() { X = Round(x.A, x.B), Y = Round(x.C, x.D), Z = Round(x.E, x.F), W = Round(x.G, x.H) };

    static uint Round(float low, float high)
    {
        CudaAsm.Emit("cvt.rn.f16x2.f32 %0, %1, %2;", out uint rounded, high, low);
        return rounded;
    }

    static Float4 ITensorTerms.MultiplyAdd(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1, Float4 sum)
    {
        Ref<float> x = sum.X, y = sum.Y, z = sum.Z, w = sum.W;
        Input<uint> row0 = a0, row1 = a1, row0Next = a2, row1Next = a3, column = b0, columnNext = b1;
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
            ref x, ref y, ref z, ref w, ref row0, ref row1, ref row0Next, ref row1Next, ref column, ref columnNext);
        return new Float4 { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
    }
}

/// <summary>Eight floats as tensor cores take them beside a cache of bfloat16: sums of three bfloat16, 24 bits in all. For the rest, see <see cref="Float16Terms"/>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct BFloat16Terms : ITensorTerms
{
    Chunk _first, _second, _third;

    /// <inheritdoc cref="Float16Terms.Of(Float8)"/>
    public static BFloat16Terms Of(Float8 x)
    {
        Chunk first = Round(x);
        x = Float8.Subtract(x, Chunk.BFloat16(first));
        Chunk second = Round(x);
        return new() { _first = first, _second = second, _third = Round(Float8.Subtract(x, Chunk.BFloat16(second))) };
    }

    /// <inheritdoc cref="Float16Terms.Of(Float4, Float4)"/>
    public static BFloat16Terms Of(Float4 tile0, Float4 tile1) =>
        Of(new Float8 { A = tile0.X, B = tile0.Y, C = tile0.Z, D = tile0.W, E = tile1.X, F = tile1.Y, G = tile1.Z, H = tile1.W });

    /// <inheritdoc cref="Float16Terms.Scores(Float16Terms, Float16Terms, Chunk, Float4)"/>
    public static Float4 Scores(BFloat16Terms row0, BFloat16Terms row1, Chunk key, Float4 sum)
    {
        sum = TensorTile.Scores<BFloat16Terms>(row0._first, row1._first, key, sum);
        sum = TensorTile.Scores<BFloat16Terms>(row0._second, row1._second, key, sum);
        return TensorTile.Scores<BFloat16Terms>(row0._third, row1._third, key, sum);
    }

    /// <inheritdoc cref="Float16Terms.Values(Float16Terms, uint, uint, Float4)"/>
    public static Float4 Values(BFloat16Terms weights, uint pair0, uint pair1, Float4 sum)
    {
        sum = TensorTile.Values<BFloat16Terms>(weights._first, pair0, pair1, sum);
        sum = TensorTile.Values<BFloat16Terms>(weights._second, pair0, pair1, sum);
        return TensorTile.Values<BFloat16Terms>(weights._third, pair0, pair1, sum);
    }

    static Chunk Round(Float8 x) => new() { X = Round(x.A, x.B), Y = Round(x.C, x.D), Z = Round(x.E, x.F), W = Round(x.G, x.H) };

    static uint Round(float low, float high)
    {
        CudaAsm.Emit("cvt.rn.bf16x2.f32 %0, %1, %2;", out uint rounded, high, low);
        return rounded;
    }

    static Float4 ITensorTerms.MultiplyAdd(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1, Float4 sum)
    {
        Ref<float> x = sum.X, y = sum.Y, z = sum.Z, w = sum.W;
        Input<uint> row0 = a0, row1 = a1, row0Next = a2, row1Next = a3, column = b0, columnNext = b1;
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
            ref x, ref y, ref z, ref w, ref row0, ref row1, ref row0Next, ref row1Next, ref column, ref columnNext);
        return new Float4 { X = x.Value, Y = y.Value, Z = z.Value, W = w.Value };
    }
}

/// <summary>A format of tensor cores.</summary>
interface ITensorTerms
{
    /// <summary>Adds the product of two rows and a column, of each of which a lane holds four scalars: two words, which of a row lie two behind its first.</summary>
    static abstract Float4 MultiplyAdd(uint a0, uint a1, uint a2, uint a3, uint b0, uint b1, Float4 sum);
}

/// <summary>What one term of a sum adds to products.</summary>
static class TensorTile
{
    public static Float4 Scores<TTerms>(Chunk row0, Chunk row1, Chunk key, Float4 sum)
        where TTerms : struct, ITensorTerms
    {
        sum = TTerms.MultiplyAdd(row0.X, row1.X, row0.Y, row1.Y, key.X, key.Y, sum);
        return TTerms.MultiplyAdd(row0.Z, row1.Z, row0.W, row1.W, key.Z, key.W, sum);
    }

    public static Float4 Values<TTerms>(Chunk weights, uint pair0, uint pair1, Float4 sum)
        where TTerms : struct, ITensorTerms =>
        TTerms.MultiplyAdd(weights.X, weights.Y, weights.Z, weights.W, pair0, pair1, sum);
}
