using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>What the online softmax keeps of each row, brought up to date behind a block of keys.</summary>
/// <remarks>
/// From a vector to a row's maximum, and on to its correction, is a chain of instructions that each wait for the one before. Kernels leave one vector
/// a row, and four rows go down the chain together here.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class OnlineSoftmax
{
    /// <summary>
    /// Raises maxima to the largest logits of a block. Where a maximum grows, earlier sums shrink by the row's correction.
    /// </summary>
    /// <param name="largest">Each row's largest logits, lane by lane: [rows, lanes].</param>
    /// <param name="lanes">Lanes of a vector: 16, 8 or 4.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="maxima">Each row's maximum so far; -infinity for a row that has seen no key.</param>
    /// <param name="corrections">Where each row's <c>2^(previous maximum - maximum)</c> goes; 0 where the previous one was -infinity.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Maxima(ref float largest, int lanes, int rows, ref float maxima, ref float corrections)
    {
        int row = 0;
        for (; row <= rows - 4; row += 4)
        {
            Vector128<float> previous = Vector128.LoadUnsafe(ref maxima, (nuint)row);
            Vector128<float> maximum = Vector128.MaxNative(previous, LargestOfFour(ref Unsafe.Add(ref largest, row * lanes), lanes));
            maximum.StoreUnsafe(ref maxima, (nuint)row);
            Correction(previous, maximum).StoreUnsafe(ref corrections, (nuint)row);
        }

        for (; row < rows; row++)
        {
            Vector128<float> previous = Vector128.Create(Unsafe.Add(ref maxima, row));
            Vector128<float> maximum = Vector128.MaxNative(previous, Vector128.Create(Largest(ref Unsafe.Add(ref largest, row * lanes), lanes)));
            Unsafe.Add(ref maxima, row) = maximum.ToScalar();
            Unsafe.Add(ref corrections, row) = Correction(previous, maximum).ToScalar();
        }
    }

    /// <summary>Marks rows that see a key of a block, for weights that depend on nothing but their own logit: their maximum is 0.</summary>
    /// <inheritdoc cref="Maxima"/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Seen(ref float largest, int lanes, int rows, ref float maxima, ref float corrections)
    {
        for (int row = 0; row < rows; row++)
        {
            if (Largest(ref Unsafe.Add(ref largest, row * lanes), lanes) != float.NegativeInfinity)
                Unsafe.Add(ref maxima, row) = 0;
            Unsafe.Add(ref corrections, row) = 1;
        }
    }

    /// <summary>Adds a block's weights to each row's sum.</summary>
    /// <param name="sums">The sums of the block's weights, lane by lane: [rows, lanes].</param>
    /// <param name="lanes">Lanes of a vector: 16, 8 or 4.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="corrections">Factors on the earlier sums.</param>
    /// <param name="weights">Each row's sum so far.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Weights(ref float sums, int lanes, int rows, ref float corrections, ref float weights)
    {
        int row = 0;
        for (; row <= rows - 4; row += 4)
        {
            Vector128<float> earlier = Vector128.LoadUnsafe(ref weights, (nuint)row) * Vector128.LoadUnsafe(ref corrections, (nuint)row);
            (earlier + SumsOfFour(ref Unsafe.Add(ref sums, row * lanes), lanes)).StoreUnsafe(ref weights, (nuint)row);
        }

        for (; row < rows; row++)
            Unsafe.Add(ref weights, row) = Unsafe.Add(ref weights, row) * Unsafe.Add(ref corrections, row) + Sum(ref Unsafe.Add(ref sums, row * lanes), lanes);
    }

    // A row that has seen no key yet keeps its maximum of -infinity; 0 in its place gives a correction of 0 instead of NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Correction(Vector128<float> previous, Vector128<float> maximum)
    {
        Vector128<float> unseen = Vector128.Equals(maximum, Vector128.Create(float.NegativeInfinity));
        return VectorMath.Exp2(previous - Vector128.AndNot(maximum, unseen));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> LargestOfFour(ref float rows, int lanes) => lanes switch
    {
        16 => Lanes.MaxRows(
            Vector512.LoadUnsafe(ref rows), Vector512.LoadUnsafe(ref rows, 16), Vector512.LoadUnsafe(ref rows, 32), Vector512.LoadUnsafe(ref rows, 48)),
        8 => Lanes.MaxRows(
            Vector256.LoadUnsafe(ref rows), Vector256.LoadUnsafe(ref rows, 8), Vector256.LoadUnsafe(ref rows, 16), Vector256.LoadUnsafe(ref rows, 24)),
        _ => Lanes.MaxRows(
            Vector128.LoadUnsafe(ref rows), Vector128.LoadUnsafe(ref rows, 4), Vector128.LoadUnsafe(ref rows, 8), Vector128.LoadUnsafe(ref rows, 12)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> SumsOfFour(ref float rows, int lanes) => lanes switch
    {
        16 => Lanes.SumRows(
            Vector512.LoadUnsafe(ref rows), Vector512.LoadUnsafe(ref rows, 16), Vector512.LoadUnsafe(ref rows, 32), Vector512.LoadUnsafe(ref rows, 48)),
        8 => Lanes.SumRows(
            Vector256.LoadUnsafe(ref rows), Vector256.LoadUnsafe(ref rows, 8), Vector256.LoadUnsafe(ref rows, 16), Vector256.LoadUnsafe(ref rows, 24)),
        _ => Lanes.SumQuads(
            Vector128.LoadUnsafe(ref rows), Vector128.LoadUnsafe(ref rows, 4), Vector128.LoadUnsafe(ref rows, 8), Vector128.LoadUnsafe(ref rows, 12)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Largest(ref float row, int lanes) => lanes switch
    {
        16 => Lanes.Max(Vector512.LoadUnsafe(ref row)),
        8 => Lanes.Max(Vector256.LoadUnsafe(ref row)),
        _ => Lanes.Max(Vector128.LoadUnsafe(ref row)),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Sum(ref float row, int lanes) => lanes switch
    {
        16 => Vector512.Sum(Vector512.LoadUnsafe(ref row)),
        8 => Vector256.Sum(Vector256.LoadUnsafe(ref row)),
        _ => Vector128.Sum(Vector128.LoadUnsafe(ref row)),
    };
}
