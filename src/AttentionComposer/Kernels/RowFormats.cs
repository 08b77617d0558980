using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AttentionComposer.Kernels;

/// <summary>How kernels read rows of one storage format, 16, 8 or 4 scalars at a time.</summary>
/// <typeparam name="T">The stored scalar's bits.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IRowFormat<T>
    where T : unmanaged
{
    /// <summary>16 scalars from an offset into a row.</summary>
    static abstract Vector512<float> Load512(ref T row, nuint offset);

    /// <summary>8 scalars from an offset into a row.</summary>
    static abstract Vector256<float> Load256(ref T row, nuint offset);

    /// <summary>4 scalars from an offset into a row.</summary>
    static abstract Vector128<float> Load128(ref T row, nuint offset);
}

/// <summary>Rows of IEEE binary32.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Float32Row : IRowFormat<float>
{
    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(ref float row, nuint offset) => Vector512.LoadUnsafe(ref row, offset);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(ref float row, nuint offset) => Vector256.LoadUnsafe(ref row, offset);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(ref float row, nuint offset) => Vector128.LoadUnsafe(ref row, offset);
}

/// <summary>Rows of IEEE binary16, read as <c>value · 2^-112</c>.</summary>
/// <remarks>
/// A half's exponent and fraction, moved to where a float has them, are the value times 2^-112: the biases differ by 112.
/// Kernels fold the factor 2^112 into the query and into the weights, which makes widening three instructions. Infinity
/// and NaN do not survive this, so calls that see them take the careful kernel.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Float16Row : IRowFormat<short>
{
    const int SignExponentFraction = unchecked((int)0x8fffe000);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(ref short row, nuint offset)
    {
        Vector256<short> bits = Vector256.LoadUnsafe(ref row, offset);
        Vector512<int> wide = Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(bits)
            : Vector512.Create(Vector256.WidenLower(bits), Vector256.WidenUpper(bits));
        return ((wide << 13) & Vector512.Create(SignExponentFraction)).AsSingle();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(ref short row, nuint offset)
    {
        Vector128<short> bits = Vector128.LoadUnsafe(ref row, offset);
        Vector256<int> wide = Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(bits)
            : Vector256.Create(Vector128.WidenLower(bits), Vector128.WidenUpper(bits));
        return ((wide << 13) & Vector256.Create(SignExponentFraction)).AsSingle();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(ref short row, nuint offset)
    {
        Vector128<int> wide = Vector128.WidenLower(Vector64.LoadUnsafe(ref row, offset).ToVector128Unsafe());
        return ((wide << 13) & Vector128.Create(SignExponentFraction)).AsSingle();
    }
}

/// <summary>Rows of bfloat16: the upper halves of binary32.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct BFloat16Row : IRowFormat<ushort>
{
    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(ref ushort row, nuint offset)
    {
        Vector256<ushort> bits = Vector256.LoadUnsafe(ref row, offset);
        Vector512<int> wide = Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(bits)
            : Vector512.Create(Vector256.WidenLower(bits), Vector256.WidenUpper(bits)).AsInt32();
        return (wide << 16).AsSingle();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(ref ushort row, nuint offset)
    {
        Vector128<ushort> bits = Vector128.LoadUnsafe(ref row, offset);
        Vector256<int> wide = Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(bits)
            : Vector256.Create(Vector128.WidenLower(bits), Vector128.WidenUpper(bits)).AsInt32();
        return (wide << 16).AsSingle();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(ref ushort row, nuint offset) =>
        (Vector128.WidenLower(Vector64.LoadUnsafe(ref row, offset).ToVector128Unsafe()) << 16).AsSingle();
}
