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
    static abstract Vector512<float> Load512(ref T row, nint offset);

    /// <summary>8 scalars from an offset into a row.</summary>
    static abstract Vector256<float> Load256(ref T row, nint offset);

    /// <summary>4 scalars from an offset into a row.</summary>
    static abstract Vector128<float> Load128(ref T row, nint offset);
}

/// <summary>Rows of IEEE binary32.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Float32Row : IRowFormat<float>
{
    /// <summary>The place at an offset into a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref float At(ref float row, nint offset) => ref Unsafe.Add(ref row, offset);

    /// <summary>The first scalar of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref float Row(ref float rows, int row, nint stride) => ref Unsafe.Add(ref rows, row * stride);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(ref float row, nint offset) => Lanes512.Load(ref row, offset);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(ref float row, nint offset) => Lanes256.Load(ref row, offset);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(ref float row, nint offset) => Lanes128.Load(ref row, offset);
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

    /// <inheritdoc cref="Float32Row.At"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref short At(ref short row, nint offset) => ref Unsafe.Add(ref row, offset);

    /// <inheritdoc cref="Float32Row.Row"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref short Row(ref short rows, int row, nint stride) => ref Unsafe.Add(ref rows, row * stride);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(ref short row, nint offset)
    {
        Vector256<short> bits = Vector256.LoadUnsafe(ref row, (nuint)offset);
        Vector512<int> wide = Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(bits)
            : Vector512.Create(Vector256.WidenLower(bits), Vector256.WidenUpper(bits));
        return ((wide << 13) & Vector512.Create(SignExponentFraction)).AsSingle();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(ref short row, nint offset)
    {
        Vector128<short> bits = Vector128.LoadUnsafe(ref row, (nuint)offset);
        Vector256<int> wide = Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(bits)
            : Vector256.Create(Vector128.WidenLower(bits), Vector128.WidenUpper(bits));
        return ((wide << 13) & Vector256.Create(SignExponentFraction)).AsSingle();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(ref short row, nint offset)
    {
        Vector128<int> wide = Vector128.WidenLower(Vector64.LoadUnsafe(ref row, (nuint)offset).ToVector128Unsafe());
        return ((wide << 13) & Vector128.Create(SignExponentFraction)).AsSingle();
    }
}

/// <summary>Rows of bfloat16: the upper halves of binary32.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct BFloat16Row : IRowFormat<ushort>
{
    /// <inheritdoc cref="Float32Row.At"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref ushort At(ref ushort row, nint offset) => ref Unsafe.Add(ref row, offset);

    /// <inheritdoc cref="Float32Row.Row"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref ushort Row(ref ushort rows, int row, nint stride) => ref Unsafe.Add(ref rows, row * stride);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(ref ushort row, nint offset)
    {
        Vector256<ushort> bits = Vector256.LoadUnsafe(ref row, (nuint)offset);
        Vector512<int> wide = Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(bits)
            : Vector512.Create(Vector256.WidenLower(bits), Vector256.WidenUpper(bits)).AsInt32();
        return (wide << 16).AsSingle();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(ref ushort row, nint offset)
    {
        Vector128<ushort> bits = Vector128.LoadUnsafe(ref row, (nuint)offset);
        Vector256<int> wide = Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(bits)
            : Vector256.Create(Vector128.WidenLower(bits), Vector128.WidenUpper(bits)).AsInt32();
        return (wide << 16).AsSingle();
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(ref ushort row, nint offset) =>
        (Vector128.WidenLower(Vector64.LoadUnsafe(ref row, (nuint)offset).ToVector128Unsafe()) << 16).AsSingle();
}

/// <summary>Rows of 8-bit integers, read without their scales.</summary>
/// <remarks>A row's scale is the same for all of its scalars: kernels multiply the key's into the dot product, and the value's into the weight.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Int8Row : IRowFormat<sbyte>
{
    /// <inheritdoc cref="Float32Row.At"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref sbyte At(ref sbyte row, nint offset) => ref Unsafe.Add(ref row, offset);

    /// <inheritdoc cref="Float32Row.Row"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref sbyte Row(ref sbyte rows, int row, nint stride) => ref Unsafe.Add(ref rows, row * stride);

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(ref sbyte row, nint offset)
    {
        Vector128<sbyte> steps = Vector128.LoadUnsafe(ref row, (nuint)offset);
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(steps))
            : Vector512.Create(Widen(Vector128.WidenLower(steps)), Widen(Vector128.WidenUpper(steps)));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(ref sbyte row, nint offset)
    {
        Vector128<sbyte> steps = Vector64.LoadUnsafe(ref row, (nuint)offset).ToVector128Unsafe();
        return Avx2.IsSupported
            ? Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(steps))
            : Widen(Vector128.WidenLower(steps));
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(ref sbyte row, nint offset)
    {
        Vector128<sbyte> steps = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(ref Unsafe.As<sbyte, byte>(ref Unsafe.Add(ref row, offset)))).AsSByte();
        return Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(steps)));
    }

    static Vector256<float> Widen(Vector128<short> steps) =>
        Vector256.Create(Vector128.ConvertToSingle(Vector128.WidenLower(steps)), Vector128.ConvertToSingle(Vector128.WidenUpper(steps)));
}
