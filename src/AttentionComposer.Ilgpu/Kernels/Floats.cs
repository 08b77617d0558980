using System.ComponentModel;
using System.Runtime.InteropServices;
using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>Four floats of a row, in a thread's registers; 16 bytes in memory.</summary>
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

    /// <summary>Loads from a view of four floats an element.</summary>
    /// <param name="view">The view.</param>
    /// <param name="first">Where, in elements of the view.</param>
    public static Float4 Load(ArrayView<Float4> view, int first) => view[first];

    /// <summary>Stores to a view of four floats an element.</summary>
    /// <param name="view">The view.</param>
    /// <param name="first">Where, in elements of the view.</param>
    /// <param name="x">What.</param>
    public static void Store(ArrayView<Float4> view, int first, Float4 x) => view[first] = x;

    /// <summary>Stores to one column of a matrix.</summary>
    /// <param name="cells">The matrix.</param>
    /// <param name="first">Where the first float belongs.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="x">What.</param>
    public static void StoreColumn(ArrayView<float> cells, int first, int stride, Float4 x)
    {
        cells[first] = x.X;
        cells[first + stride] = x.Y;
        cells[first + 2 * stride] = x.Z;
        cells[first + 3 * stride] = x.W;
    }

    /// <summary>Whether no float is NaN or infinite.</summary>
    public static bool IsFinite(Float4 x) => x.X * 0 + x.Y * 0 + x.Z * 0 + x.W * 0 == 0;

    /// <summary>Weights of one row's keys in the softmax.</summary>
    public static Float4 Weights(Float4 logits, float pivot) => new()
    {
        X = DeviceMath.Weight(logits.X, pivot),
        Y = DeviceMath.Weight(logits.Y, pivot),
        Z = DeviceMath.Weight(logits.Z, pivot),
        W = DeviceMath.Weight(logits.W, pivot),
    };

    /// <summary>Weights of one row's keys, each by itself.</summary>
    public static Float4 SigmoidWeights(Float4 logits) => new()
    {
        X = DeviceMath.SigmoidWeight(logits.X),
        Y = DeviceMath.SigmoidWeight(logits.Y),
        Z = DeviceMath.SigmoidWeight(logits.Z),
        W = DeviceMath.SigmoidWeight(logits.W),
    };

    /// <inheritdoc cref="SigmoidWeights(Float4)"/>
    public static Float4 ReluWeights(Float4 logits) => new()
    {
        X = DeviceMath.ReluWeight(logits.X),
        Y = DeviceMath.ReluWeight(logits.Y),
        Z = DeviceMath.ReluWeight(logits.Z),
        W = DeviceMath.ReluWeight(logits.W),
    };

    /// <summary>The largest of the floats; NaN if one is.</summary>
    public static float Largest(Float4 x) => DeviceMath.Max(DeviceMath.Max(x.X, x.Y), DeviceMath.Max(x.Z, x.W));

    /// <summary>The sum of the floats.</summary>
    public static float Sum(Float4 x) => x.X + x.Y + x.Z + x.W;

    /// <summary>The sum of the products of floats in the same place.</summary>
    public static float Dot(Float4 x, Float4 y) => x.X * y.X + x.Y * y.Y + x.Z * y.Z + x.W * y.W;

    /// <summary><c>factor · x</c>.</summary>
    public static Float4 Multiply(float factor, Float4 x) => new()
    {
        X = factor * x.X,
        Y = factor * x.Y,
        Z = factor * x.Z,
        W = factor * x.W,
    };

    /// <summary><c>x + y</c>.</summary>
    public static Float4 Add(Float4 x, Float4 y) => new()
    {
        X = x.X + y.X,
        Y = x.Y + y.Y,
        Z = x.Z + y.Z,
        W = x.W + y.W,
    };

    /// <summary><c>factor · x + sum</c>.</summary>
    public static Float4 MultiplyAdd(float factor, Float4 x, Float4 sum) => new()
    {
        X = factor * x.X + sum.X,
        Y = factor * x.Y + sum.Y,
        Z = factor * x.Z + sum.Z,
        W = factor * x.W + sum.W,
    };

    /// <summary>The largest that <c>factor · x + sum</c> can be for an x between two bounds.</summary>
    public static Float4 AddBound(float factor, Float4 minimum, Float4 maximum, Float4 sum) => MultiplyAdd(factor, factor > 0 ? maximum : minimum, sum);
}

/// <summary>Eight floats of a row, in a thread's registers.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[StructLayout(LayoutKind.Sequential)]
public struct Float8
{
    /// <summary>The first float.</summary>
    public float A;

    /// <summary>The second float.</summary>
    public float B;

    /// <summary>The third float.</summary>
    public float C;

    /// <summary>The fourth float.</summary>
    public float D;

    /// <summary>The fifth float.</summary>
    public float E;

    /// <summary>The sixth float.</summary>
    public float F;

    /// <summary>The seventh float.</summary>
    public float G;

    /// <summary>The eighth float.</summary>
    public float H;

    /// <inheritdoc cref="Float4.Load(ArrayView{Float4}, int)"/>
    public static Float8 Load(ArrayView<Float4> view, int first)
    {
        Float4 low = view[first], high = view[first + 1];
        return new() { A = low.X, B = low.Y, C = low.Z, D = low.W, E = high.X, F = high.Y, G = high.Z, H = high.W };
    }

    /// <inheritdoc cref="Float4.Store(ArrayView{Float4}, int, Float4)"/>
    public static void Store(ArrayView<Float4> view, int first, Float8 x)
    {
        view[first] = new Float4 { X = x.A, Y = x.B, Z = x.C, W = x.D };
        view[first + 1] = new Float4 { X = x.E, Y = x.F, Z = x.G, W = x.H };
    }

    /// <inheritdoc cref="Float4.StoreColumn(ArrayView{float}, int, int, Float4)"/>
    public static void StoreColumn(ArrayView<float> cells, int first, int stride, Float8 x)
    {
        cells[first] = x.A;
        cells[first + stride] = x.B;
        cells[first + 2 * stride] = x.C;
        cells[first + 3 * stride] = x.D;
        cells[first + 4 * stride] = x.E;
        cells[first + 5 * stride] = x.F;
        cells[first + 6 * stride] = x.G;
        cells[first + 7 * stride] = x.H;
    }

    /// <inheritdoc cref="Float4.IsFinite(Float4)"/>
    public static bool IsFinite(Float8 x) => x.A * 0 + x.B * 0 + x.C * 0 + x.D * 0 + x.E * 0 + x.F * 0 + x.G * 0 + x.H * 0 == 0;

    /// <inheritdoc cref="Float4.Dot(Float4, Float4)"/>
    public static float Dot(Float8 x, Float8 y) =>
        x.A * y.A + x.B * y.B + x.C * y.C + x.D * y.D + x.E * y.E + x.F * y.F + x.G * y.G + x.H * y.H;

    /// <inheritdoc cref="Float4.Multiply(float, Float4)"/>
    public static Float8 Multiply(float factor, Float8 x) => new()
    {
        A = factor * x.A,
        B = factor * x.B,
        C = factor * x.C,
        D = factor * x.D,
        E = factor * x.E,
        F = factor * x.F,
        G = factor * x.G,
        H = factor * x.H,
    };

    /// <summary><c>x - y</c>.</summary>
    public static Float8 Subtract(Float8 x, Float8 y) => new()
    {
        A = x.A - y.A,
        B = x.B - y.B,
        C = x.C - y.C,
        D = x.D - y.D,
        E = x.E - y.E,
        F = x.F - y.F,
        G = x.G - y.G,
        H = x.H - y.H,
    };

    /// <inheritdoc cref="Float4.MultiplyAdd(float, Float4, Float4)"/>
    public static Float8 MultiplyAdd(float factor, Float8 x, Float8 sum) => new()
    {
        A = factor * x.A + sum.A,
        B = factor * x.B + sum.B,
        C = factor * x.C + sum.C,
        D = factor * x.D + sum.D,
        E = factor * x.E + sum.E,
        F = factor * x.F + sum.F,
        G = factor * x.G + sum.G,
        H = factor * x.H + sum.H,
    };
}
