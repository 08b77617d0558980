namespace AttentionComposer.Tests;

/// <summary>
/// Accepts <c>|x - y| ≤ atol + rtol · |y|</c> with <c>y</c> expected. Infinities equal themselves only, and where NaN is expected
/// anything but NaN is refused.
/// </summary>
public readonly record struct Tolerance(double Absolute, double Relative)
{
    /// <summary>What float32 accumulation reaches; the golden set's own.</summary>
    public static Tolerance Float32 { get; } = new(2e-5, 2e-5);

    public bool Accepts(double actual, double expected) =>
        double.IsNaN(expected) ? double.IsNaN(actual)
        : double.IsInfinity(expected) ? actual == expected
        : Math.Abs(actual - expected) <= Absolute + Relative * Math.Abs(expected);

    /// <summary>Fails with the first and the worst difference; <paramref name="what"/> names the tensor.</summary>
    public void Check(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, string what)
    {
        Assert.True(actual.Length == expected.Length, $"{what}: {actual.Length} scalars instead of {expected.Length}");
        int first = -1, worst = -1, count = 0;
        double worstError = -1;
        for (int i = 0; i < actual.Length; i++)
            if (!Accepts(actual[i], expected[i]))
            {
                double error = Math.Abs((double)actual[i] - expected[i]);
                if (first < 0)
                    first = i;
                if (worst < 0 || error > worstError)
                    (worst, worstError) = (i, error);
                count++;
            }
        if (count != 0)
            Assert.Fail(
                $"{what}: {count} of {actual.Length} outside {this}; " +
                $"first at {first}: {actual[first]} instead of {expected[first]}; " +
                $"worst at {worst}: {actual[worst]} instead of {expected[worst]}");
    }
}
