using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>Functions on vectors that the runtime does not have, or has for more than kernels need.</summary>
/// <remarks>
/// Powers rest on <c>2^x = 2^n · (1 + f·P(f))</c> with <c>n</c> the nearest integer to <c>x</c>: adding 1.5·2^23 rounds, and leaves n
/// in the low bits of the sum, from where a shift takes it to the exponent. P is the degree-5 Chebyshev interpolant of (2^f - 1)/f on
/// [-1/2, 1/2], relative error of the sum 1e-8, less than the rounding of float32.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class VectorMath
{
    const float Rounder = 12582912f; // 1.5 · 2^23
    const float P0 = 0.6931472f, P1 = 0.2402265f, P2 = 0.05550357f, P3 = 0.009618083f, P4 = 0.0013390863f, P5 = 0.00015453163f;
    const float Log2E = 1.442695f, Log2ERest = 1.925963e-08f; // log2(e) in two parts
    const float ExpBound = 89f, LeastExp = -86.29f; // where e^x overflows, and where half of it has the least exponent
    const float TanhBound = 9f; // beyond it tanh is 1 in float32
    const float N1 = 0.13381048f, N2 = 0.003495613f, N3 = 2.0609463e-05f, N4 = 1.3355114e-08f;
    const float D1 = 0.46714363f, D2 = 0.025877079f, D3 = 0.00032856744f, D4 = 7.77676e-07f;

    /// <summary><c>2^x</c> for x at or below 0; exactly 0 below -126, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp2(Vector512<float> x)
    {
        Vector512<float> shifted = x + Vector512.Create(Rounder);
        Vector512<float> f = x - (shifted - Vector512.Create(Rounder));
        Vector512<float> power = Vector512.FusedMultiplyAdd(f, FractionOver(f), Vector512<float>.One);
        Vector512<float> scaled = (power.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(-126f)), Vector512<float>.Zero, scaled);
    }

    /// <inheritdoc cref="Exp2(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp2(float x) => Exp2(Vector128.Create(x)).ToScalar();

    /// <inheritdoc cref="Exp2(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp2(Vector256<float> x)
    {
        Vector256<float> shifted = x + Vector256.Create(Rounder);
        Vector256<float> f = x - (shifted - Vector256.Create(Rounder));
        Vector256<float> power = Vector256.FusedMultiplyAdd(f, FractionOver(f), Vector256<float>.One);
        Vector256<float> scaled = (power.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
        return Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256.Create(-126f)), Vector256<float>.Zero, scaled);
    }

    /// <inheritdoc cref="Exp2(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Exp2(Vector128<float> x)
    {
        Vector128<float> shifted = x + Vector128.Create(Rounder);
        Vector128<float> f = x - (shifted - Vector128.Create(Rounder));
        Vector128<float> power = Vector128.FusedMultiplyAdd(f, FractionOver(f), Vector128<float>.One);
        Vector128<float> scaled = (power.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
        return Vector128.ConditionalSelect(Vector128.LessThan(x, Vector128.Create(-126f)), Vector128<float>.Zero, scaled);
    }

    /// <summary><c>e^x</c>; 0 where it is less than 3.4e-38, infinity above the largest number, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        Vector512<float> bounded = Vector512.MinNative(Vector512.Create(ExpBound), x); // NaN stays NaN
        Vector512<float> shifted = Vector512.FusedMultiplyAdd(bounded, Vector512.Create(Log2E), Vector512.Create(Rounder));
        Vector512<float> n = shifted - Vector512.Create(Rounder);
        Vector512<float> f = Vector512.FusedMultiplyAdd(bounded, Vector512.Create(Log2E), -n);
        f = Vector512.FusedMultiplyAdd(bounded, Vector512.Create(Log2ERest), f);
        // Half of the power, so that its exponent has room for the largest results.
        Vector512<float> half = Vector512.FusedMultiplyAdd(f * 0.5f, FractionOver(f), Vector512.Create(0.5f));
        Vector512<float> scaled = (half.AsInt32() + (shifted.AsInt32() << 23)).AsSingle() * 2f;
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(LeastExp)), Vector512<float>.Zero, scaled);
    }

    /// <inheritdoc cref="Exp(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        Vector256<float> bounded = Vector256.MinNative(Vector256.Create(ExpBound), x); // NaN stays NaN
        Vector256<float> shifted = Vector256.FusedMultiplyAdd(bounded, Vector256.Create(Log2E), Vector256.Create(Rounder));
        Vector256<float> n = shifted - Vector256.Create(Rounder);
        Vector256<float> f = Vector256.FusedMultiplyAdd(bounded, Vector256.Create(Log2E), -n);
        f = Vector256.FusedMultiplyAdd(bounded, Vector256.Create(Log2ERest), f);
        // Half of the power, so that its exponent has room for the largest results.
        Vector256<float> half = Vector256.FusedMultiplyAdd(f * 0.5f, FractionOver(f), Vector256.Create(0.5f));
        Vector256<float> scaled = (half.AsInt32() + (shifted.AsInt32() << 23)).AsSingle() * 2f;
        return Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256.Create(LeastExp)), Vector256<float>.Zero, scaled);
    }

    /// <inheritdoc cref="Exp(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Exp(Vector128<float> x)
    {
        Vector128<float> bounded = Vector128.MinNative(Vector128.Create(ExpBound), x); // NaN stays NaN
        Vector128<float> shifted = Vector128.FusedMultiplyAdd(bounded, Vector128.Create(Log2E), Vector128.Create(Rounder));
        Vector128<float> n = shifted - Vector128.Create(Rounder);
        Vector128<float> f = Vector128.FusedMultiplyAdd(bounded, Vector128.Create(Log2E), -n);
        f = Vector128.FusedMultiplyAdd(bounded, Vector128.Create(Log2ERest), f);
        // Half of the power, so that its exponent has room for the largest results.
        Vector128<float> half = Vector128.FusedMultiplyAdd(f * 0.5f, FractionOver(f), Vector128.Create(0.5f));
        Vector128<float> scaled = (half.AsInt32() + (shifted.AsInt32() << 23)).AsSingle() * 2f;
        return Vector128.ConditionalSelect(Vector128.LessThan(x, Vector128.Create(LeastExp)), Vector128<float>.Zero, scaled);
    }

    /// <summary>
    /// <c>tanh(x) = x · N(x²) / D(x²)</c> with polynomials of degree 4, fitted to a relative error of 2e-8 on [-9, 9]; rounding makes it 3e-7,
    /// also near 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tanh(Vector512<float> x)
    {
        Vector512<float> bounded = Vector512.MaxNative(Vector512.Create(-TanhBound), Vector512.MinNative(Vector512.Create(TanhBound), x)); // NaN stays NaN
        Vector512<float> square = bounded * bounded;
        Vector512<float> p = Vector512.FusedMultiplyAdd(Vector512.Create(N4), square, Vector512.Create(N3));
        Vector512<float> q = Vector512.FusedMultiplyAdd(Vector512.Create(D4), square, Vector512.Create(D3));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(N2));
        q = Vector512.FusedMultiplyAdd(q, square, Vector512.Create(D2));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(N1));
        q = Vector512.FusedMultiplyAdd(q, square, Vector512.Create(D1));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512<float>.One) * bounded;
        q = Vector512.FusedMultiplyAdd(q, square, Vector512<float>.One);
        return p / q;
    }

    /// <inheritdoc cref="Tanh(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Tanh(Vector256<float> x)
    {
        Vector256<float> bounded = Vector256.MaxNative(Vector256.Create(-TanhBound), Vector256.MinNative(Vector256.Create(TanhBound), x)); // NaN stays NaN
        Vector256<float> square = bounded * bounded;
        Vector256<float> p = Vector256.FusedMultiplyAdd(Vector256.Create(N4), square, Vector256.Create(N3));
        Vector256<float> q = Vector256.FusedMultiplyAdd(Vector256.Create(D4), square, Vector256.Create(D3));
        p = Vector256.FusedMultiplyAdd(p, square, Vector256.Create(N2));
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(D2));
        p = Vector256.FusedMultiplyAdd(p, square, Vector256.Create(N1));
        q = Vector256.FusedMultiplyAdd(q, square, Vector256.Create(D1));
        p = Vector256.FusedMultiplyAdd(p, square, Vector256<float>.One) * bounded;
        q = Vector256.FusedMultiplyAdd(q, square, Vector256<float>.One);
        return p / q;
    }

    /// <inheritdoc cref="Tanh(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Tanh(Vector128<float> x)
    {
        Vector128<float> bounded = Vector128.MaxNative(Vector128.Create(-TanhBound), Vector128.MinNative(Vector128.Create(TanhBound), x)); // NaN stays NaN
        Vector128<float> square = bounded * bounded;
        Vector128<float> p = Vector128.FusedMultiplyAdd(Vector128.Create(N4), square, Vector128.Create(N3));
        Vector128<float> q = Vector128.FusedMultiplyAdd(Vector128.Create(D4), square, Vector128.Create(D3));
        p = Vector128.FusedMultiplyAdd(p, square, Vector128.Create(N2));
        q = Vector128.FusedMultiplyAdd(q, square, Vector128.Create(D2));
        p = Vector128.FusedMultiplyAdd(p, square, Vector128.Create(N1));
        q = Vector128.FusedMultiplyAdd(q, square, Vector128.Create(D1));
        p = Vector128.FusedMultiplyAdd(p, square, Vector128<float>.One) * bounded;
        q = Vector128.FusedMultiplyAdd(q, square, Vector128<float>.One);
        return p / q;
    }

    /// <summary><c>1 / (1 + 2^-x)</c>, the logistic function of a logit in units of log2; 0 for negative infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid2(Vector512<float> x)
    {
        Vector512<float> small = Exp2(-Vector512.Abs(x));
        Vector512<float> numerator = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(x, Vector512<float>.Zero), Vector512<float>.One, small);
        return numerator / (Vector512<float>.One + small);
    }

    /// <inheritdoc cref="Sigmoid2(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sigmoid2(Vector256<float> x)
    {
        Vector256<float> small = Exp2(-Vector256.Abs(x));
        Vector256<float> numerator = Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(x, Vector256<float>.Zero), Vector256<float>.One, small);
        return numerator / (Vector256<float>.One + small);
    }

    /// <inheritdoc cref="Sigmoid2(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sigmoid2(Vector128<float> x)
    {
        Vector128<float> small = Exp2(-Vector128.Abs(x));
        Vector128<float> numerator = Vector128.ConditionalSelect(Vector128.GreaterThanOrEqual(x, Vector128<float>.Zero), Vector128<float>.One, small);
        return numerator / (Vector128<float>.One + small);
    }

    // (2^f - 1) / f
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> FractionOver(Vector512<float> f)
    {
        Vector512<float> p = Vector512.FusedMultiplyAdd(Vector512.Create(P5), f, Vector512.Create(P4));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(P3));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(P2));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(P1));
        return Vector512.FusedMultiplyAdd(p, f, Vector512.Create(P0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<float> FractionOver(Vector256<float> f)
    {
        Vector256<float> p = Vector256.FusedMultiplyAdd(Vector256.Create(P5), f, Vector256.Create(P4));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(P3));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(P2));
        p = Vector256.FusedMultiplyAdd(p, f, Vector256.Create(P1));
        return Vector256.FusedMultiplyAdd(p, f, Vector256.Create(P0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> FractionOver(Vector128<float> f)
    {
        Vector128<float> p = Vector128.FusedMultiplyAdd(Vector128.Create(P5), f, Vector128.Create(P4));
        p = Vector128.FusedMultiplyAdd(p, f, Vector128.Create(P3));
        p = Vector128.FusedMultiplyAdd(p, f, Vector128.Create(P2));
        p = Vector128.FusedMultiplyAdd(p, f, Vector128.Create(P1));
        return Vector128.FusedMultiplyAdd(p, f, Vector128.Create(P0));
    }
}
