using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace AttentionComposer.Kernels;

/// <summary>Sums and maxima across the lanes of vectors.</summary>
/// <remarks>
/// Decode kernels end with many accumulators whose lanes must be added up. Adding them pairwise while they are interleaved does
/// four accumulators at a time: 16 of them become one vector of 16 sums in 45 instructions instead of 16 separate reductions.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Lanes
{
    /// <summary>In each 128-bit lane, the sums of that lane of the four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SumQuads(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector512<float> ab = UnpackLow(a, b) + UnpackHigh(a, b);
        Vector512<float> cd = UnpackLow(c, d) + UnpackHigh(c, d);
        return UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle() + UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle();
    }

    /// <inheritdoc cref="SumQuads(Vector512{float}, Vector512{float}, Vector512{float}, Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SumQuads(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        Vector256<float> ab = UnpackLow(a, b) + UnpackHigh(a, b);
        Vector256<float> cd = UnpackLow(c, d) + UnpackHigh(c, d);
        return UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle() + UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle();
    }

    /// <inheritdoc cref="SumQuads(Vector512{float}, Vector512{float}, Vector512{float}, Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SumQuads(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        Vector128<float> ab = UnpackLow(a, b) + UnpackHigh(a, b);
        Vector128<float> cd = UnpackLow(c, d) + UnpackHigh(c, d);
        return UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle() + UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle();
    }

    /// <summary>The sum of each vector's 128-bit lanes, one after the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SumLanes(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector512<float> ab = Shuffle128(a, b, 0x44) + Shuffle128(a, b, 0xEE);
        Vector512<float> cd = Shuffle128(c, d, 0x44) + Shuffle128(c, d, 0xEE);
        return Shuffle128(ab, cd, 0x88) + Shuffle128(ab, cd, 0xDD);
    }

    /// <inheritdoc cref="SumLanes(Vector512{float}, Vector512{float}, Vector512{float}, Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SumLanes(Vector256<float> a, Vector256<float> b) =>
        Vector256.Create(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper());

    /// <summary>The sum of each vector's lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> SumRows(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector512<float> quads = SumQuads(a, b, c, d);
        Vector256<float> pairs = quads.GetLower() + quads.GetUpper();
        return pairs.GetLower() + pairs.GetUpper();
    }

    /// <inheritdoc cref="SumRows(Vector512{float}, Vector512{float}, Vector512{float}, Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> SumRows(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        Vector256<float> quads = SumQuads(a, b, c, d);
        return quads.GetLower() + quads.GetUpper();
    }

    /// <summary>The largest lane of each vector; NaN lanes may be passed over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> MaxRows(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector512<float> ab = Vector512.MaxNative(UnpackLow(a, b), UnpackHigh(a, b));
        Vector512<float> cd = Vector512.MaxNative(UnpackLow(c, d), UnpackHigh(c, d));
        Vector512<float> quads = Vector512.MaxNative(UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle(), UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle());
        Vector256<float> pairs = Vector256.MaxNative(quads.GetLower(), quads.GetUpper());
        return Vector128.MaxNative(pairs.GetLower(), pairs.GetUpper());
    }

    /// <inheritdoc cref="MaxRows(Vector512{float}, Vector512{float}, Vector512{float}, Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> MaxRows(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        Vector256<float> ab = Vector256.MaxNative(UnpackLow(a, b), UnpackHigh(a, b));
        Vector256<float> cd = Vector256.MaxNative(UnpackLow(c, d), UnpackHigh(c, d));
        Vector256<float> quads = Vector256.MaxNative(UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle(), UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle());
        return Vector128.MaxNative(quads.GetLower(), quads.GetUpper());
    }

    /// <inheritdoc cref="MaxRows(Vector512{float}, Vector512{float}, Vector512{float}, Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> MaxRows(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        Vector128<float> ab = Vector128.MaxNative(UnpackLow(a, b), UnpackHigh(a, b));
        Vector128<float> cd = Vector128.MaxNative(UnpackLow(c, d), UnpackHigh(c, d));
        return Vector128.MaxNative(UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle(), UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle());
    }

    /// <summary>The largest lane; NaN lanes may be passed over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> value) => Max(Vector256.MaxNative(value.GetLower(), value.GetUpper()));

    /// <inheritdoc cref="Max(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector256<float> value) => Max(Vector128.MaxNative(value.GetLower(), value.GetUpper()));

    /// <inheritdoc cref="Max(Vector512{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector128<float> value)
    {
        value = Vector128.MaxNative(value, Vector128.Shuffle(value, Vector128.Create(2, 3, 0, 1)));
        value = Vector128.MaxNative(value, Vector128.Shuffle(value, Vector128.Create(1, 0, 3, 2)));
        return value.ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> UnpackLow(Vector512<float> a, Vector512<float> b) =>
        Avx512F.IsSupported ? Avx512F.UnpackLow(a, b)
        : Vector512.Create(UnpackLow(a.GetLower(), b.GetLower()), UnpackLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> UnpackHigh(Vector512<float> a, Vector512<float> b) =>
        Avx512F.IsSupported ? Avx512F.UnpackHigh(a, b)
        : Vector512.Create(UnpackHigh(a.GetLower(), b.GetLower()), UnpackHigh(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> UnpackLow(Vector512<double> a, Vector512<double> b) =>
        Avx512F.IsSupported ? Avx512F.UnpackLow(a, b)
        : Vector512.Create(UnpackLow(a.GetLower(), b.GetLower()), UnpackLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<double> UnpackHigh(Vector512<double> a, Vector512<double> b) =>
        Avx512F.IsSupported ? Avx512F.UnpackHigh(a, b)
        : Vector512.Create(UnpackHigh(a.GetLower(), b.GetLower()), UnpackHigh(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> UnpackLow(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported ? Avx.UnpackLow(a, b)
        : Vector256.Create(UnpackLow(a.GetLower(), b.GetLower()), UnpackLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> UnpackHigh(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported ? Avx.UnpackHigh(a, b)
        : Vector256.Create(UnpackHigh(a.GetLower(), b.GetLower()), UnpackHigh(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<double> UnpackLow(Vector256<double> a, Vector256<double> b) =>
        Avx.IsSupported ? Avx.UnpackLow(a, b)
        : Vector256.Create(UnpackLow(a.GetLower(), b.GetLower()), UnpackLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<double> UnpackHigh(Vector256<double> a, Vector256<double> b) =>
        Avx.IsSupported ? Avx.UnpackHigh(a, b)
        : Vector256.Create(UnpackHigh(a.GetLower(), b.GetLower()), UnpackHigh(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> UnpackLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> UnpackHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<double> UnpackLow(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a.GetLower(), b.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<double> UnpackHigh(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a.GetUpper(), b.GetUpper());

    /// <summary>Two 128-bit lanes of <paramref name="a"/>, then two of <paramref name="b"/>, chosen by two bits each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Shuffle128(Vector512<float> a, Vector512<float> b, [ConstantExpected] byte control) =>
        Avx512F.IsSupported ? Avx512F.Shuffle4x128(a, b, control)
        : Vector512.Create(
            Vector256.Create(Lane(a, control & 3), Lane(a, (control >> 2) & 3)),
            Vector256.Create(Lane(b, (control >> 4) & 3), Lane(b, (control >> 6) & 3)));

    static Vector128<float> Lane(Vector512<float> value, int lane)
    {
        Vector256<float> half = lane < 2 ? value.GetLower() : value.GetUpper();
        return lane % 2 == 0 ? half.GetLower() : half.GetUpper();
    }
}
