using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>Functions on vectors that the runtime does not have, or has for more than kernels need.</summary>
/// <remarks>
/// Both rest on <c>2^x = 2^n · (1 + f·P(f))</c> with <c>n</c> the nearest integer to <c>x</c>: adding 1.5·2^23 rounds, and leaves n
/// in the low bits of the sum, from where a shift takes it to the exponent. P is the degree-5 Chebyshev interpolant of (2^f - 1)/f on
/// [-1/2, 1/2], relative error of the sum 1e-8, less than the rounding of float32.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class VectorMath
{
    const float Rounder = 12582912f; // 1.5 · 2^23
    const float P0 = 0.6931472f, P1 = 0.2402265f, P2 = 0.05550357f, P3 = 0.009618083f, P4 = 0.0013390863f, P5 = 0.00015453163f;
    const float TwiceLog2E = 2.8853901f;
    const float TanhBound = 13f; // 2·log2(e)·9: beyond it tanh is 1 in float32

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

    /// <summary>
    /// <c>tanh(x) = e / (e + 2)</c> with <c>e = exp(2x) - 1</c>, computed without cancellation near 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tanh(Vector512<float> x)
    {
        Vector512<float> bounded = Vector512.Max(Vector512.Min(x * TwiceLog2E, Vector512.Create(2 * TanhBound)), Vector512.Create(-2 * TanhBound));
        Vector512<float> shifted = bounded + Vector512.Create(Rounder);
        Vector512<float> f = bounded - (shifted - Vector512.Create(Rounder));
        Vector512<float> scale = ((shifted.AsInt32() << 23) + Vector512<float>.One.AsInt32()).AsSingle();
        Vector512<float> e = Vector512.FusedMultiplyAdd(scale, f * FractionOver(f), scale - Vector512<float>.One);
        return e / (e + Vector512.Create(2f));
    }

    /// <inheritdoc cref="Tanh(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Tanh(Vector256<float> x)
    {
        Vector256<float> bounded = Vector256.Max(Vector256.Min(x * TwiceLog2E, Vector256.Create(2 * TanhBound)), Vector256.Create(-2 * TanhBound));
        Vector256<float> shifted = bounded + Vector256.Create(Rounder);
        Vector256<float> f = bounded - (shifted - Vector256.Create(Rounder));
        Vector256<float> scale = ((shifted.AsInt32() << 23) + Vector256<float>.One.AsInt32()).AsSingle();
        Vector256<float> e = Vector256.FusedMultiplyAdd(scale, f * FractionOver(f), scale - Vector256<float>.One);
        return e / (e + Vector256.Create(2f));
    }

    /// <inheritdoc cref="Tanh(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Tanh(Vector128<float> x)
    {
        Vector128<float> bounded = Vector128.Max(Vector128.Min(x * TwiceLog2E, Vector128.Create(2 * TanhBound)), Vector128.Create(-2 * TanhBound));
        Vector128<float> shifted = bounded + Vector128.Create(Rounder);
        Vector128<float> f = bounded - (shifted - Vector128.Create(Rounder));
        Vector128<float> scale = ((shifted.AsInt32() << 23) + Vector128<float>.One.AsInt32()).AsSingle();
        Vector128<float> e = Vector128.FusedMultiplyAdd(scale, f * FractionOver(f), scale - Vector128<float>.One);
        return e / (e + Vector128.Create(2f));
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
