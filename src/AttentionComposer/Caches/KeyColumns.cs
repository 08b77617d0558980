namespace AttentionComposer.Caches;

/// <summary>
/// The keys a second time, channel by channel: <c>[KeyValueHeads, channels, Stride]</c>, in the cache's format and slots, so that a
/// few channels of all keys are a few contiguous streams; a row's scale is the one beside the row. All channels, or those of a label. Storing a token writes one scalar into each of them, a cache
/// line of its own. Truncating costs nothing.
/// </summary>
sealed unsafe class KeyColumns : CacheCompanion
{
    // Kernels read two whole vectors, up to 31 slots behind the last one.
    const int Padding = 32;

    // Tokens that are turned together: their rows stay in the first cache while one channel after another is written.
    const int BlockTokens = 64;

    readonly NativeBuffer _scalars;
    readonly int[] _channels;   // [KeyValueHeads, _count]
    readonly int _count;
    readonly int _scalarSize;

    /// <param name="kind">The cache's kind.</param>
    /// <param name="slots">Slots of a head.</param>
    /// <param name="labels">The channels to keep of each head, <c>[KeyValueHeads, rank]</c>; empty for all.</param>
    public KeyColumns(CacheKind kind, int slots, ReadOnlySpan<int> labels)
    {
        int heads = kind.Shape.KeyValueHeads, dim = kind.Shape.HeadDim;
        _channels = labels.IsEmpty ? [.. Enumerable.Range(0, heads * dim).Select(i => i % dim)] : labels.ToArray();
        _count = _channels.Length / heads;
        // An odd number of lines from one channel to the next spreads neighbouring channels over the sets of the caches.
        int perLine = 64 / kind.ScalarSize;
        int lines = (slots + Padding + perLine - 1) / perLine;
        Stride = (lines | 1) * perLine;
        _scalarSize = kind.ScalarSize;
        _scalars = new NativeBuffer((long)heads * _count * Stride * _scalarSize);
    }

    /// <summary>Scalars from one channel to the next.</summary>
    public nint Stride { get; }

    public override long SizeInBytes => _scalars.SizeInBytes;

    /// <summary>The channels that are kept, head by head.</summary>
    public ReadOnlySpan<int> Channels => _channels;

    /// <summary>The channels that are kept of one head.</summary>
    public ReadOnlySpan<int> ChannelsOf(int head) => _channels.AsSpan(head * _count, _count);

    public byte* Of(int head) => _scalars.Pointer + head * (long)_count * Stride * _scalarSize;

    public override void Stored(RowCache cache, int head, int first, int tokens)
    {
        for (int token = 0, count; token < tokens; token += count)
        {
            int slot = cache.Layout.Slot(first + token);
            count = Math.Min(Math.Min(BlockTokens, tokens - token), cache.Layout.Run(first + token));
            byte* rows = cache.Keys(head) + (long)slot * cache.Kind.RowBytes;
            byte* columns = Of(head) + (long)slot * _scalarSize;
            if (_scalarSize == sizeof(float))
                Turn((float*)rows, cache.Kind.RowStride, count, ChannelsOf(head), (float*)columns);
            else if (_scalarSize == sizeof(sbyte))
                Turn((sbyte*)rows, cache.Kind.RowStride, count, ChannelsOf(head), (sbyte*)columns);
            else
                Turn((ushort*)rows, cache.Kind.RowStride, count, ChannelsOf(head), (ushort*)columns);
        }
    }

    public override void Truncating(RowCache cache, int length, int previous)
    {
    }

    public override void Dispose() => _scalars.Dispose();

    void Turn<T>(T* rows, int rowStride, int count, ReadOnlySpan<int> channels, T* columns)
        where T : unmanaged
    {
        for (int i = 0; i < channels.Length; i++)
        {
            int channel = channels[i];
            T* column = columns + i * Stride;
            for (int token = 0; token < count; token++)
                column[token] = rows[(long)token * rowStride + channel];
        }
    }
}
