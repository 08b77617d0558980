using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>Argument checks of the verbs: each message names the argument and the shape that was expected.</summary>
static class Check
{
    public static RowCache Cache(KvCache cache, CacheKind kind, string name = "cache")
    {
        ArgumentNullException.ThrowIfNull(cache, name);
        if (cache is not RowCache rows || rows.Kind != kind)
            throw new ArgumentException(
                $"The cache was made for {(cache as RowCache)?.Kind.ToString() ?? cache.Shape.ToString()}; this pipeline needs one for {kind}. " +
                "Make it with this pipeline's CreateCache.", name);
        rows.ThrowIfDisposed();
        return rows;
    }

    public static int Tokens(ReadOnlySpan<float> span, int width, string name, string layout, AttentionShape shape)
    {
        if (span.Length % width != 0)
            throw new ArgumentException(
                $"Expected {layout} with {width} scalars a token ({shape}), got {span.Length} scalars.", name);
        return span.Length / width;
    }

    public static void Length(ReadOnlySpan<float> span, int rows, int width, string name, string layout)
    {
        if (span.Length != (long)rows * width)
            throw new ArgumentException($"Expected {layout}: {rows} × {width} = {(long)rows * width} scalars, got {span.Length}.", name);
    }

    public static void Outputs(
        ReadOnlySpan<float> queries, ReadOnlySpan<float> output, ReadOnlySpan<float> logSumExp, int tokens, AttentionShape shape)
    {
        Length(output, tokens, shape.QueryWidth, nameof(output), "[tokens, QueryHeads, HeadDim]");
        if (!logSumExp.IsEmpty)
            Length(logSumExp, tokens, shape.QueryHeads, nameof(logSumExp), "[tokens, QueryHeads]");
        if (output.Overlaps(logSumExp))
            throw new ArgumentException("Outputs must not overlap each other.", nameof(logSumExp));
        Apart(queries, output, logSumExp, nameof(queries));
    }

    /// <summary>Threads write the output while others still read the input.</summary>
    public static void Apart(ReadOnlySpan<float> input, ReadOnlySpan<float> output, ReadOnlySpan<float> logSumExp, string name)
    {
        if (input.Overlaps(output))
            throw new ArgumentException($"The output must not overlap {name}.", nameof(output));
        if (input.Overlaps(logSumExp))
            throw new ArgumentException($"The log-sum-exp must not overlap {name}.", nameof(logSumExp));
    }

    public static void Room(RowCache cache, int tokens)
    {
        if (tokens > cache.Capacity - cache.Length)
            throw new InvalidOperationException(
                $"The cache holds {cache.Length} of {cache.Capacity} positions and has no room for {tokens} more.");
    }

    public static void Retained(RowCache cache, int tokens, string name)
    {
        int first = Math.Max(0, cache.Length - tokens);
        if (cache.Length > 0 && !cache.Serves(first))
            throw new InvalidOperationException(
                $"The query at position {first} ({name}) sees keys that the cache no longer holds: with a window of {cache.Kind.Window} keys it serves " +
                $"the newest {cache.MaxStep} positions. Attend in smaller steps, or pass keys and values together with the queries.");
    }
}
