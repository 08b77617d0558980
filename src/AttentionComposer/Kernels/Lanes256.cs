using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>What kernels of 256 bits do in most of their lines: 8 numbers at a time from memory, to memory, and from one number.</summary>
/// <remarks>
/// The runtime's own methods for this are generic and have many overloads. Between those the C# compiler chose for most of the time that it spent on
/// generated code; here are few, and no operator of native integers is needed to call them.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Lanes256
{
    /// <summary>The numbers from an offset into a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(ref float row, nint offset) => Vector256.LoadUnsafe(ref row, (nuint)offset);

    /// <inheritdoc cref="Load(ref float, nint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(ref int row, nint offset) => Vector256.LoadUnsafe(ref row, (nuint)offset);

    /// <summary>Writes all lanes to an offset into a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, ref float row, nint offset) => value.StoreUnsafe(ref row, (nuint)offset);

    /// <inheritdoc cref="Lanes512.Accumulate"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(Vector256<float> value, Vector256<float> factor, ref float row, nint offset) =>
        Store(Vector256.FusedMultiplyAdd(Load(ref row, offset), factor, value), ref row, offset);

    /// <inheritdoc cref="Lanes512.StoreHalf"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(Vector256<float> value, int half, ref float row, nint offset) =>
        Lanes128.Store(half == 0 ? value.GetLower() : value.GetUpper(), ref row, offset);

    /// <inheritdoc cref="Lanes512.StoreQuarter"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuarter(Vector256<float> value, int quarter, ref float row, nint offset) =>
        Lanes128.StoreHalf(quarter < 2 ? value.GetLower() : value.GetUpper(), quarter % 2, ref row, offset);

    /// <summary>One number in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    /// <inheritdoc cref="Broadcast(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Broadcast(int value) => Vector256.Create(value);

    /// <summary>The number at an offset into a row, in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(ref float row, nint offset) => Vector256.Create(Unsafe.Add(ref row, offset));

    /// <summary><paramref name="first"/> and the numbers behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Ascending(int first) => Vector256.Create(first) + Vector256<int>.Indices;

    /// <summary>All ones in the lanes whose bit is set, the bits beginning at <paramref name="first"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Select(ulong bits, int first)
    {
        Vector256<int> each = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        return Vector256.Equals(Vector256.Create((int)(bits >> first)) & each, each);
    }
}
