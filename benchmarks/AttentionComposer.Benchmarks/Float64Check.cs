namespace AttentionComposer.Benchmarks;

/// <summary>
/// The peers' check: three query heads, and in prefill three rows, recomputed in float64 straight from the hash. It shares no
/// code with the library, so neither a kernel nor a cache can be wrong in the same way.
/// </summary>
static class Float64Check
{
    static readonly int[] Heads = [0, 13, 31];

    /// <summary>Largest difference over the largest reference value, over the checked rows.</summary>
    /// <param name="plan">What the pipeline declares.</param>
    /// <param name="output"><c>[rows, QueryHeads, HeadDim]</c>; row i holds the queries of token i.</param>
    /// <param name="keys">Number of keys in the cache; the rows are the last positions.</param>
    public static double RelativeError(AttentionPlan plan, ReadOnlySpan<float> output, int keys)
    {
        AttentionShape shape = plan.Shape;
        int rows = output.Length / shape.QueryWidth;
        var reference = new double[shape.HeadDim];
        double worst = 0;
        foreach (int head in Heads.Select(head => head % shape.QueryHeads))
        {
            foreach (int row in new HashSet<int> { 0, rows / 2, rows - 1 })
            {
                Attend(plan, head, row, position: keys - rows + row, keys, reference);
                ReadOnlySpan<float> got = output.Slice(row * shape.QueryWidth + head * shape.HeadDim, shape.HeadDim);
                double difference = 0, largest = 0;
                for (int d = 0; d < reference.Length; d++)
                {
                    double distance = Math.Abs(got[d] - reference[d]);
                    if (double.IsNaN(distance))
                        return double.NaN;
                    difference = Math.Max(difference, distance);
                    largest = Math.Max(largest, Math.Abs(reference[d]));
                }
                worst = Math.Max(worst, difference / largest);
            }
        }
        return worst;
    }

    static void Attend(AttentionPlan plan, int head, int queryToken, int position, int keys, double[] output)
    {
        int keyHead = head / plan.Shape.GroupSize, headDim = plan.Shape.HeadDim;
        var scores = new double[keys];
        Parallel.For(0, keys, key =>
        {
            if (!IsVisible(plan, position, key))
            {
                scores[key] = double.NegativeInfinity;
                return;
            }
            double dot = 0;
            double[] stored = TestTensors.Stored(plan.Format, TestTensors.Keys, keyHead, key, headDim);
            for (int d = 0; d < headDim; d++)
                dot += TestTensors.Value(TestTensors.Queries, head, queryToken, d) * stored[d];
            double score = dot / Math.Sqrt(headDim);
            if (plan.SoftCap > 0)
                score = plan.SoftCap * Math.Tanh(score / plan.SoftCap);
            if (plan.AlibiSlopes.Count > 0)
                score -= Math.Pow(2, -8.0 * (head + 1) / plan.Shape.QueryHeads) * Math.Abs(position - key);
            scores[key] = score;
        });
        double max = scores.Max(), sum = 0;
        Array.Clear(output);
        for (int key = 0; key < keys; key++)
        {
            double weight = Math.Exp(scores[key] - max);
            if (weight == 0)
                continue;
            sum += weight;
            double[] stored = TestTensors.Stored(plan.Format, TestTensors.Values, keyHead, key, headDim);
            for (int d = 0; d < headDim; d++)
                output[d] += weight * stored[d];
        }
        for (int d = 0; d < headDim; d++)
            output[d] /= sum;
    }

    static bool IsVisible(AttentionPlan plan, int position, int key) =>
        (!plan.Causal || key <= position)
        && (plan.Window == 0 || position - key < plan.Window || key < plan.Sinks);
}
