using System.ComponentModel;
using System.Runtime.CompilerServices;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>The two products of the careful kernel, one key at a time. In formats without scales a row's scale is 1.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class RowScalars
{
    /// <summary>The dot product of a query row with a stored key row.</summary>
    public static float Dot(ref float query, ref byte key, int headDim, KvFormat format, float scale = 1)
    {
        float sum = 0;
        for (int i = 0; i < headDim; i++)
            sum += Unsafe.Add(ref query, i) * (RowFormat.Read(ref key, i, format) * scale);
        return sum;
    }

    /// <summary>One key's step of the online softmax: adds its value row, weighted by <c>2^(logit - maximum)</c>.</summary>
    public static void Add(
        float logit, ref byte value, int headDim, KvFormat format, ref float maximum, ref float weights, ref float sums, float scale = 1)
    {
        float previous = maximum;
        maximum = Math.Max(previous, logit); // NaN stays NaN
        float correction = float.Exp2(previous - maximum);
        float weight = float.Exp2(logit - maximum);
        weights = weights * correction + weight;
        for (int i = 0; i < headDim; i++)
            Unsafe.Add(ref sums, i) = Unsafe.Add(ref sums, i) * correction + weight * (RowFormat.Read(ref value, i, format) * scale);
    }
}
