using System.ComponentModel;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AttentionComposer.Kernels;

/// <summary>
/// Reads of captured arrays by generated functions. Lanes whose index is outside of a table give 0, or any element of a short one: they may belong to
/// keys that no function is asked for. The kernel collects them with <c>Outside</c> and throws where such a key is visible.
/// </summary>
/// <remarks>Where the processor gathers, nothing here is a call: a call inside a kernel's loop keeps its vectors out of registers.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static unsafe class TableLoad
{
    /// <summary>One element, or the default outside of the table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T At<T>(ReadOnlySpan<T> table, int index) => (uint)index < (uint)table.Length ? table[index] : default!;

    /// <summary>One element as a bound of visible keys, or a bound that says nothing outside of the table.</summary>
    public static int At(ReadOnlySpan<int> table, int index, int otherwise) => (uint)index < (uint)table.Length ? table[index] : otherwise;

    /// <summary>Whether the index is outside of a dimension of that length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOutside(int index, int length) => (uint)index >= (uint)length;

    // One comparison: a negative index is a large one, to which the sum of longs adds without wrapping around.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool AreInside(int first, int count, int length) => (long)(uint)first + count <= length;

    /// <summary>The elements of a table of two dimensions, row by row.</summary>
    public static ReadOnlySpan<T> Elements<T>(T[,] table) =>
        System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(
            ref Unsafe.As<byte, T>(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(table)), table.Length);

    /// <summary>The elements of a table of three dimensions, the last one fastest.</summary>
    public static ReadOnlySpan<T> Elements<T>(T[,,] table) =>
        System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(
            ref Unsafe.As<byte, T>(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(table)), table.Length);

    /// <summary>Elements of a smaller integer type as ints, and those of uint as an int of the same bits.</summary>
    /// <typeparam name="TElement">The elements' type: an integer, or an enum of them.</typeparam>
    /// <typeparam name="TInteger">The integer type that they are stored as.</typeparam>
    /// <param name="table">The elements.</param>
    /// <param name="memory">Memory of an earlier call, which grows if it is too small.</param>
    public static ReadOnlyMemory<int> Widen<TElement, TInteger>(ReadOnlySpan<TElement> table, ref int[]? memory)
        where TElement : unmanaged
        where TInteger : unmanaged, IBinaryInteger<TInteger>
    {
        if (memory is null || memory.Length < table.Length)
            memory = new int[Math.Max(table.Length, Math.Min(Array.MaxLength, 2L * (memory?.Length ?? 0)))];
        TensorPrimitives.ConvertTruncating(System.Runtime.InteropServices.MemoryMarshal.Cast<TElement, TInteger>(table), memory);
        return memory.AsMemory(0, table.Length);
    }

    /// <summary>One row of a table of several dimensions; empty outside of the table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<T> Row<T>(ReadOnlySpan<T> table, int row, int columns) =>
        (uint)row < (uint)int.MaxValue && (long)(row + 1) * columns <= table.Length ? table.Slice(row * columns, columns) : default;

    /// <summary>
    /// Asks for elements of a later block of keys, inside of the table or not. A table of pairs is read by pieces of its rows, which no hardware
    /// prefetcher follows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<T>(ReadOnlySpan<T> table, int index)
        where T : unmanaged =>
        Kernels.Prefetch.Line(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(table), index);

    /// <summary>Says which function asked for an element that does not exist.</summary>
    /// <param name="functions">The functions that read tables.</param>
    /// <exception cref="IndexOutOfRangeException">Always.</exception>
    public static void ThrowOutside(string functions) =>
        throw new IndexOutOfRangeException(
            $"{functions} reads outside of a captured array for a key that is visible. Make the array as long as the positions, heads or " +
            "distances that it is asked for, or hide those keys by a mask.");

    /// <summary>Says that a captured array is missing.</summary>
    /// <exception cref="InvalidOperationException">The array is null.</exception>
    public static T NotNull<T>(T? table, string name)
        where T : class =>
        table ?? throw new InvalidOperationException($"{name} is null; its pipeline reads it during a call.");

    /// <summary>Checks a captured number that functions divide by.</summary>
    /// <exception cref="DivideByZeroException">It is 0.</exception>
    public static int NotZero(int divisor, string name) =>
        divisor != 0 ? divisor : throw new DivideByZeroException($"{name} is 0; a function of its pipeline divides by it.");

    /// <summary>Checks the logits of a pipeline's sinks.</summary>
    /// <exception cref="InvalidOperationException">There is not one for each query head.</exception>
    public static float[] SinkLogits(float[]? logits, int queryHeads, string name)
    {
        if (NotNull(logits, name).Length != queryHeads)
            throw new InvalidOperationException($"{name} holds {logits!.Length} logits; expected one for each of the {queryHeads} query heads.");
        return logits!;
    }

    /// <summary>All bits set in lanes whose index is outside of a dimension of that length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Outside(Vector512<int> index, int length) =>
        Vector512.GreaterThanOrEqual(index.AsUInt32(), Vector512.Create((uint)length)).AsInt32();

    /// <summary>Neighbouring elements, <paramref name="first"/> in the lowest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Ascending512(ReadOnlySpan<float> table, int first) =>
        AreInside(first, 16, table.Length)
            ? Vector512.LoadUnsafe(in table[0], (nuint)first)
            : Gather(table, Vector512.Create(first) + Vector512<int>.Indices);

    /// <inheritdoc cref="Ascending512(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Ascending512(ReadOnlySpan<int> table, int first) =>
        AreInside(first, 16, table.Length)
            ? Vector512.LoadUnsafe(in table[0], (nuint)first)
            : Gather(table, Vector512.Create(first) + Vector512<int>.Indices);

    /// <summary>Neighbouring conditions, as lanes of all or no bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Ascending512(ReadOnlySpan<bool> table, int first)
    {
        if (!AreInside(first, 16, table.Length))
            return Gather(table, Vector512.Create(first) + Vector512<int>.Indices);
        ref readonly byte bytes = ref Unsafe.As<bool, byte>(ref Unsafe.AsRef(in table[first]));
        return Vector512.GreaterThan(Widen(Vector128.LoadUnsafe(in bytes)), Vector512<int>.Zero);
    }

    /// <summary>Elements in descending order, <paramref name="first"/> in the lowest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Descending512(ReadOnlySpan<float> table, int first) =>
        first >= 15 && first < table.Length
            ? Vector512.Shuffle(Vector512.LoadUnsafe(in table[0], (nuint)(first - 15)), Vector512.Create(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
            : Gather(table, Vector512.Create(first) - Vector512<int>.Indices);

    /// <inheritdoc cref="Descending512(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Descending512(ReadOnlySpan<int> table, int first) =>
        first >= 15 && first < table.Length
            ? Vector512.Shuffle(Vector512.LoadUnsafe(in table[0], (nuint)(first - 15)), Vector512.Create(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0))
            : Gather(table, Vector512.Create(first) - Vector512<int>.Indices);

    /// <inheritdoc cref="Descending512(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Descending512(ReadOnlySpan<bool> table, int first) => Gather(table, Vector512.Create(first) - Vector512<int>.Indices);

    /// <summary>The elements of a short table from one on; 0 behind its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Part512(ReadOnlySpan<float> table, int first)
    {
        if (!Avx512F.IsSupported)
            return Ascending512(table, first);
        Vector512<int> inside = Vector512.LessThan(Vector512.Create(first) + Vector512<int>.Indices, Vector512.Create(table.Length));
        fixed (float* elements = table)
            return Avx512F.MaskLoad(elements + first, inside.AsSingle(), Vector512<float>.Zero);
    }

    /// <inheritdoc cref="Part512(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Part512(ReadOnlySpan<int> table, int first)
    {
        if (!Avx512F.IsSupported)
            return Ascending512(table, first);
        Vector512<int> inside = Vector512.LessThan(Vector512.Create(first) + Vector512<int>.Indices, Vector512.Create(table.Length));
        fixed (int* elements = table)
            return Avx512F.MaskLoad(elements + first, inside, Vector512<int>.Zero);
    }

    /// <summary>The elements at each lane's index.</summary>
    /// <param name="table">The elements.</param>
    /// <param name="low">The first of them, as many as a vector holds.</param>
    /// <param name="high">As many behind these.</param>
    /// <param name="index">Which elements.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Lookup(ReadOnlySpan<float> table, Vector512<float> low, Vector512<float> high, Vector512<int> index) =>
        table.Length <= 2 * Vector512<float>.Count ? Lookup(low, high, index) : Gather(table, index);

    /// <summary>The elements at each lane's index in a table that two vectors hold.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Lookup(Vector512<float> low, Vector512<float> high, Vector512<int> index) =>
        Avx512F.IsSupported
            ? Avx512F.PermuteVar16x32x2(low, index, high)
            : Vector512.Shuffle(low, index) | Vector512.Shuffle(high, index - Vector512.Create(Vector512<int>.Count));

    /// <summary>The elements at each lane's index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Gather(ReadOnlySpan<float> table, Vector512<int> index) =>
        Vector512.Create(Gather(table, index.GetLower()), Gather(table, index.GetUpper()));

    /// <inheritdoc cref="Lookup(ReadOnlySpan{float}, Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Lookup(ReadOnlySpan<int> table, Vector512<int> low, Vector512<int> high, Vector512<int> index) =>
        table.Length <= 2 * Vector512<int>.Count ? Lookup(low, high, index) : Gather(table, index);

    /// <inheritdoc cref="Lookup(Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Lookup(Vector512<int> low, Vector512<int> high, Vector512<int> index) =>
        Avx512F.IsSupported
            ? Avx512F.PermuteVar16x32x2(low, index, high)
            : Vector512.Shuffle(low, index) | Vector512.Shuffle(high, index - Vector512.Create(Vector512<int>.Count));

    /// <summary>The elements at each lane's index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Gather(ReadOnlySpan<int> table, Vector512<int> index) =>
        Vector512.Create(Gather(table, index.GetLower()), Gather(table, index.GetUpper()));

    /// <summary>The conditions at each lane's index, as lanes of all or no bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Gather(ReadOnlySpan<bool> table, Vector512<int> index) =>
        Vector512.Create(Gather(table, index.GetLower()), Gather(table, index.GetUpper()));

    /// <summary>All bits set in lanes whose index is outside of a dimension of that length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Outside(Vector256<int> index, int length) =>
        Vector256.GreaterThanOrEqual(index.AsUInt32(), Vector256.Create((uint)length)).AsInt32();

    /// <summary>Neighbouring elements, <paramref name="first"/> in the lowest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Ascending256(ReadOnlySpan<float> table, int first) =>
        AreInside(first, 8, table.Length)
            ? Vector256.LoadUnsafe(in table[0], (nuint)first)
            : Gather(table, Vector256.Create(first) + Vector256<int>.Indices);

    /// <inheritdoc cref="Ascending256(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Ascending256(ReadOnlySpan<int> table, int first) =>
        AreInside(first, 8, table.Length)
            ? Vector256.LoadUnsafe(in table[0], (nuint)first)
            : Gather(table, Vector256.Create(first) + Vector256<int>.Indices);

    /// <summary>Neighbouring conditions, as lanes of all or no bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Ascending256(ReadOnlySpan<bool> table, int first)
    {
        if (!AreInside(first, 8, table.Length))
            return Gather(table, Vector256.Create(first) + Vector256<int>.Indices);
        ref readonly byte bytes = ref Unsafe.As<bool, byte>(ref Unsafe.AsRef(in table[first]));
        return Vector256.GreaterThan(Widen(Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(in bytes)).AsByte()).GetLower(), Vector256<int>.Zero);
    }

    /// <summary>Elements in descending order, <paramref name="first"/> in the lowest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Descending256(ReadOnlySpan<float> table, int first) =>
        first >= 7 && first < table.Length
            ? Vector256.Shuffle(Vector256.LoadUnsafe(in table[0], (nuint)(first - 7)), Vector256.Create(7, 6, 5, 4, 3, 2, 1, 0))
            : Gather(table, Vector256.Create(first) - Vector256<int>.Indices);

    /// <inheritdoc cref="Descending256(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Descending256(ReadOnlySpan<int> table, int first) =>
        first >= 7 && first < table.Length
            ? Vector256.Shuffle(Vector256.LoadUnsafe(in table[0], (nuint)(first - 7)), Vector256.Create(7, 6, 5, 4, 3, 2, 1, 0))
            : Gather(table, Vector256.Create(first) - Vector256<int>.Indices);

    /// <inheritdoc cref="Descending256(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Descending256(ReadOnlySpan<bool> table, int first) => Gather(table, Vector256.Create(first) - Vector256<int>.Indices);

    /// <inheritdoc cref="Part512(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Part256(ReadOnlySpan<float> table, int first)
    {
        if (!Avx2.IsSupported)
            return Ascending256(table, first);
        Vector256<int> inside = Vector256.LessThan(Vector256.Create(first) + Vector256<int>.Indices, Vector256.Create(table.Length));
        fixed (float* elements = table)
            return Avx.MaskLoad(elements + first, inside.AsSingle());
    }

    /// <inheritdoc cref="Part512(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Part256(ReadOnlySpan<int> table, int first)
    {
        if (!Avx2.IsSupported)
            return Ascending256(table, first);
        Vector256<int> inside = Vector256.LessThan(Vector256.Create(first) + Vector256<int>.Indices, Vector256.Create(table.Length));
        fixed (int* elements = table)
            return Avx2.MaskLoad(elements + first, inside);
    }

    /// <inheritdoc cref="Lookup(ReadOnlySpan{float}, Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Lookup(ReadOnlySpan<float> table, Vector256<float> low, Vector256<float> high, Vector256<int> index) =>
        table.Length <= 2 * Vector256<float>.Count ? Lookup(low, high, index) : Gather(table, index);

    /// <inheritdoc cref="Lookup(Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Lookup(Vector256<float> low, Vector256<float> high, Vector256<int> index) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.PermuteVar8x32x2(low, index, high)
            : Vector256.Shuffle(low, index) | Vector256.Shuffle(high, index - Vector256.Create(Vector256<int>.Count));

    /// <summary>The elements at each lane's index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Gather(ReadOnlySpan<float> table, Vector256<int> index)
    {
        if (!Avx2.IsSupported)
            return GatherEach(table, index);
        Vector256<int> inside = ~Outside(index, table.Length);
        fixed (float* elements = table)
            return Avx2.GatherMaskVector256(Vector256<float>.Zero, elements, index, inside.AsSingle(), sizeof(float));
    }

    static Vector256<float> GatherEach(ReadOnlySpan<float> table, Vector256<int> index)
    {
        float* lanes = stackalloc float[8];
        for (int i = 0; i < 8; i++)
            lanes[i] = At(table, index[i]);
        return Vector256.Load(lanes);
    }

    /// <inheritdoc cref="Lookup(ReadOnlySpan{float}, Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Lookup(ReadOnlySpan<int> table, Vector256<int> low, Vector256<int> high, Vector256<int> index) =>
        table.Length <= 2 * Vector256<int>.Count ? Lookup(low, high, index) : Gather(table, index);

    /// <inheritdoc cref="Lookup(Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Lookup(Vector256<int> low, Vector256<int> high, Vector256<int> index) =>
        Avx512F.VL.IsSupported
            ? Avx512F.VL.PermuteVar8x32x2(low, index, high)
            : Vector256.Shuffle(low, index) | Vector256.Shuffle(high, index - Vector256.Create(Vector256<int>.Count));

    /// <summary>The elements at each lane's index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Gather(ReadOnlySpan<int> table, Vector256<int> index)
    {
        if (!Avx2.IsSupported)
            return GatherEach(table, index);
        Vector256<int> inside = ~Outside(index, table.Length);
        fixed (int* elements = table)
            return Avx2.GatherMaskVector256(Vector256<int>.Zero, elements, index, inside, sizeof(int));
    }

    static Vector256<int> GatherEach(ReadOnlySpan<int> table, Vector256<int> index)
    {
        int* lanes = stackalloc int[8];
        for (int i = 0; i < 8; i++)
            lanes[i] = At(table, index[i]);
        return Vector256.Load(lanes);
    }

    /// <summary>The conditions at each lane's index, as lanes of all or no bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Gather(ReadOnlySpan<bool> table, Vector256<int> index)
    {
        if (!Avx2.IsSupported)
            return GatherEach(table, index);
        Vector256<int> inside = ~Outside(index, table.Length);
        fixed (bool* elements = table)
        {
            // Words of four bytes are read, aligned, so that none reaches into a page that the byte itself is not in.
            int ahead = (int)((nuint)elements & 3);
            Vector256<int> at = index + Vector256.Create(ahead);
            Vector256<int> words = Avx2.GatherMaskVector256(Vector256<int>.Zero, (int*)((byte*)elements - ahead), at >> 2, inside, sizeof(int));
            Vector256<int> bytes = Avx2.ShiftRightLogicalVariable(words, ((at & Vector256.Create(3)) << 3).AsUInt32()) & Vector256.Create(0xFF);
            return Vector256.GreaterThan(bytes, Vector256<int>.Zero);
        }
    }

    static Vector256<int> GatherEach(ReadOnlySpan<bool> table, Vector256<int> index)
    {
        int* lanes = stackalloc int[8];
        for (int i = 0; i < 8; i++)
            lanes[i] = At(table, index[i]) ? -1 : 0;
        return Vector256.Load(lanes);
    }

    /// <summary>All bits set in lanes whose index is outside of a dimension of that length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Outside(Vector128<int> index, int length) =>
        Vector128.GreaterThanOrEqual(index.AsUInt32(), Vector128.Create((uint)length)).AsInt32();

    /// <summary>Neighbouring elements, <paramref name="first"/> in the lowest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Ascending128(ReadOnlySpan<float> table, int first) =>
        AreInside(first, 4, table.Length)
            ? Vector128.LoadUnsafe(in table[0], (nuint)first)
            : Gather(table, Vector128.Create(first) + Vector128<int>.Indices);

    /// <inheritdoc cref="Ascending128(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Ascending128(ReadOnlySpan<int> table, int first) =>
        AreInside(first, 4, table.Length)
            ? Vector128.LoadUnsafe(in table[0], (nuint)first)
            : Gather(table, Vector128.Create(first) + Vector128<int>.Indices);

    /// <summary>Neighbouring conditions, as lanes of all or no bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Ascending128(ReadOnlySpan<bool> table, int first)
    {
        if (!AreInside(first, 4, table.Length))
            return Gather(table, Vector128.Create(first) + Vector128<int>.Indices);
        ref readonly byte bytes = ref Unsafe.As<bool, byte>(ref Unsafe.AsRef(in table[first]));
        return Vector128.GreaterThan(Widen(Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(in bytes)).AsByte()).GetLower().GetLower(), Vector128<int>.Zero);
    }

    /// <summary>Elements in descending order, <paramref name="first"/> in the lowest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Descending128(ReadOnlySpan<float> table, int first) =>
        first >= 3 && first < table.Length
            ? Vector128.Shuffle(Vector128.LoadUnsafe(in table[0], (nuint)(first - 3)), Vector128.Create(3, 2, 1, 0))
            : Gather(table, Vector128.Create(first) - Vector128<int>.Indices);

    /// <inheritdoc cref="Descending128(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Descending128(ReadOnlySpan<int> table, int first) =>
        first >= 3 && first < table.Length
            ? Vector128.Shuffle(Vector128.LoadUnsafe(in table[0], (nuint)(first - 3)), Vector128.Create(3, 2, 1, 0))
            : Gather(table, Vector128.Create(first) - Vector128<int>.Indices);

    /// <inheritdoc cref="Descending128(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Descending128(ReadOnlySpan<bool> table, int first) => Gather(table, Vector128.Create(first) - Vector128<int>.Indices);

    /// <inheritdoc cref="Part512(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Part128(ReadOnlySpan<float> table, int first)
    {
        if (!Avx2.IsSupported)
            return Ascending128(table, first);
        Vector128<int> inside = Vector128.LessThan(Vector128.Create(first) + Vector128<int>.Indices, Vector128.Create(table.Length));
        fixed (float* elements = table)
            return Avx.MaskLoad(elements + first, inside.AsSingle());
    }

    /// <inheritdoc cref="Part512(ReadOnlySpan{float}, int)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Part128(ReadOnlySpan<int> table, int first)
    {
        if (!Avx2.IsSupported)
            return Ascending128(table, first);
        Vector128<int> inside = Vector128.LessThan(Vector128.Create(first) + Vector128<int>.Indices, Vector128.Create(table.Length));
        fixed (int* elements = table)
            return Avx2.MaskLoad(elements + first, inside);
    }

    /// <inheritdoc cref="Lookup(ReadOnlySpan{float}, Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Lookup(ReadOnlySpan<float> table, Vector128<float> low, Vector128<float> high, Vector128<int> index) =>
        table.Length <= 2 * Vector128<float>.Count ? Lookup(low, high, index) : Gather(table, index);

    /// <inheritdoc cref="Lookup(Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Lookup(Vector128<float> low, Vector128<float> high, Vector128<int> index) =>
        Vector128.Shuffle(low, index) | Vector128.Shuffle(high, index - Vector128.Create(Vector128<int>.Count));

    /// <summary>The elements at each lane's index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Gather(ReadOnlySpan<float> table, Vector128<int> index)
    {
        if (!Avx2.IsSupported)
            return GatherEach(table, index);
        Vector128<int> inside = ~Outside(index, table.Length);
        fixed (float* elements = table)
            return Avx2.GatherMaskVector128(Vector128<float>.Zero, elements, index, inside.AsSingle(), sizeof(float));
    }

    static Vector128<float> GatherEach(ReadOnlySpan<float> table, Vector128<int> index)
    {
        float* lanes = stackalloc float[4];
        for (int i = 0; i < 4; i++)
            lanes[i] = At(table, index[i]);
        return Vector128.Load(lanes);
    }

    /// <inheritdoc cref="Lookup(ReadOnlySpan{float}, Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Lookup(ReadOnlySpan<int> table, Vector128<int> low, Vector128<int> high, Vector128<int> index) =>
        table.Length <= 2 * Vector128<int>.Count ? Lookup(low, high, index) : Gather(table, index);

    /// <inheritdoc cref="Lookup(Vector512{float}, Vector512{float}, Vector512{int})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Lookup(Vector128<int> low, Vector128<int> high, Vector128<int> index) =>
        Vector128.Shuffle(low, index) | Vector128.Shuffle(high, index - Vector128.Create(Vector128<int>.Count));

    /// <summary>The elements at each lane's index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Gather(ReadOnlySpan<int> table, Vector128<int> index)
    {
        if (!Avx2.IsSupported)
            return GatherEach(table, index);
        Vector128<int> inside = ~Outside(index, table.Length);
        fixed (int* elements = table)
            return Avx2.GatherMaskVector128(Vector128<int>.Zero, elements, index, inside, sizeof(int));
    }

    static Vector128<int> GatherEach(ReadOnlySpan<int> table, Vector128<int> index)
    {
        int* lanes = stackalloc int[4];
        for (int i = 0; i < 4; i++)
            lanes[i] = At(table, index[i]);
        return Vector128.Load(lanes);
    }

    /// <summary>The conditions at each lane's index, as lanes of all or no bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Gather(ReadOnlySpan<bool> table, Vector128<int> index)
    {
        if (!Avx2.IsSupported)
            return GatherEach(table, index);
        Vector128<int> inside = ~Outside(index, table.Length);
        fixed (bool* elements = table)
        {
            // Words of four bytes are read, aligned, so that none reaches into a page that the byte itself is not in.
            int ahead = (int)((nuint)elements & 3);
            Vector128<int> at = index + Vector128.Create(ahead);
            Vector128<int> words = Avx2.GatherMaskVector128(Vector128<int>.Zero, (int*)((byte*)elements - ahead), at >> 2, inside, sizeof(int));
            Vector128<int> bytes = Avx2.ShiftRightLogicalVariable(words, ((at & Vector128.Create(3)) << 3).AsUInt32()) & Vector128.Create(0xFF);
            return Vector128.GreaterThan(bytes, Vector128<int>.Zero);
        }
    }

    static Vector128<int> GatherEach(ReadOnlySpan<bool> table, Vector128<int> index)
    {
        int* lanes = stackalloc int[4];
        for (int i = 0; i < 4; i++)
            lanes[i] = At(table, index[i]) ? -1 : 0;
        return Vector128.Load(lanes);
    }

    static Vector512<int> Widen(Vector128<byte> bytes)
    {
        (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(bytes);
        (Vector128<uint> a, Vector128<uint> b) = Vector128.Widen(low);
        (Vector128<uint> c, Vector128<uint> d) = Vector128.Widen(high);
        return Vector512.Create(Vector256.Create(a, b), Vector256.Create(c, d)).AsInt32();
    }
}
