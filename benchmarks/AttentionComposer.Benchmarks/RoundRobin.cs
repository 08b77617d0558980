using System.Diagnostics;

namespace AttentionComposer.Benchmarks;

/// <summary>Times the workloads of a group in turn, with a sample of the machine's limit between any two turns.</summary>
sealed class RoundRobin(MachineLimits limits, double secondsPerRow)
{
    const double WarmUpSeconds = 0.3;
    const double TurnSeconds = 0.02;

    readonly Dictionary<Row, RowResult> _results = [];

    /// <summary>Everything measured so far, in the order of the first measurement.</summary>
    public IReadOnlyCollection<RowResult> Results => _results.Values;

    public void Measure(IReadOnlyList<Workload> group)
    {
        if (group.Count == 0)
            return;
        var results = new RowResult[group.Count];
        for (int i = 0; i < group.Count; i++)
        {
            if (!_results.TryGetValue(group[i].Row, out RowResult? result))
                _results.Add(group[i].Row, result = new RowResult(group[i]));
            results[i] = result;
            WarmUp(group[i]);
            result.RelativeError = group[i].RelativeError();
            result.AllocatedBytes = AllocatedBytesPerCall(group[i]);
            result.StageShares = group[i].StageShares();
        }

        double before = limits.Sample(group[0].Limit);
        long budget = (long)(secondsPerRow * group.Count * Stopwatch.Frequency);
        long end = Stopwatch.GetTimestamp() + budget;
        for (int turn = 0; turn < 3 || Stopwatch.GetTimestamp() < end; turn++)
        {
            for (int i = 0; i < group.Count; i++)
            {
                int first = results[i].Seconds.Count;
                TakeTurn(group[i], results[i]);
                // A group is bounded by one limit, so the sample behind one turn is also the one before the next.
                double after = limits.Sample(group[i].Limit);
                double around = (before + after) / 2;
                results[i].TurnLimits.Add(around);
                double seconds = RowResult.Median(results[i].Seconds.Skip(first));
                results[i].TurnSeconds.Add(seconds);
                results[i].TurnShares.Add(group[i].Work / seconds / around);
                before = after;
            }
        }
    }

    static void TakeTurn(Workload workload, RowResult result)
    {
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
        const int Attempts = 3, Calls = 4;
        long least = long.MaxValue;
        // All threads are counted, also the runtime's own; what the calls allocate shows in every attempt, what those do does not.
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < Calls; i++)
                workload.Run(i);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        return least / (double)Calls;
    }
}
