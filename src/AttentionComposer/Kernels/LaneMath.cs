using System.ComponentModel;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AttentionComposer.Kernels;

/// <summary>Operations of scalar C# that vectors do not have, lane by lane with the same results.</summary>
/// <remarks>
/// Integer division goes through float64, which holds every quotient of two 32-bit integers closely enough to truncate it exactly. A
/// divisor of 0 gives some number instead of an exception: such lanes belong to keys that nobody asks for, and the generator refuses
/// functions in which others could have it. Whether a remainder is 0 needs no division (Warren, Hacker's Delight, 10-17): an odd divisor's inverse modulo
/// 2^32 takes its multiples to their quotients, the smallest numbers, and all others beyond.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class LaneMath
{
    // A reciprocal times this is above the exact one, by less than 2^-50 of it: exact quotients do not fall below themselves, and no other one
    // of 32-bit integers reaches the next integer.
    const double AboveOne = 1 + 1.0 / (1L << 51);

    /// <summary>1, 0 or -1.</summary>
    public static int Sign(float x) => x > 0 ? 1 : x < 0 ? -1 : 0;

    /// <summary>How many bits are 1.</summary>
    public static int PopCount(int x) => BitOperations.PopCount((uint)x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Inverse(uint odd)
    {
        uint inverse = 3 * odd ^ 2; // in its 5 low bits; each step doubles them
        inverse *= 2 - odd * inverse;
        inverse *= 2 - odd * inverse;
        return inverse * (2 - odd * inverse);
    }

    /// <summary><c>x / y</c> for integers, truncated towards 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Divide(Vector512<int> x, Vector512<int> y) =>
        Narrow(Lower(x) / Lower(y), Upper(x) / Upper(y));

    /// <summary><c>x / y</c> with one divisor: multiplied by its reciprocal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Divide(Vector512<int> x, int y)
    {
        Vector512<double> reciprocal = Vector512.Create(1.0 / y * AboveOne);
        return Narrow(Lower(x) * reciprocal, Upper(x) * reciprocal);
    }

    /// <summary><c>x % y</c> for integers, with the sign of <paramref name="x"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Remainder(Vector512<int> x, Vector512<int> y) => x - Divide(x, y) * y;

    /// <inheritdoc cref="Remainder(Vector512{int}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Remainder(Vector512<int> x, int y) => x - Divide(x, y) * y;

    /// <summary><c>x % y</c> for floats, each lane by itself.</summary>
    public static Vector512<float> Remainder(Vector512<float> x, Vector512<float> y)
    {
        Vector512<float> result = x;
        for (int i = 0; i < 16; i++)
            result = result.WithElement(i, x[i] % y[i]);
        return result;
    }

    /// <summary>Shifts each lane by its own count, of which the low five bits count.</summary>
    public static Vector512<int> ShiftLeft(Vector512<int> x, Vector512<int> count)
    {
        Vector512<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector512.ConditionalSelect(Vector512.Equals(count & Vector512.Create(1 << bit), Vector512<int>.Zero), result, result << (1 << bit));
        return result;
    }

    /// <inheritdoc cref="ShiftLeft(Vector512{int}, Vector512{int})"/>
    public static Vector512<int> ShiftRight(Vector512<int> x, Vector512<int> count)
    {
        Vector512<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector512.ConditionalSelect(Vector512.Equals(count & Vector512.Create(1 << bit), Vector512<int>.Zero), result, result >> (1 << bit));
        return result;
    }

    /// <inheritdoc cref="ShiftLeft(Vector512{int}, Vector512{int})"/>
    public static Vector512<int> ShiftRightUnsigned(Vector512<int> x, Vector512<int> count)
    {
        Vector512<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector512.ConditionalSelect(Vector512.Equals(count & Vector512.Create(1 << bit), Vector512<int>.Zero), result, result >>> (1 << bit));
        return result;
    }

    /// <inheritdoc cref="Sign(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sign(Vector512<float> x) =>
        Vector512.LessThan(x, Vector512<float>.Zero).AsInt32() - Vector512.GreaterThan(x, Vector512<float>.Zero).AsInt32();

    /// <inheritdoc cref="Sign(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Sign(Vector512<int> x) => Vector512.LessThan(x, Vector512<int>.Zero) - Vector512.GreaterThan(x, Vector512<int>.Zero);

    /// <summary>Whether <c>x % divisor == 0</c>, for a constant divisor above 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> IsMultiple(Vector512<int> x, int divisor)
    {
        int shift = BitOperations.TrailingZeroCount(divisor);
        if (divisor >> shift == 1)
            return Vector512.Equals(x & Vector512.Create(divisor - 1), Vector512<int>.Zero);
        Vector512<uint> quotient = Vector512.Abs(x).AsUInt32() * Inverse((uint)(divisor >> shift));
        if (shift != 0)
            quotient = (quotient >>> shift) | (quotient << (32 - shift));
        return Vector512.LessThanOrEqual(quotient, Vector512.Create(uint.MaxValue / (uint)divisor)).AsInt32();
    }

    /// <inheritdoc cref="PopCount(int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> PopCount(Vector512<int> x)
    {
        // In fields of two bits, of four, of eight; the product adds up all bytes in the highest one.
        x -= (x >>> 1) & Vector512.Create(0x55555555);
        x = (x & Vector512.Create(0x33333333)) + ((x >>> 2) & Vector512.Create(0x33333333));
        return (((x + (x >>> 4)) & Vector512.Create(0x0F0F0F0F)) * 0x01010101) >>> 24;
    }

    /// <summary><c>x</c> to the power of <c>y</c>: exp(y · ln|x|) in float64, and the sign of odd powers.</summary>
    public static Vector512<float> Pow(Vector512<float> x, Vector512<float> y)
    {
        (Vector512<double> lowX, Vector512<double> highX) = Vector512.Widen(Vector512.Abs(x));
        (Vector512<double> lowY, Vector512<double> highY) = Vector512.Widen(y);
        Vector512<float> power = Vector512.Narrow(Vector512.Exp(lowY * Vector512.Log(lowX)), Vector512.Exp(highY * Vector512.Log(highX)));
        Vector512<float> negative = Vector512.LessThan(x, Vector512<float>.Zero);
        Vector512<float> whole = Vector512.Equals(Vector512.Truncate(y), y);
        Vector512<float> odd = ~Vector512.Equals(Vector512.Truncate(y * 0.5f) * 2f, y) & whole;
        power = Vector512.ConditionalSelect(negative & odd, -power, power);
        power = Vector512.ConditionalSelect(Vector512.AndNot(negative, whole), Vector512.Create(float.NaN), power);
        Vector512<float> one = Vector512.Equals(y, Vector512<float>.Zero) | Vector512.Equals(x, Vector512<float>.One);
        return Vector512.ConditionalSelect(one, Vector512<float>.One, power);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<double> Lower(Vector512<int> x) =>
        Avx512F.IsSupported ? Avx512F.ConvertToVector512Double(x.GetLower()) : Vector512.ConvertToDouble(Vector512.WidenLower(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<double> Upper(Vector512<int> x) =>
        Avx512F.IsSupported ? Avx512F.ConvertToVector512Double(x.GetUpper()) : Vector512.ConvertToDouble(Vector512.WidenUpper(x));

    // Truncates.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<int> Narrow(Vector512<double> lower, Vector512<double> upper) =>
        Avx512F.IsSupported
            ? Vector512.Create(Avx512F.ConvertToVector256Int32WithTruncation(lower), Avx512F.ConvertToVector256Int32WithTruncation(upper))
            : Vector512.Narrow(Vector512.ConvertToInt64(lower), Vector512.ConvertToInt64(upper));

    /// <summary><c>x / y</c> for integers, truncated towards 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Divide(Vector256<int> x, Vector256<int> y) =>
        Narrow(Lower(x) / Lower(y), Upper(x) / Upper(y));

    /// <summary><c>x / y</c> with one divisor: multiplied by its reciprocal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Divide(Vector256<int> x, int y)
    {
        Vector256<double> reciprocal = Vector256.Create(1.0 / y * AboveOne);
        return Narrow(Lower(x) * reciprocal, Upper(x) * reciprocal);
    }

    /// <summary><c>x % y</c> for integers, with the sign of <paramref name="x"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Remainder(Vector256<int> x, Vector256<int> y) => x - Divide(x, y) * y;

    /// <inheritdoc cref="Remainder(Vector256{int}, Vector256{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Remainder(Vector256<int> x, int y) => x - Divide(x, y) * y;

    /// <summary><c>x % y</c> for floats, each lane by itself.</summary>
    public static Vector256<float> Remainder(Vector256<float> x, Vector256<float> y)
    {
        Vector256<float> result = x;
        for (int i = 0; i < 8; i++)
            result = result.WithElement(i, x[i] % y[i]);
        return result;
    }

    /// <summary>Shifts each lane by its own count, of which the low five bits count.</summary>
    public static Vector256<int> ShiftLeft(Vector256<int> x, Vector256<int> count)
    {
        Vector256<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector256.ConditionalSelect(Vector256.Equals(count & Vector256.Create(1 << bit), Vector256<int>.Zero), result, result << (1 << bit));
        return result;
    }

    /// <inheritdoc cref="ShiftLeft(Vector256{int}, Vector256{int})"/>
    public static Vector256<int> ShiftRight(Vector256<int> x, Vector256<int> count)
    {
        Vector256<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector256.ConditionalSelect(Vector256.Equals(count & Vector256.Create(1 << bit), Vector256<int>.Zero), result, result >> (1 << bit));
        return result;
    }

    /// <inheritdoc cref="ShiftLeft(Vector256{int}, Vector256{int})"/>
    public static Vector256<int> ShiftRightUnsigned(Vector256<int> x, Vector256<int> count)
    {
        Vector256<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector256.ConditionalSelect(Vector256.Equals(count & Vector256.Create(1 << bit), Vector256<int>.Zero), result, result >>> (1 << bit));
        return result;
    }

    /// <inheritdoc cref="Sign(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Sign(Vector256<float> x) =>
        Vector256.LessThan(x, Vector256<float>.Zero).AsInt32() - Vector256.GreaterThan(x, Vector256<float>.Zero).AsInt32();

    /// <inheritdoc cref="Sign(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Sign(Vector256<int> x) => Vector256.LessThan(x, Vector256<int>.Zero) - Vector256.GreaterThan(x, Vector256<int>.Zero);

    /// <inheritdoc cref="IsMultiple(Vector512{int}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> IsMultiple(Vector256<int> x, int divisor)
    {
        int shift = BitOperations.TrailingZeroCount(divisor);
        if (divisor >> shift == 1)
            return Vector256.Equals(x & Vector256.Create(divisor - 1), Vector256<int>.Zero);
        Vector256<uint> quotient = Vector256.Abs(x).AsUInt32() * Inverse((uint)(divisor >> shift));
        if (shift != 0)
            quotient = (quotient >>> shift) | (quotient << (32 - shift));
        return Vector256.LessThanOrEqual(quotient, Vector256.Create(uint.MaxValue / (uint)divisor)).AsInt32();
    }

    /// <inheritdoc cref="PopCount(int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> PopCount(Vector256<int> x)
    {
        // In fields of two bits, of four, of eight; the product adds up all bytes in the highest one.
        x -= (x >>> 1) & Vector256.Create(0x55555555);
        x = (x & Vector256.Create(0x33333333)) + ((x >>> 2) & Vector256.Create(0x33333333));
        return (((x + (x >>> 4)) & Vector256.Create(0x0F0F0F0F)) * 0x01010101) >>> 24;
    }

    /// <summary><c>x</c> to the power of <c>y</c>: exp(y · ln|x|) in float64, and the sign of odd powers.</summary>
    public static Vector256<float> Pow(Vector256<float> x, Vector256<float> y)
    {
        (Vector256<double> lowX, Vector256<double> highX) = Vector256.Widen(Vector256.Abs(x));
        (Vector256<double> lowY, Vector256<double> highY) = Vector256.Widen(y);
        Vector256<float> power = Vector256.Narrow(Vector256.Exp(lowY * Vector256.Log(lowX)), Vector256.Exp(highY * Vector256.Log(highX)));
        Vector256<float> negative = Vector256.LessThan(x, Vector256<float>.Zero);
        Vector256<float> whole = Vector256.Equals(Vector256.Truncate(y), y);
        Vector256<float> odd = ~Vector256.Equals(Vector256.Truncate(y * 0.5f) * 2f, y) & whole;
        power = Vector256.ConditionalSelect(negative & odd, -power, power);
        power = Vector256.ConditionalSelect(Vector256.AndNot(negative, whole), Vector256.Create(float.NaN), power);
        Vector256<float> one = Vector256.Equals(y, Vector256<float>.Zero) | Vector256.Equals(x, Vector256<float>.One);
        return Vector256.ConditionalSelect(one, Vector256<float>.One, power);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<double> Lower(Vector256<int> x) =>
        Avx.IsSupported ? Avx.ConvertToVector256Double(x.GetLower()) : Vector256.ConvertToDouble(Vector256.WidenLower(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<double> Upper(Vector256<int> x) =>
        Avx.IsSupported ? Avx.ConvertToVector256Double(x.GetUpper()) : Vector256.ConvertToDouble(Vector256.WidenUpper(x));

    // Truncates.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<int> Narrow(Vector256<double> lower, Vector256<double> upper) =>
        Avx.IsSupported
            ? Vector256.Create(Avx.ConvertToVector128Int32WithTruncation(lower), Avx.ConvertToVector128Int32WithTruncation(upper))
            : Vector256.Narrow(Vector256.ConvertToInt64(lower), Vector256.ConvertToInt64(upper));

    /// <summary><c>x / y</c> for integers, truncated towards 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Divide(Vector128<int> x, Vector128<int> y) =>
        Narrow(Lower(x) / Lower(y), Upper(x) / Upper(y));

    /// <summary><c>x / y</c> with one divisor: multiplied by its reciprocal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Divide(Vector128<int> x, int y)
    {
        Vector128<double> reciprocal = Vector128.Create(1.0 / y * AboveOne);
        return Narrow(Lower(x) * reciprocal, Upper(x) * reciprocal);
    }

    /// <summary><c>x % y</c> for integers, with the sign of <paramref name="x"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Remainder(Vector128<int> x, Vector128<int> y) => x - Divide(x, y) * y;

    /// <inheritdoc cref="Remainder(Vector128{int}, Vector128{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Remainder(Vector128<int> x, int y) => x - Divide(x, y) * y;

    /// <summary><c>x % y</c> for floats, each lane by itself.</summary>
    public static Vector128<float> Remainder(Vector128<float> x, Vector128<float> y)
    {
        Vector128<float> result = x;
        for (int i = 0; i < 4; i++)
            result = result.WithElement(i, x[i] % y[i]);
        return result;
    }

    /// <summary>Shifts each lane by its own count, of which the low five bits count.</summary>
    public static Vector128<int> ShiftLeft(Vector128<int> x, Vector128<int> count)
    {
        Vector128<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector128.ConditionalSelect(Vector128.Equals(count & Vector128.Create(1 << bit), Vector128<int>.Zero), result, result << (1 << bit));
        return result;
    }

    /// <inheritdoc cref="ShiftLeft(Vector128{int}, Vector128{int})"/>
    public static Vector128<int> ShiftRight(Vector128<int> x, Vector128<int> count)
    {
        Vector128<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector128.ConditionalSelect(Vector128.Equals(count & Vector128.Create(1 << bit), Vector128<int>.Zero), result, result >> (1 << bit));
        return result;
    }

    /// <inheritdoc cref="ShiftLeft(Vector128{int}, Vector128{int})"/>
    public static Vector128<int> ShiftRightUnsigned(Vector128<int> x, Vector128<int> count)
    {
        Vector128<int> result = x;
        for (int bit = 0; bit < 5; bit++)
            result = Vector128.ConditionalSelect(Vector128.Equals(count & Vector128.Create(1 << bit), Vector128<int>.Zero), result, result >>> (1 << bit));
        return result;
    }

    /// <inheritdoc cref="Sign(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Sign(Vector128<float> x) =>
        Vector128.LessThan(x, Vector128<float>.Zero).AsInt32() - Vector128.GreaterThan(x, Vector128<float>.Zero).AsInt32();

    /// <inheritdoc cref="Sign(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Sign(Vector128<int> x) => Vector128.LessThan(x, Vector128<int>.Zero) - Vector128.GreaterThan(x, Vector128<int>.Zero);

    /// <inheritdoc cref="IsMultiple(Vector512{int}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> IsMultiple(Vector128<int> x, int divisor)
    {
        int shift = BitOperations.TrailingZeroCount(divisor);
        if (divisor >> shift == 1)
            return Vector128.Equals(x & Vector128.Create(divisor - 1), Vector128<int>.Zero);
        Vector128<uint> quotient = Vector128.Abs(x).AsUInt32() * Inverse((uint)(divisor >> shift));
        if (shift != 0)
            quotient = (quotient >>> shift) | (quotient << (32 - shift));
        return Vector128.LessThanOrEqual(quotient, Vector128.Create(uint.MaxValue / (uint)divisor)).AsInt32();
    }

    /// <inheritdoc cref="PopCount(int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> PopCount(Vector128<int> x)
    {
        // In fields of two bits, of four, of eight; the product adds up all bytes in the highest one.
        x -= (x >>> 1) & Vector128.Create(0x55555555);
        x = (x & Vector128.Create(0x33333333)) + ((x >>> 2) & Vector128.Create(0x33333333));
        return (((x + (x >>> 4)) & Vector128.Create(0x0F0F0F0F)) * 0x01010101) >>> 24;
    }

    /// <summary><c>x</c> to the power of <c>y</c>: exp(y · ln|x|) in float64, and the sign of odd powers.</summary>
    public static Vector128<float> Pow(Vector128<float> x, Vector128<float> y)
    {
        (Vector128<double> lowX, Vector128<double> highX) = Vector128.Widen(Vector128.Abs(x));
        (Vector128<double> lowY, Vector128<double> highY) = Vector128.Widen(y);
        Vector128<float> power = Vector128.Narrow(Vector128.Exp(lowY * Vector128.Log(lowX)), Vector128.Exp(highY * Vector128.Log(highX)));
        Vector128<float> negative = Vector128.LessThan(x, Vector128<float>.Zero);
        Vector128<float> whole = Vector128.Equals(Vector128.Truncate(y), y);
        Vector128<float> odd = ~Vector128.Equals(Vector128.Truncate(y * 0.5f) * 2f, y) & whole;
        power = Vector128.ConditionalSelect(negative & odd, -power, power);
        power = Vector128.ConditionalSelect(Vector128.AndNot(negative, whole), Vector128.Create(float.NaN), power);
        Vector128<float> one = Vector128.Equals(y, Vector128<float>.Zero) | Vector128.Equals(x, Vector128<float>.One);
        return Vector128.ConditionalSelect(one, Vector128<float>.One, power);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<double> Lower(Vector128<int> x) =>
        Avx.IsSupported ? Avx.ConvertToVector256Double(x).GetLower() : Vector128.ConvertToDouble(Vector128.WidenLower(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<double> Upper(Vector128<int> x) =>
        Avx.IsSupported ? Avx.ConvertToVector256Double(x).GetUpper() : Vector128.ConvertToDouble(Vector128.WidenUpper(x));

    // Truncates.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> Narrow(Vector128<double> lower, Vector128<double> upper) =>
        Avx.IsSupported
            ? Avx.ConvertToVector128Int32WithTruncation(Vector256.Create(lower, upper))
            : Vector128.Narrow(Vector128.ConvertToInt64(lower), Vector128.ConvertToInt64(upper));
}
