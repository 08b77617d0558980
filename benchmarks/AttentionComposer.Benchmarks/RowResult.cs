namespace AttentionComposer.Benchmarks;

/// <summary>What was measured for one row, over all rounds.</summary>
sealed class RowResult(Workload workload)
{
    public Row Row { get; } = workload.Row;

    public Limit Limit { get; } = workload.Limit;

    public double Work { get; } = workload.Work;

    /// <summary>Seconds of each timed call.</summary>
    public List<double> Seconds { get; } = [];

    /// <summary>The limit's samples taken right before this row's calls.</summary>
    public List<double> LimitSamples { get; } = [];

    public double RelativeError { get; set; }

    /// <summary>Bytes that all threads together allocated per call, once warm.</summary>
    public double AllocatedBytes { get; set; }

    public double MedianSeconds => Median(Seconds);

    public double Rate => Work / MedianSeconds;

    public double LimitRate => Median(LimitSamples);

    public double ShareOfLimit => Rate / LimitRate;

    public static double Median(IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        return sorted.Length == 0 ? double.NaN
            : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2]
            : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
