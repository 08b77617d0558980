using System.ComponentModel;
using ILGPU;
using ILGPU.Algorithms;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>Scalar functions of kernels, with C#'s results where the device's instructions differ.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class DeviceMath
{
    /// <summary>
    /// The weight of a key that a row does not see. It adds nothing to a sum, as long as the value is finite; where it is not, the weight is known by
    /// its sign, which no weight of a visible key has.
    /// </summary>
    public const float Hidden = -0f;

    const float Log2E = 1.4426950408889634f;

    /// <summary>The larger one; NaN if either is.</summary>
    public static float Max(float x, float y) => x > y | float.IsNaN(x) ? x : y;

    /// <summary>The smaller one; NaN if either is.</summary>
    public static float Min(float x, float y) => x < y | float.IsNaN(x) ? x : y;

    /// <summary>1, 0 or -1.</summary>
    public static int Sign(float x) => x > 0 ? 1 : x < 0 ? -1 : 0;

    /// <inheritdoc cref="Sign(float)"/>
    public static int Sign(int x) => x > 0 ? 1 : x < 0 ? -1 : 0;

    /// <summary>How many bits are 1, counted in fields of two bits, of four, of eight; the product adds up all bytes in the highest one.</summary>
    public static int PopCount(int x)
    {
        x -= (x >>> 1) & 0x55555555;
        x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
        return (((x + (x >>> 4)) & 0x0F0F0F0F) * 0x01010101) >>> 24;
    }

    /// <summary><c>x / y</c> truncated towards 0; 0 for a divisor of 0, which only a value that is thrown away may have.</summary>
    public static int Divide(int x, int y) => y == 0 ? 0 : y == -1 ? -x : x / y;

    /// <summary><c>x % y</c>, with the sign of <paramref name="x"/>; <paramref name="x"/> for a divisor of 0, which only a value that is thrown away may have.</summary>
    public static int Remainder(int x, int y) => x - Divide(x, y) * y;

    /// <summary>The hyperbolic tangent: <c>(1 - t) / (1 + t)</c> with <c>t = exp(-2|x|)</c>, and its series around 0, where that loses digits.</summary>
    public static float Tanh(float x)
    {
        float size = XMath.Abs(x), square = x * x;
        float t = XMath.Exp2(-2 * Log2E * size);
        float far = (1 - t) / (1 + t);
        float near = size * (1 + square * (-1f / 3 + square * (2f / 15 + square * (-17f / 315 + square * (62f / 2835)))));
        float result = size < 0.3f ? near : far;
        return x < 0 ? -result : result;
    }

    /// <summary>A key's weight in the softmax, <c>2^(logit - pivot)</c>; <see cref="Hidden"/> for a logit of negative infinity.</summary>
    public static float Weight(float logit, float pivot) => logit == float.NegativeInfinity ? Hidden : XMath.Exp2(logit - pivot);

    /// <summary>A key's weight by itself, <c>1 / (1 + 2^-logit)</c>; <see cref="Hidden"/> for a logit of negative infinity.</summary>
    public static float SigmoidWeight(float logit) => logit == float.NegativeInfinity ? Hidden : 1 / (1 + XMath.Exp2(-logit));

    /// <summary>A key's weight by itself, the logit or 0 where it is negative; <see cref="Hidden"/> for a logit of negative infinity.</summary>
    public static float ReluWeight(float logit) => logit == float.NegativeInfinity ? Hidden : Max(logit, 0);

    /// <summary>A key's weight in a softmax whose natural log-sum-exp is known, from its logit in units of log2; 0 where it is not a number.</summary>
    public static float FinalWeight(float logit, float logSumExp)
    {
        float weight = XMath.Exp2(logit - logSumExp * Log2E);
        return weight * 0 == 0 ? weight : 0;
    }

    /// <summary>A candidate's score, of which an infinite or undefined one is the best.</summary>
    public static float Candidate(float score)
    {
        const float Best = 1e30f;
        return score < Best ? score : Best;
    }

    /// <summary>Whether a weight says that the row does not see the key.</summary>
    public static bool IsHidden(float weight) => Interop.FloatAsInt(weight) == 0x80000000u;

    /// <summary>0 in place of a maximum of negative infinity, which a row has that saw no key yet: its weights stay 0 instead of NaN.</summary>
    public static float Pivot(float maximum) => maximum == float.NegativeInfinity ? 0 : maximum;

    /// <summary>The largest of the values of neighbouring threads, a power of 2 of them; NaN if one is.</summary>
    public static float LargestOf(float value, int threads)
    {
        for (int distance = 1; distance < threads; distance *= 2)
            value = Max(value, Warp.ShuffleXor(value, distance));
        return value;
    }

    /// <summary>The sum of the values of neighbouring threads, a power of 2 of them.</summary>
    public static float SumOf(float value, int threads)
    {
        for (int distance = 1; distance < threads; distance *= 2)
            value += Warp.ShuffleXor(value, distance);
        return value;
    }

    /// <summary>What a part of a softmax with some maximum is multiplied by to join one with the largest maximum; 1 where both are -infinity.</summary>
    public static float Factor(float maximum, float largest) => maximum == largest ? 1 : XMath.Exp2(maximum - largest);

    /// <summary>The largest of some warps' maxima of a row.</summary>
    /// <param name="maxima"><c>[warps, rows]</c>.</param>
    /// <param name="warps">Number of warps.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="row">The row.</param>
    public static float Largest(ArrayView<float> maxima, int warps, int rows, int row)
    {
        float largest = maxima[row];
        for (int warp = 1; warp < warps; warp++)
            largest = Max(largest, maxima[warp * rows + row]);
        return largest;
    }

    /// <summary>
    /// One step of a sum over the threads of a warp in which two threads share the work: each keeps one of two values, adds the other thread's part
    /// to it, and gives its own part of the other value away.
    /// </summary>
    /// <param name="upper">Whether this thread keeps the second value.</param>
    /// <param name="first">This thread's part of the first value.</param>
    /// <param name="second">This thread's part of the second value.</param>
    /// <param name="distance">The two threads' numbers differ in this bit.</param>
    public static float Share(bool upper, float first, float second, int distance) =>
        (upper ? second : first) + Warp.ShuffleXor(upper ? first : second, distance);

    /// <summary>A value that is computed in any case, without a branch; 0 in its place unless a condition holds.</summary>
    public static float OnlyIf(bool condition, float value) => condition ? value : 0;

    /// <summary>The element of a table, or 0 outside of it.</summary>
    public static float At(ArrayView<float> table, int index) => (uint)index < (uint)table.IntLength ? table[index] : 0;

    /// <inheritdoc cref="At(ArrayView{float}, int)"/>
    public static int At(ArrayView<int> table, int index) => (uint)index < (uint)table.IntLength ? table[index] : 0;

    /// <summary>The element of a table as a bound of visible keys, or a bound that says nothing outside of it.</summary>
    public static int At(ArrayView<int> table, int index, int otherwise) => (uint)index < (uint)table.IntLength ? table[index] : otherwise;

    /// <summary>The position that is nearest to a bound: what a pipeline captures can be any number.</summary>
    public static int Position(long bound) => bound < 0 ? 0 : bound > int.MaxValue ? int.MaxValue : (int)bound;

    /// <summary>Whether an index is outside of a dimension of a table.</summary>
    public static bool Outside(int index, int length) => (uint)index >= (uint)length;
}
