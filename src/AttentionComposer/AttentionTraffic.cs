namespace AttentionComposer;

/// <summary>Bytes that one decode step of one sequence moves between the cache and the processor, over all heads of a layer.</summary>
/// <param name="Stages">The stages in the order in which they run.</param>
public sealed record AttentionTraffic(IReadOnlyList<StageTraffic> Stages)
{
    /// <summary>Bytes read by all stages.</summary>
    public long BytesRead => Stages.Sum(stage => stage.BytesRead);

    /// <summary>Bytes written by all stages.</summary>
    public long BytesWritten => Stages.Sum(stage => stage.BytesWritten);

    /// <summary>One line a stage.</summary>
    public override string ToString() => string.Join('\n', Stages);
}

/// <summary>What one stage of a step moves.</summary>
/// <param name="Name">The stage.</param>
/// <param name="BytesRead">Bytes that it reads.</param>
/// <param name="BytesWritten">Bytes that it writes.</param>
public sealed record StageTraffic(string Name, long BytesRead, long BytesWritten)
{
    /// <summary>For instance <c>chosen keys and values: 1048576 bytes read</c>.</summary>
    public override string ToString() =>
        $"{Name}: " + (BytesRead > 0 ? $"{BytesRead} bytes read" : "") + (BytesRead > 0 && BytesWritten > 0 ? ", " : "")
        + (BytesWritten > 0 ? $"{BytesWritten} bytes written" : "");
}
