using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>What kernels of 512 bits do in most of their lines: 16 numbers at a time from memory, to memory, and from one number.</summary>
/// <remarks>
/// The runtime's own methods for this are generic and have many overloads. Between those the C# compiler chose for most of the time that it spent on
/// generated code; here are few, and no operator of native integers is needed to call them.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Lanes512
{
    /// <summary>The numbers from an offset into a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(ref float row, nint offset) => Vector512.LoadUnsafe(ref row, (nuint)offset);

    /// <inheritdoc cref="Load(ref float, nint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load(ref int row, nint offset) => Vector512.LoadUnsafe(ref row, (nuint)offset);

    /// <summary>Writes all lanes to an offset into a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, ref float row, nint offset) => value.StoreUnsafe(ref row, (nuint)offset);

    /// <summary>Multiplies what lies at an offset into a row by a factor, and adds the lanes to it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(Vector512<float> value, Vector512<float> factor, ref float row, nint offset) =>
        Store(Vector512.FusedMultiplyAdd(Load(ref row, offset), factor, value), ref row, offset);

    /// <summary>Writes one half of the lanes, 0 being the lower.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalf(Vector512<float> value, int half, ref float row, nint offset) =>
        Lanes256.Store(half == 0 ? value.GetLower() : value.GetUpper(), ref row, offset);

    /// <summary>Writes one quarter of the lanes, 0 being the lowest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreQuarter(Vector512<float> value, int quarter, ref float row, nint offset) =>
        Lanes256.StoreHalf(quarter < 2 ? value.GetLower() : value.GetUpper(), quarter % 2, ref row, offset);

    /// <summary>One number in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    /// <inheritdoc cref="Broadcast(float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Broadcast(int value) => Vector512.Create(value);

    /// <summary>The number at an offset into a row, in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(ref float row, nint offset) => Vector512.Create(Unsafe.Add(ref row, offset));

    /// <summary><paramref name="first"/> and the numbers behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Ascending(int first) => Vector512.Create(first) + Vector512<int>.Indices;

    /// <summary>All ones in the lanes whose bit is set, the bits beginning at <paramref name="first"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Select(ulong bits, int first)
    {
        Vector512<int> each = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        return Vector512.Equals(Vector512.Create((int)(bits >> first)) & each, each);
    }
}
