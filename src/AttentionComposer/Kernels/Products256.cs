using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>Products in vectors of 256 bits: tiles of 4 × 2 accumulators, for processors with 16 registers.</summary>
/// <inheritdoc cref="IPrefillProducts"/>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Products256 : IPrefillProducts
{
    /// <inheritdoc />
    public static int Rows => 4;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores<TSizes>(ref float queries, ref float keyPanel, ref float scores)
        where TSizes : IPanelSizes
    {
        for (int column = 0; column < TSizes.BlockKeys; column += 16)
        {
            ref float keys = ref Float32Row.At(ref keyPanel, column);
            Vector256<float> s0a = Vector256<float>.Zero, s0b = Vector256<float>.Zero;
            Vector256<float> s1a = Vector256<float>.Zero, s1b = Vector256<float>.Zero;
            Vector256<float> s2a = Vector256<float>.Zero, s2b = Vector256<float>.Zero;
            Vector256<float> s3a = Vector256<float>.Zero, s3b = Vector256<float>.Zero;
            for (int i = 0; i < TSizes.Stride; i++)
            {
                ref float channel = ref Float32Row.At(ref keys, i * TSizes.BlockKeys);
                ref float query = ref Float32Row.At(ref queries, i);
                Vector256<float> ka = Lanes256.Load(ref channel, 0);
                Vector256<float> kb = Lanes256.Load(ref channel, 8);
                Vector256<float> q0 = Lanes256.Broadcast(ref query, 0);
                s0a = Vector256.FusedMultiplyAdd(q0, ka, s0a);
                s0b = Vector256.FusedMultiplyAdd(q0, kb, s0b);
                Vector256<float> q1 = Lanes256.Broadcast(ref query, TSizes.Stride);
                s1a = Vector256.FusedMultiplyAdd(q1, ka, s1a);
                s1b = Vector256.FusedMultiplyAdd(q1, kb, s1b);
                Vector256<float> q2 = Lanes256.Broadcast(ref query, 2 * TSizes.Stride);
                s2a = Vector256.FusedMultiplyAdd(q2, ka, s2a);
                s2b = Vector256.FusedMultiplyAdd(q2, kb, s2b);
                Vector256<float> q3 = Lanes256.Broadcast(ref query, 3 * TSizes.Stride);
                s3a = Vector256.FusedMultiplyAdd(q3, ka, s3a);
                s3b = Vector256.FusedMultiplyAdd(q3, kb, s3b);
            }

            ref float score = ref Float32Row.At(ref scores, column);
            Lanes256.Store(s0a, ref score, 0);
            Lanes256.Store(s0b, ref score, 8);
            Lanes256.Store(s1a, ref score, TSizes.BlockKeys);
            Lanes256.Store(s1b, ref score, TSizes.BlockKeys + 8);
            Lanes256.Store(s2a, ref score, 2 * TSizes.BlockKeys);
            Lanes256.Store(s2b, ref score, 2 * TSizes.BlockKeys + 8);
            Lanes256.Store(s3a, ref score, 3 * TSizes.BlockKeys);
            Lanes256.Store(s3b, ref score, 3 * TSizes.BlockKeys + 8);
        }
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddValues<TSizes>(ref float weights, ref float corrections, ref float values, int keys, ref float sums)
        where TSizes : IPanelSizes
    {
        for (int column = 0; column < TSizes.Stride; column += 16)
        {
            ref float columns = ref Float32Row.At(ref values, column);
            Vector256<float> s0a = Vector256<float>.Zero, s0b = Vector256<float>.Zero;
            Vector256<float> s1a = Vector256<float>.Zero, s1b = Vector256<float>.Zero;
            Vector256<float> s2a = Vector256<float>.Zero, s2b = Vector256<float>.Zero;
            Vector256<float> s3a = Vector256<float>.Zero, s3b = Vector256<float>.Zero;
            for (int key = 0; key < keys; key++)
            {
                ref float value = ref Float32Row.Row(ref columns, key, TSizes.Stride);
                ref float weight = ref Float32Row.At(ref weights, key);
                Vector256<float> va = Lanes256.Load(ref value, 0);
                Vector256<float> vb = Lanes256.Load(ref value, 8);
                Vector256<float> w0 = Lanes256.Broadcast(ref weight, 0);
                s0a = Vector256.FusedMultiplyAdd(w0, va, s0a);
                s0b = Vector256.FusedMultiplyAdd(w0, vb, s0b);
                Vector256<float> w1 = Lanes256.Broadcast(ref weight, TSizes.BlockKeys);
                s1a = Vector256.FusedMultiplyAdd(w1, va, s1a);
                s1b = Vector256.FusedMultiplyAdd(w1, vb, s1b);
                Vector256<float> w2 = Lanes256.Broadcast(ref weight, 2 * TSizes.BlockKeys);
                s2a = Vector256.FusedMultiplyAdd(w2, va, s2a);
                s2b = Vector256.FusedMultiplyAdd(w2, vb, s2b);
                Vector256<float> w3 = Lanes256.Broadcast(ref weight, 3 * TSizes.BlockKeys);
                s3a = Vector256.FusedMultiplyAdd(w3, va, s3a);
                s3b = Vector256.FusedMultiplyAdd(w3, vb, s3b);
            }

            Vector256<float> correction0 = Lanes256.Broadcast(ref corrections, 0);
            ref float sums0 = ref Float32Row.At(ref sums, column);
            Lanes256.Accumulate(s0a, correction0, ref sums0, 0);
            Lanes256.Accumulate(s0b, correction0, ref sums0, 8);
            Vector256<float> correction1 = Lanes256.Broadcast(ref corrections, 1);
            ref float sums1 = ref Float32Row.At(ref sums, column + TSizes.Stride);
            Lanes256.Accumulate(s1a, correction1, ref sums1, 0);
            Lanes256.Accumulate(s1b, correction1, ref sums1, 8);
            Vector256<float> correction2 = Lanes256.Broadcast(ref corrections, 2);
            ref float sums2 = ref Float32Row.At(ref sums, column + 2 * TSizes.Stride);
            Lanes256.Accumulate(s2a, correction2, ref sums2, 0);
            Lanes256.Accumulate(s2b, correction2, ref sums2, 8);
            Vector256<float> correction3 = Lanes256.Broadcast(ref corrections, 3);
            ref float sums3 = ref Float32Row.At(ref sums, column + 3 * TSizes.Stride);
            Lanes256.Accumulate(s3a, correction3, ref sums3, 0);
            Lanes256.Accumulate(s3b, correction3, ref sums3, 8);
        }
    }
}
