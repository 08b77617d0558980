using System.Diagnostics;

namespace AttentionComposer.Benchmarks;

/// <summary>Times the workloads of a group in turn, with a sample of the machine's limit before each turn.</summary>
sealed class RoundRobin(MachineLimits limits, double secondsPerRow)
{
    const double WarmUpSeconds = 0.3;
    const double TurnSeconds = 0.02;

    readonly Dictionary<Row, RowResult> _results = [];

    /// <summary>Everything measured so far, in the order of the first measurement.</summary>
    public IReadOnlyCollection<RowResult> Results => _results.Values;

    public void Measure(IReadOnlyList<Workload> group)
    {
        var results = new RowResult[group.Count];
        for (int i = 0; i < group.Count; i++)
        {
            if (!_results.TryGetValue(group[i].Row, out RowResult? result))
                _results.Add(group[i].Row, result = new RowResult(group[i]));
            results[i] = result;
            WarmUp(group[i]);
            result.RelativeError = group[i].RelativeError();
            result.AllocatedBytes = AllocatedBytesPerCall(group[i]);
        }

        long budget = (long)(secondsPerRow * group.Count * Stopwatch.Frequency);
        long end = Stopwatch.GetTimestamp() + budget;
        for (int turn = 0; turn < 3 || Stopwatch.GetTimestamp() < end; turn++)
        {
            for (int i = 0; i < group.Count; i++)
                TakeTurn(group[i], results[i]);
        }
    }

    void TakeTurn(Workload workload, RowResult result)
    {
        result.LimitSamples.Add(limits.Sample(workload.Limit));
        double expected = result.Seconds.Count > 0 ? result.Seconds[^1] : 0;
        // Measuring the limit let the library's workers fall asleep; a decoder's next layer would find them awake.
        if (expected < TurnSeconds / 2)
            workload.Run(result.Seconds.Count);
        long end = Stopwatch.GetTimestamp() + (long)(TurnSeconds * Stopwatch.Frequency);
        do
        {
            long start = Stopwatch.GetTimestamp();
            // The warm-up call took the turn before this one, so that no cache is read twice in a row.
            workload.Run(result.Seconds.Count + 1);
            result.Seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        while (Stopwatch.GetTimestamp() < end);
    }

    static void WarmUp(Workload workload)
    {
        long start = Stopwatch.GetTimestamp();
        int turn = 0;
        do
            workload.Run(turn++);
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds);
    }

    static double AllocatedBytesPerCall(Workload workload)
    {
        const int Calls = 4;
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < Calls; i++)
            workload.Run(i);
        return (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Calls;
    }
}
