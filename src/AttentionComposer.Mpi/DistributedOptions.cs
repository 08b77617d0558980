namespace AttentionComposer.Mpi;

/// <summary>Where hosts have the anchor's keys and values from.</summary>
public enum AnchorSource
{
    /// <summary>
    /// From the first host, which encodes these positions anyway: one broadcast a layer. Exact, since the anchor sees the same tokens at the same
    /// positions on every host.
    /// </summary>
    Broadcast,

    /// <summary>Every host encodes the anchor itself before its blocks, as the paper does: more work, no message while the context is encoded.</summary>
    Recompute,
}

/// <summary>What the hosts send of a question's attention over their parts of the context.</summary>
public enum PartialResults
{
    /// <summary>One result for each host, as in the paper: the least traffic.</summary>
    PerHost,

    /// <summary>One result for each block: the merged result is the same bit for bit on any number of hosts.</summary>
    PerBlock,
}

/// <summary>How hosts share one context; the same on every host.</summary>
public sealed record DistributedOptions
{
    /// <summary>Where hosts have the anchor from.</summary>
    public AnchorSource Anchor { get; init; }

    /// <summary>What is merged behind the context.</summary>
    public PartialResults Partials { get; init; }
}
