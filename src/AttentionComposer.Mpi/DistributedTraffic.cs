namespace AttentionComposer.Mpi;

/// <summary>What this host has sent, and how long it has waited: payloads, counted once for each host that receives them.</summary>
public struct DistributedTraffic
{
    /// <summary>Bytes of anchors' keys and values.</summary>
    public long AnchorBytes { get; internal set; }

    /// <summary>Bytes of queries behind the context, with their headers.</summary>
    public long QueryBytes { get; internal set; }

    /// <summary>Bytes of partial outputs and log-sum-exps.</summary>
    public long PartialBytes { get; internal set; }

    /// <summary>Messages, counted once for each host that receives them.</summary>
    public long Messages { get; internal set; }

    /// <summary>Time in messages while the context was encoded, waiting for other hosts included.</summary>
    public TimeSpan ContextWait { get; internal set; }

    /// <summary>Time in messages behind the context, waiting for other hosts included.</summary>
    public TimeSpan QueryWait { get; internal set; }

    /// <summary>Bytes in all.</summary>
    public readonly long Bytes => AnchorBytes + QueryBytes + PartialBytes;
}
