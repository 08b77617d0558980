using AttentionComposer.Kernels;

namespace AttentionComposer.Benchmarks;

/// <summary>What was measured for one row, over all rounds.</summary>
sealed class RowResult(Workload workload)
{
    public Row Row { get; } = workload.Row;

    public Limit Limit { get; } = workload.Limit;

    public double Work { get; } = workload.Work;

    /// <summary>Seconds of each timed call.</summary>
    public List<double> Seconds { get; } = [];

    /// <summary>Each turn's median time.</summary>
    public List<double> TurnSeconds { get; } = [];

    /// <summary>The limit around each turn: the mean of a sample before and one after.</summary>
    public List<double> TurnLimits { get; } = [];

    /// <summary>Each turn's median rate over the limit around it.</summary>
    public List<double> TurnShares { get; } = [];

    public double? RelativeError { get; set; }

    /// <summary>The parts of a selection's stages, in the order of <see cref="SelectionStage"/>; null without one.</summary>
    public double[]? StageShares { get; set; }

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

    /// <summary>
    /// How many times as long another row takes that was measured in turn with this one: the median over the turns, for the reason above.
    /// </summary>
    public double TimesAsFastAs(RowResult other) => Median(TurnSeconds.Zip(other.TurnSeconds, (ours, theirs) => theirs / ours));

    public static double Median(params IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        return sorted.Length == 0 ? double.NaN
            : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2]
            : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
