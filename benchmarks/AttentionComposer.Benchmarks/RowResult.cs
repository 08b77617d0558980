namespace AttentionComposer.Benchmarks;

/// <summary>What was measured for one row, over all rounds.</summary>
sealed class RowResult(Workload workload)
{
    public Row Row { get; } = workload.Row;

    public Limit Limit { get; } = workload.Limit;

    public double Work { get; } = workload.Work;

    /// <summary>Seconds of each timed call.</summary>
    public List<double> Seconds { get; } = [];

    /// <summary>The limit around each turn: the mean of a sample before and one after.</summary>
    public List<double> TurnLimits { get; } = [];

    /// <summary>Each turn's median rate over the limit around it.</summary>
    public List<double> TurnShares { get; } = [];

    public double? RelativeError { get; set; }

    /// <summary>Bytes that all threads together allocated per call, once warm.</summary>
    public double AllocatedBytes { get; set; }

    public double MedianSeconds => Median(Seconds);

    public double Rate => Work / MedianSeconds;

    public double LimitRate => Median(TurnLimits);

    /// <summary>
    /// The median over the turns, not the ratio of the medians: where a neighbour takes and gives back half of the bandwidth every
    /// few seconds, the two medians can come from different moments.
    /// </summary>
    public double ShareOfLimit => Median(TurnShares);

    public static double Median(params IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        return sorted.Length == 0 ? double.NaN
            : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2]
            : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
