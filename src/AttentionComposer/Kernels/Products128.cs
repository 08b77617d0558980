using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>Products in vectors of 128 bits: tiles of 4 × 2 accumulators, for processors with 16 registers.</summary>
/// <inheritdoc cref="IPrefillProducts"/>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Products128 : IPrefillProducts
{
    /// <inheritdoc />
    public static int Rows => 4;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores<TSizes>(ref float queries, ref float keyPanel, ref float scores)
        where TSizes : IPanelSizes
    {
        for (int column = 0; column < TSizes.BlockKeys; column += 8)
        {
            ref float keys = ref Float32Row.At(ref keyPanel, column);
            Vector128<float> s0a = Vector128<float>.Zero, s0b = Vector128<float>.Zero;
            Vector128<float> s1a = Vector128<float>.Zero, s1b = Vector128<float>.Zero;
            Vector128<float> s2a = Vector128<float>.Zero, s2b = Vector128<float>.Zero;
            Vector128<float> s3a = Vector128<float>.Zero, s3b = Vector128<float>.Zero;
            for (int i = 0; i < TSizes.Stride; i++)
            {
                ref float channel = ref Float32Row.At(ref keys, i * TSizes.BlockKeys);
                ref float query = ref Float32Row.At(ref queries, i);
                Vector128<float> ka = Lanes128.Load(ref channel, 0);
                Vector128<float> kb = Lanes128.Load(ref channel, 4);
                Vector128<float> q0 = Lanes128.Broadcast(ref query, 0);
                s0a = Vector128.FusedMultiplyAdd(q0, ka, s0a);
                s0b = Vector128.FusedMultiplyAdd(q0, kb, s0b);
                Vector128<float> q1 = Lanes128.Broadcast(ref query, TSizes.Stride);
                s1a = Vector128.FusedMultiplyAdd(q1, ka, s1a);
                s1b = Vector128.FusedMultiplyAdd(q1, kb, s1b);
                Vector128<float> q2 = Lanes128.Broadcast(ref query, 2 * TSizes.Stride);
                s2a = Vector128.FusedMultiplyAdd(q2, ka, s2a);
                s2b = Vector128.FusedMultiplyAdd(q2, kb, s2b);
                Vector128<float> q3 = Lanes128.Broadcast(ref query, 3 * TSizes.Stride);
                s3a = Vector128.FusedMultiplyAdd(q3, ka, s3a);
                s3b = Vector128.FusedMultiplyAdd(q3, kb, s3b);
            }

            ref float score = ref Float32Row.At(ref scores, column);
            Lanes128.Store(s0a, ref score, 0);
            Lanes128.Store(s0b, ref score, 4);
            Lanes128.Store(s1a, ref score, TSizes.BlockKeys);
            Lanes128.Store(s1b, ref score, TSizes.BlockKeys + 4);
            Lanes128.Store(s2a, ref score, 2 * TSizes.BlockKeys);
            Lanes128.Store(s2b, ref score, 2 * TSizes.BlockKeys + 4);
            Lanes128.Store(s3a, ref score, 3 * TSizes.BlockKeys);
            Lanes128.Store(s3b, ref score, 3 * TSizes.BlockKeys + 4);
        }
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddValues<TSizes>(ref float weights, ref float corrections, ref float values, int keys, ref float sums)
        where TSizes : IPanelSizes
    {
        for (int column = 0; column < TSizes.Stride; column += 8)
        {
            ref float columns = ref Float32Row.At(ref values, column);
            Vector128<float> s0a = Vector128<float>.Zero, s0b = Vector128<float>.Zero;
            Vector128<float> s1a = Vector128<float>.Zero, s1b = Vector128<float>.Zero;
            Vector128<float> s2a = Vector128<float>.Zero, s2b = Vector128<float>.Zero;
            Vector128<float> s3a = Vector128<float>.Zero, s3b = Vector128<float>.Zero;
            for (int key = 0; key < keys; key++)
            {
                ref float value = ref Float32Row.Row(ref columns, key, TSizes.Stride);
                ref float weight = ref Float32Row.At(ref weights, key);
                Vector128<float> va = Lanes128.Load(ref value, 0);
                Vector128<float> vb = Lanes128.Load(ref value, 4);
                Vector128<float> w0 = Lanes128.Broadcast(ref weight, 0);
                s0a = Vector128.FusedMultiplyAdd(w0, va, s0a);
                s0b = Vector128.FusedMultiplyAdd(w0, vb, s0b);
                Vector128<float> w1 = Lanes128.Broadcast(ref weight, TSizes.BlockKeys);
                s1a = Vector128.FusedMultiplyAdd(w1, va, s1a);
                s1b = Vector128.FusedMultiplyAdd(w1, vb, s1b);
                Vector128<float> w2 = Lanes128.Broadcast(ref weight, 2 * TSizes.BlockKeys);
                s2a = Vector128.FusedMultiplyAdd(w2, va, s2a);
                s2b = Vector128.FusedMultiplyAdd(w2, vb, s2b);
                Vector128<float> w3 = Lanes128.Broadcast(ref weight, 3 * TSizes.BlockKeys);
                s3a = Vector128.FusedMultiplyAdd(w3, va, s3a);
                s3b = Vector128.FusedMultiplyAdd(w3, vb, s3b);
            }

            Vector128<float> correction0 = Lanes128.Broadcast(ref corrections, 0);
            ref float sums0 = ref Float32Row.At(ref sums, column);
            Lanes128.Accumulate(s0a, correction0, ref sums0, 0);
            Lanes128.Accumulate(s0b, correction0, ref sums0, 4);
            Vector128<float> correction1 = Lanes128.Broadcast(ref corrections, 1);
            ref float sums1 = ref Float32Row.At(ref sums, column + TSizes.Stride);
            Lanes128.Accumulate(s1a, correction1, ref sums1, 0);
            Lanes128.Accumulate(s1b, correction1, ref sums1, 4);
            Vector128<float> correction2 = Lanes128.Broadcast(ref corrections, 2);
            ref float sums2 = ref Float32Row.At(ref sums, column + 2 * TSizes.Stride);
            Lanes128.Accumulate(s2a, correction2, ref sums2, 0);
            Lanes128.Accumulate(s2b, correction2, ref sums2, 4);
            Vector128<float> correction3 = Lanes128.Broadcast(ref corrections, 3);
            ref float sums3 = ref Float32Row.At(ref sums, column + 3 * TSizes.Stride);
            Lanes128.Accumulate(s3a, correction3, ref sums3, 0);
            Lanes128.Accumulate(s3b, correction3, ref sums3, 4);
        }
    }
}
