using System.ComponentModel;
using ILGPU;
using ILGPU.Algorithms;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// Merges the parts that the splits of a launch left, and divides by the weights: with the largest maximum m,
/// <c>Σ 2^(m_s - m) sums_s / Σ 2^(m_s - m) weights_s</c>.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class MergeKernel
{
    const float Log2E = 1.4426950408889634f;

    /// <summary>
    /// One group of threads a row, its columns over the threads; the grid is <c>(QueryHeads, LaunchTokens, sequences)</c>.
    /// </summary>
    /// <param name="call">The launch.</param>
    /// <param name="headDim">Scalars of a row.</param>
    /// <param name="sinkLogits">Index in the floats of the logits that join the denominator; -1 without.</param>
    /// <param name="sumsWeights">1 when weights are added up without being divided by their sum.</param>
    public static void Run(DeviceCall call, int headDim, int sinkLogits, int sumsWeights)
    {
        int head = Grid.IdxX, queryHeads = Grid.DimX;
        long part = (((long)Grid.IdxZ * call.LaunchTokens + Grid.IdxY) * queryHeads + head) * call.Splits;
        long row = ((long)Grid.IdxZ * call.Tokens + call.FirstToken + Grid.IdxY) * queryHeads + head;

        float maximum = float.NegativeInfinity;
        for (int split = 0; split < call.Splits; split++)
            maximum = DeviceMath.Max(maximum, call.Maxima[part + split]);

        // A row that saw no key: 0, and its log-sum-exp is -infinity.
        bool seen = maximum != float.NegativeInfinity;
        float total = 0;
        if (seen && sinkLogits >= 0)
        {
            float sink = call.Floats[sinkLogits + head] * Log2E;
            maximum = DeviceMath.Max(maximum, sink);
            total = DeviceMath.Factor(sink, maximum);
        }

        for (int split = 0; split < call.Splits; split++)
            total += DeviceMath.Factor(call.Maxima[part + split], maximum) * call.Weights[part + split];

        float divisor = sumsWeights != 0 ? XMath.Exp2(-maximum) : total;
        for (int column = Group.IdxX; column < headDim; column += Group.DimX)
        {
            float sum = 0;
            for (int split = 0; split < call.Splits; split++)
            {
                // A split that the row sees nothing of has not written its sums.
                float factor = DeviceMath.Factor(call.Maxima[part + split], maximum);
                if (factor != 0)
                    sum += factor * call.Sums[(part + split) * headDim + column];
            }

            call.Output[row * headDim + column] = seen ? sum / divisor : 0;
        }

        if (call.WritesLogSumExp != 0 && Group.IdxX == 0)
            call.LogSumExp[row] = seen ? (maximum + XMath.Log2(total)) / Log2E : float.NegativeInfinity;
    }
}
