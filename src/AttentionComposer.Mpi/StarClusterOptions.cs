namespace AttentionComposer.Mpi;

/// <summary>When a job counts as broken.</summary>
public sealed record StarClusterOptions
{
    /// <summary>
    /// How long a host may give no sign of life before its neighbour ends the job. Every host gives one each second from a thread of its own,
    /// so the time need not cover any computation. 10 seconds unless set.
    /// </summary>
    public TimeSpan SilenceLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a host waits for a message of hosts that do live: it must cover what they compute in between. 10 minutes unless set.
    /// </summary>
    public TimeSpan MessageLimit { get; init; } = TimeSpan.FromMinutes(10);
}
