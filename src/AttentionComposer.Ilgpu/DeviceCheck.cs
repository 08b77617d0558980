using AttentionComposer.Ilgpu.Kernels;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>Argument checks of the verbs: each message names the pipeline, the argument and the shape that was expected.</summary>
readonly struct DeviceCheck
{
    readonly string _pipeline;
    readonly AttentionShape _shape;
    readonly DeviceKvCache _cache;

    public DeviceCheck(string pipeline, DeviceCacheKind kind, ReadOnlySpan<int> labels, Accelerator accelerator, DeviceKvCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        (_pipeline, _shape, _cache) = (pipeline, kind.Shape, cache);
        if (cache.Kind != kind)
            throw new ArgumentException(
                $"{pipeline}: the cache was made for {cache.Kind}; this pipeline needs one for {kind}. Make it with this pipeline's CreateCache.", nameof(cache));
        if (cache.Accelerator != accelerator)
            throw new ArgumentException($"{pipeline}: the cache is in the memory of another accelerator.", nameof(cache));
        if (!labels.SequenceEqual(cache.Labels))
            throw new InvalidOperationException(
                $"{pipeline}: the cache keeps labels of other channels than the pipeline's label channels now are. Make a new cache with this pipeline's CreateCache.");
        _ = cache.CheckedLengths;
    }

    /// <summary>Checks the lengths of queries and outputs, and returns the number of tokens of each sequence.</summary>
    public int Queries(long queries, long output, long logSumExp)
    {
        int tokens = Tokens(queries, _shape.QueryWidth, "queries", "[sequences, tokens, QueryHeads, HeadDim]");
        Length(output, tokens, _shape.QueryWidth, "output", "[sequences, tokens, QueryHeads, HeadDim]");
        if (logSumExp != 0)
            Length(logSumExp, tokens, _shape.QueryHeads, "logSumExp", "[sequences, tokens, QueryHeads]");
        return tokens;
    }

    /// <summary>Checks the lengths of keys and values and that there is room for them, and returns the number of tokens of each sequence.</summary>
    public int KeysAndValues(long keys, long values)
    {
        int tokens = Tokens(keys, _shape.KeyValueWidth, "keys", "[sequences, tokens, KeyValueHeads, HeadDim]");
        KeysAndValues(keys, values, tokens);
        return tokens;
    }

    /// <summary>Checks the lengths of keys and values of so many tokens of each sequence, and that there is room for them.</summary>
    public void KeysAndValues(long keys, long values, int tokens)
    {
        Length(keys, tokens, _shape.KeyValueWidth, "keys", "[sequences, tokens, KeyValueHeads, HeadDim]");
        Length(values, tokens, _shape.KeyValueWidth, "values", "[sequences, tokens, KeyValueHeads, HeadDim]");
        ReadOnlySpan<int> lengths = _cache.Lengths;
        for (int i = 0; i < lengths.Length; i++)
            if (tokens > _cache.Capacity - lengths[i])
                throw new InvalidOperationException(
                    $"{_pipeline}: sequence {i} of the cache holds {lengths[i]} of {_cache.Capacity} positions and has no room for {tokens} more.");
    }

    /// <summary>Refuses so many steps that a function's fault in the last could not be taken back from the first.</summary>
    public void Steps(int tokens, bool checksTables)
    {
        if (!checksTables || tokens <= EvictionKernel.Undoable)
            return;
        foreach (EvictionState state in _cache.EvictionStates)
            if (state.HasEvicted)
                throw new ArgumentException(
                    $"{_pipeline}: got {tokens} tokens; behind an eviction a call takes {EvictionKernel.Undoable} at most where functions read tables, so that it can be taken back if one reads " +
                    "outside. Give the tokens in several calls.", "queries");
    }

    int Tokens(long scalars, int width, string name, string layout)
    {
        long step = (long)_cache.Sequences * width;
        if (scalars % step != 0)
            throw new ArgumentException(
                $"{_pipeline}: expected {layout} with {_cache.Sequences} sequences and {width} scalars a token ({_shape}), got {scalars} scalars.", name);
        return checked((int)(scalars / step));
    }

    void Length(long scalars, int tokens, int width, string name, string layout)
    {
        long expected = (long)_cache.Sequences * tokens * width;
        if (scalars != expected)
            throw new ArgumentException(
                $"{_pipeline}: expected {layout}: {_cache.Sequences} × {tokens} × {width} = {expected} scalars, got {scalars}.", name);
    }
}
