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

    /// <summary>Some floats of a view, times a factor.</summary>
    public static Float4 Load(ArrayView<float> view, int first, float factor) => new()
    {
        X = view[first] * factor,
        Y = view[first + 1] * factor,
        Z = view[first + 2] * factor,
        W = view[first + 3] * factor,
    };

    /// <summary>Stores to a view of four floats an element.</summary>
    /// <param name="view">The view.</param>
    /// <param name="first">Where, in elements of the view.</param>
    /// <param name="x">What.</param>
    /// <param name="factor">What it is multiplied by.</param>
    public static void Store(ArrayView<Float4> view, int first, Float4 x, float factor) => view[first] = Multiply(factor, x);

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

    /// <inheritdoc cref="Float4.Load(ArrayView{float}, int, float)"/>
    public static Float8 Load(ArrayView<float> view, int first, float factor) => new()
    {
        A = view[first] * factor,
        B = view[first + 1] * factor,
        C = view[first + 2] * factor,
        D = view[first + 3] * factor,
        E = view[first + 4] * factor,
        F = view[first + 5] * factor,
        G = view[first + 6] * factor,
        H = view[first + 7] * factor,
    };

    /// <inheritdoc cref="Float4.Store(ArrayView{Float4}, int, Float4, float)"/>
    public static void Store(ArrayView<Float4> view, int first, Float8 x, float factor)
    {
        view[first] = new Float4 { X = factor * x.A, Y = factor * x.B, Z = factor * x.C, W = factor * x.D };
        view[first + 1] = new Float4 { X = factor * x.E, Y = factor * x.F, Z = factor * x.G, W = factor * x.H };
    }

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
