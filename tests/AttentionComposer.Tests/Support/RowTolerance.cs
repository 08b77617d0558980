namespace AttentionComposer.Tests;

/// <summary>
/// Accepts an output row (one query of one head) by its relative error in the maximum norm, <c>max |x - y| ≤ Relative · max |y|</c>: a
/// scalar near 0 among larger ones is a difference of values, and float32 rounds what is subtracted. A log-sum-exp is accepted
/// within <c>Relative · max(1, |y|)</c>: its absolute error is the relative error of the sum. A row that sees nothing has the norm
/// 0 and the log-sum-exp negative infinity, so both must be exact.
/// </summary>
public readonly record struct RowTolerance(double Relative)
{
    /// <summary>What every variant is held to against float64.</summary>
    public static RowTolerance Float32 { get; } = new(1e-5);

    /// <summary>Between kernels of different widths: 32 units in the last place of a row's largest scalar.</summary>
    public static RowTolerance Rounding { get; } = new(32 * 1.1920929e-7);

    /// <summary>Fails with the worst row; <paramref name="what"/> names the result.</summary>
    public void Check(Result actual, Result expected, string what)
    {
        int rows = expected.LogSumExp.Length, width = expected.Output.Length / rows;
        Assert.Equal((expected.Output.Length, rows), (actual.Output.Length, actual.LogSumExp.Length));
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> x = actual.Output.AsSpan(row * width, width), y = expected.Output.AsSpan(row * width, width);
            double error = 0, norm = 0;
            for (int c = 0; c < width; c++)
            {
                error = Math.Max(error, Math.Abs((double)x[c] - y[c])); // NaN stays
                norm = Math.Max(norm, Math.Abs(y[c]));
            }

            Assert.True(error <= Relative * norm, $"{what}: row {row} is off by {error} where its largest scalar is {norm}");
            double logSumExp = expected.LogSumExp[row], got = actual.LogSumExp[row];
            Assert.True(
                got == logSumExp || Math.Abs(got - logSumExp) <= Relative * Math.Max(1, Math.Abs(logSumExp)),
                $"{what}: row {row} has the log-sum-exp {got} instead of {logSumExp}");
        }
    }
}
