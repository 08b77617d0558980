using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>Products in vectors of 512 bits: tiles of 8 × 2 accumulators, for processors with 32 registers.</summary>
/// <inheritdoc cref="IPrefillProducts"/>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Products512 : IPrefillProducts
{
    /// <inheritdoc />
    public static int Rows => 8;

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores<TSizes>(ref float queries, ref float keyPanel, ref float scores)
        where TSizes : IPanelSizes
    {
        for (int column = 0; column < TSizes.BlockKeys; column += 32)
        {
            ref float keys = ref Float32Row.At(ref keyPanel, column);
            Vector512<float> s0a = Vector512<float>.Zero, s0b = Vector512<float>.Zero;
            Vector512<float> s1a = Vector512<float>.Zero, s1b = Vector512<float>.Zero;
            Vector512<float> s2a = Vector512<float>.Zero, s2b = Vector512<float>.Zero;
            Vector512<float> s3a = Vector512<float>.Zero, s3b = Vector512<float>.Zero;
            Vector512<float> s4a = Vector512<float>.Zero, s4b = Vector512<float>.Zero;
            Vector512<float> s5a = Vector512<float>.Zero, s5b = Vector512<float>.Zero;
            Vector512<float> s6a = Vector512<float>.Zero, s6b = Vector512<float>.Zero;
            Vector512<float> s7a = Vector512<float>.Zero, s7b = Vector512<float>.Zero;
            for (int i = 0; i < TSizes.Stride; i++)
            {
                ref float channel = ref Float32Row.At(ref keys, i * TSizes.BlockKeys);
                ref float query = ref Float32Row.At(ref queries, i);
                Vector512<float> ka = Lanes512.Load(ref channel, 0);
                Vector512<float> kb = Lanes512.Load(ref channel, 16);
                Vector512<float> q0 = Lanes512.Broadcast(ref query, 0);
                s0a = Vector512.FusedMultiplyAdd(q0, ka, s0a);
                s0b = Vector512.FusedMultiplyAdd(q0, kb, s0b);
                Vector512<float> q1 = Lanes512.Broadcast(ref query, TSizes.Stride);
                s1a = Vector512.FusedMultiplyAdd(q1, ka, s1a);
                s1b = Vector512.FusedMultiplyAdd(q1, kb, s1b);
                Vector512<float> q2 = Lanes512.Broadcast(ref query, 2 * TSizes.Stride);
                s2a = Vector512.FusedMultiplyAdd(q2, ka, s2a);
                s2b = Vector512.FusedMultiplyAdd(q2, kb, s2b);
                Vector512<float> q3 = Lanes512.Broadcast(ref query, 3 * TSizes.Stride);
                s3a = Vector512.FusedMultiplyAdd(q3, ka, s3a);
                s3b = Vector512.FusedMultiplyAdd(q3, kb, s3b);
                Vector512<float> q4 = Lanes512.Broadcast(ref query, 4 * TSizes.Stride);
                s4a = Vector512.FusedMultiplyAdd(q4, ka, s4a);
                s4b = Vector512.FusedMultiplyAdd(q4, kb, s4b);
                Vector512<float> q5 = Lanes512.Broadcast(ref query, 5 * TSizes.Stride);
                s5a = Vector512.FusedMultiplyAdd(q5, ka, s5a);
                s5b = Vector512.FusedMultiplyAdd(q5, kb, s5b);
                Vector512<float> q6 = Lanes512.Broadcast(ref query, 6 * TSizes.Stride);
                s6a = Vector512.FusedMultiplyAdd(q6, ka, s6a);
                s6b = Vector512.FusedMultiplyAdd(q6, kb, s6b);
                Vector512<float> q7 = Lanes512.Broadcast(ref query, 7 * TSizes.Stride);
                s7a = Vector512.FusedMultiplyAdd(q7, ka, s7a);
                s7b = Vector512.FusedMultiplyAdd(q7, kb, s7b);
            }

            ref float score = ref Float32Row.At(ref scores, column);
            Lanes512.Store(s0a, ref score, 0);
            Lanes512.Store(s0b, ref score, 16);
            Lanes512.Store(s1a, ref score, TSizes.BlockKeys);
            Lanes512.Store(s1b, ref score, TSizes.BlockKeys + 16);
            Lanes512.Store(s2a, ref score, 2 * TSizes.BlockKeys);
            Lanes512.Store(s2b, ref score, 2 * TSizes.BlockKeys + 16);
            Lanes512.Store(s3a, ref score, 3 * TSizes.BlockKeys);
            Lanes512.Store(s3b, ref score, 3 * TSizes.BlockKeys + 16);
            Lanes512.Store(s4a, ref score, 4 * TSizes.BlockKeys);
            Lanes512.Store(s4b, ref score, 4 * TSizes.BlockKeys + 16);
            Lanes512.Store(s5a, ref score, 5 * TSizes.BlockKeys);
            Lanes512.Store(s5b, ref score, 5 * TSizes.BlockKeys + 16);
            Lanes512.Store(s6a, ref score, 6 * TSizes.BlockKeys);
            Lanes512.Store(s6b, ref score, 6 * TSizes.BlockKeys + 16);
            Lanes512.Store(s7a, ref score, 7 * TSizes.BlockKeys);
            Lanes512.Store(s7b, ref score, 7 * TSizes.BlockKeys + 16);
        }
    }

    /// <inheritdoc />
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddValues<TSizes>(ref float weights, ref float corrections, ref float values, int keys, ref float sums)
        where TSizes : IPanelSizes
    {
        for (int column = 0; column + 32 <= TSizes.Stride; column += 32)
        {
            ref float columns = ref Float32Row.At(ref values, column);
            Vector512<float> s0a = Vector512<float>.Zero, s0b = Vector512<float>.Zero;
            Vector512<float> s1a = Vector512<float>.Zero, s1b = Vector512<float>.Zero;
            Vector512<float> s2a = Vector512<float>.Zero, s2b = Vector512<float>.Zero;
            Vector512<float> s3a = Vector512<float>.Zero, s3b = Vector512<float>.Zero;
            Vector512<float> s4a = Vector512<float>.Zero, s4b = Vector512<float>.Zero;
            Vector512<float> s5a = Vector512<float>.Zero, s5b = Vector512<float>.Zero;
            Vector512<float> s6a = Vector512<float>.Zero, s6b = Vector512<float>.Zero;
            Vector512<float> s7a = Vector512<float>.Zero, s7b = Vector512<float>.Zero;
            for (int key = 0; key < keys; key++)
            {
                ref float value = ref Float32Row.Row(ref columns, key, TSizes.Stride);
                ref float weight = ref Float32Row.At(ref weights, key);
                Vector512<float> va = Lanes512.Load(ref value, 0);
                Vector512<float> vb = Lanes512.Load(ref value, 16);
                Vector512<float> w0 = Lanes512.Broadcast(ref weight, 0);
                s0a = Vector512.FusedMultiplyAdd(w0, va, s0a);
                s0b = Vector512.FusedMultiplyAdd(w0, vb, s0b);
                Vector512<float> w1 = Lanes512.Broadcast(ref weight, TSizes.BlockKeys);
                s1a = Vector512.FusedMultiplyAdd(w1, va, s1a);
                s1b = Vector512.FusedMultiplyAdd(w1, vb, s1b);
                Vector512<float> w2 = Lanes512.Broadcast(ref weight, 2 * TSizes.BlockKeys);
                s2a = Vector512.FusedMultiplyAdd(w2, va, s2a);
                s2b = Vector512.FusedMultiplyAdd(w2, vb, s2b);
                Vector512<float> w3 = Lanes512.Broadcast(ref weight, 3 * TSizes.BlockKeys);
                s3a = Vector512.FusedMultiplyAdd(w3, va, s3a);
                s3b = Vector512.FusedMultiplyAdd(w3, vb, s3b);
                Vector512<float> w4 = Lanes512.Broadcast(ref weight, 4 * TSizes.BlockKeys);
                s4a = Vector512.FusedMultiplyAdd(w4, va, s4a);
                s4b = Vector512.FusedMultiplyAdd(w4, vb, s4b);
                Vector512<float> w5 = Lanes512.Broadcast(ref weight, 5 * TSizes.BlockKeys);
                s5a = Vector512.FusedMultiplyAdd(w5, va, s5a);
                s5b = Vector512.FusedMultiplyAdd(w5, vb, s5b);
                Vector512<float> w6 = Lanes512.Broadcast(ref weight, 6 * TSizes.BlockKeys);
                s6a = Vector512.FusedMultiplyAdd(w6, va, s6a);
                s6b = Vector512.FusedMultiplyAdd(w6, vb, s6b);
                Vector512<float> w7 = Lanes512.Broadcast(ref weight, 7 * TSizes.BlockKeys);
                s7a = Vector512.FusedMultiplyAdd(w7, va, s7a);
                s7b = Vector512.FusedMultiplyAdd(w7, vb, s7b);
            }

            Vector512<float> correction0 = Lanes512.Broadcast(ref corrections, 0);
            ref float sums0 = ref Float32Row.At(ref sums, column);
            Lanes512.Accumulate(s0a, correction0, ref sums0, 0);
            Lanes512.Accumulate(s0b, correction0, ref sums0, 16);
            Vector512<float> correction1 = Lanes512.Broadcast(ref corrections, 1);
            ref float sums1 = ref Float32Row.At(ref sums, column + TSizes.Stride);
            Lanes512.Accumulate(s1a, correction1, ref sums1, 0);
            Lanes512.Accumulate(s1b, correction1, ref sums1, 16);
            Vector512<float> correction2 = Lanes512.Broadcast(ref corrections, 2);
            ref float sums2 = ref Float32Row.At(ref sums, column + 2 * TSizes.Stride);
            Lanes512.Accumulate(s2a, correction2, ref sums2, 0);
            Lanes512.Accumulate(s2b, correction2, ref sums2, 16);
            Vector512<float> correction3 = Lanes512.Broadcast(ref corrections, 3);
            ref float sums3 = ref Float32Row.At(ref sums, column + 3 * TSizes.Stride);
            Lanes512.Accumulate(s3a, correction3, ref sums3, 0);
            Lanes512.Accumulate(s3b, correction3, ref sums3, 16);
            Vector512<float> correction4 = Lanes512.Broadcast(ref corrections, 4);
            ref float sums4 = ref Float32Row.At(ref sums, column + 4 * TSizes.Stride);
            Lanes512.Accumulate(s4a, correction4, ref sums4, 0);
            Lanes512.Accumulate(s4b, correction4, ref sums4, 16);
            Vector512<float> correction5 = Lanes512.Broadcast(ref corrections, 5);
            ref float sums5 = ref Float32Row.At(ref sums, column + 5 * TSizes.Stride);
            Lanes512.Accumulate(s5a, correction5, ref sums5, 0);
            Lanes512.Accumulate(s5b, correction5, ref sums5, 16);
            Vector512<float> correction6 = Lanes512.Broadcast(ref corrections, 6);
            ref float sums6 = ref Float32Row.At(ref sums, column + 6 * TSizes.Stride);
            Lanes512.Accumulate(s6a, correction6, ref sums6, 0);
            Lanes512.Accumulate(s6b, correction6, ref sums6, 16);
            Vector512<float> correction7 = Lanes512.Broadcast(ref corrections, 7);
            ref float sums7 = ref Float32Row.At(ref sums, column + 7 * TSizes.Stride);
            Lanes512.Accumulate(s7a, correction7, ref sums7, 0);
            Lanes512.Accumulate(s7b, correction7, ref sums7, 16);
        }

        if (TSizes.Stride % 32 != 0)
        {
            int last = TSizes.Stride - 16;
            AddLastValues<TSizes>(ref weights, ref corrections, ref Float32Row.At(ref values, last), keys, ref Float32Row.At(ref sums, last));
        }
    }

    // Of an odd number of vectors one is left.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddLastValues<TSizes>(ref float weights, ref float corrections, ref float values, int keys, ref float sums)
        where TSizes : IPanelSizes
    {
        Vector512<float> s0 = Vector512<float>.Zero;
        Vector512<float> s1 = Vector512<float>.Zero;
        Vector512<float> s2 = Vector512<float>.Zero;
        Vector512<float> s3 = Vector512<float>.Zero;
        Vector512<float> s4 = Vector512<float>.Zero;
        Vector512<float> s5 = Vector512<float>.Zero;
        Vector512<float> s6 = Vector512<float>.Zero;
        Vector512<float> s7 = Vector512<float>.Zero;
        for (int key = 0; key < keys; key++)
        {
            ref float value = ref Float32Row.Row(ref values, key, TSizes.Stride);
            ref float weight = ref Float32Row.At(ref weights, key);
            Vector512<float> v = Lanes512.Load(ref value, 0);
            Vector512<float> w0 = Lanes512.Broadcast(ref weight, 0);
            s0 = Vector512.FusedMultiplyAdd(w0, v, s0);
            Vector512<float> w1 = Lanes512.Broadcast(ref weight, TSizes.BlockKeys);
            s1 = Vector512.FusedMultiplyAdd(w1, v, s1);
            Vector512<float> w2 = Lanes512.Broadcast(ref weight, 2 * TSizes.BlockKeys);
            s2 = Vector512.FusedMultiplyAdd(w2, v, s2);
            Vector512<float> w3 = Lanes512.Broadcast(ref weight, 3 * TSizes.BlockKeys);
            s3 = Vector512.FusedMultiplyAdd(w3, v, s3);
            Vector512<float> w4 = Lanes512.Broadcast(ref weight, 4 * TSizes.BlockKeys);
            s4 = Vector512.FusedMultiplyAdd(w4, v, s4);
            Vector512<float> w5 = Lanes512.Broadcast(ref weight, 5 * TSizes.BlockKeys);
            s5 = Vector512.FusedMultiplyAdd(w5, v, s5);
            Vector512<float> w6 = Lanes512.Broadcast(ref weight, 6 * TSizes.BlockKeys);
            s6 = Vector512.FusedMultiplyAdd(w6, v, s6);
            Vector512<float> w7 = Lanes512.Broadcast(ref weight, 7 * TSizes.BlockKeys);
            s7 = Vector512.FusedMultiplyAdd(w7, v, s7);
        }

        Lanes512.Accumulate(s0, Lanes512.Broadcast(ref corrections, 0), ref sums, 0);
        Lanes512.Accumulate(s1, Lanes512.Broadcast(ref corrections, 1), ref sums, TSizes.Stride);
        Lanes512.Accumulate(s2, Lanes512.Broadcast(ref corrections, 2), ref sums, 2 * TSizes.Stride);
        Lanes512.Accumulate(s3, Lanes512.Broadcast(ref corrections, 3), ref sums, 3 * TSizes.Stride);
        Lanes512.Accumulate(s4, Lanes512.Broadcast(ref corrections, 4), ref sums, 4 * TSizes.Stride);
        Lanes512.Accumulate(s5, Lanes512.Broadcast(ref corrections, 5), ref sums, 5 * TSizes.Stride);
        Lanes512.Accumulate(s6, Lanes512.Broadcast(ref corrections, 6), ref sums, 6 * TSizes.Stride);
        Lanes512.Accumulate(s7, Lanes512.Broadcast(ref corrections, 7), ref sums, 7 * TSizes.Stride);
    }
}
