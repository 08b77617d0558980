namespace AttentionComposer.Tests.Golden;

/// <summary>How far rows of 8-bit integers may take a result from the golden tensors, derived from the case's own numbers.</summary>
/// <remarks>
/// A scalar of a row r comes back within half a scale, <c>max|r| / 254</c>. So a score is off by at most
/// <c>ε = |scale| · ‖q‖₁ · max|k| / 254</c>, which soft caps and biases do not enlarge; the log-sum-exp is off by at most ε, and a probability p by a factor between
/// <c>e^-2ε</c> and <c>e^2ε</c>. With the values' own errors the output is off by at most <c>e^2ε Σ p max|v| / 254 + (e^2ε - 1) Σ p |v|</c>: two attentions over other values.
/// </remarks>
static class Int8Bound
{
    const double Steps = 254;

    public static void Check(AttentionCase golden, Result actual)
    {
        Sequence sequence = golden.Sequence;
        AttentionShape shape = sequence.Shape;
        Result expected = golden.Expected;
        Result magnitudes = OverValues(Array.ConvertAll(sequence.Values, Math.Abs));
        Result largest = OverValues([.. sequence.Values.Chunk(shape.HeadDim).SelectMany(row => Enumerable.Repeat(row.Max(Math.Abs), row.Length))]);
        for (int row = 0; row < expected.LogSumExp.Length; row++)
        {
            double epsilon = Math.Abs(golden.Scale) * Norm(row) * LargestKey(row % shape.QueryHeads / shape.GroupSize) / Steps, growth = Math.Exp(2 * epsilon);
            CheckOne(actual.LogSumExp[row], expected.LogSumExp[row], epsilon, $"row {row}, log-sum-exp");
            for (int i = row * shape.HeadDim; i < (row + 1) * shape.HeadDim; i++)
                CheckOne(actual.Output[i], expected.Output[i], growth * largest.Output[i] / Steps + (growth - 1) * magnitudes.Output[i], $"row {row}, output at {i}");
        }

        Result OverValues(float[] values) => Result.OfReference(golden.Reference, sequence with { Values = values });

        double Norm(int row) => sequence.Queries.AsSpan(row * shape.HeadDim, shape.HeadDim).ToArray().Sum(x => Math.Abs((double)x));

        double LargestKey(int head) =>
            sequence.Keys.Chunk(shape.HeadDim).Where((_, row) => row % shape.KeyValueHeads == head).SelectMany(row => row).Select(Math.Abs).DefaultIfEmpty().Max();

        void CheckOne(double value, double golden, double bound, string what) => Assert.True(
            new Tolerance(bound + Tolerance.Float32.Absolute, Tolerance.Float32.Relative).Accepts(value, golden), $"{what}: {value} instead of {golden}, where 8 bits allow {bound}");
    }
}
