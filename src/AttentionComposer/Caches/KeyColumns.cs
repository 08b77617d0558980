namespace AttentionComposer.Caches;

/// <summary>
/// The keys a second time, channel by channel: <c>[KeyValueHeads, HeadDim, Stride]</c>, in the cache's format and slots, so that a
/// few channels of all keys are a few contiguous streams. Storing a token writes one scalar into each channel: HeadDim cache lines.
/// Truncating costs nothing.
/// </summary>
sealed unsafe class KeyColumns : CacheCompanion
{
    // Kernels read whole vectors, up to 15 slots behind the last one.
    const int Padding = 16;

    // Tokens that are turned together: their rows stay in the first cache while one channel after another is written.
    const int BlockTokens = 64;

    readonly NativeBuffer _scalars;
    readonly int _headDim;
    readonly int _scalarSize;

    public KeyColumns(CacheKind kind, int slots)
    {
        // An odd number of lines from one channel to the next spreads neighbouring channels over the sets of the caches.
        int perLine = 64 / kind.ScalarSize;
        int lines = (slots + Padding + perLine - 1) / perLine;
        Stride = (lines | 1) * perLine;
        _headDim = kind.Shape.HeadDim;
        _scalarSize = kind.ScalarSize;
        _scalars = new NativeBuffer((long)kind.Shape.KeyValueHeads * _headDim * Stride * _scalarSize);
    }

    /// <summary>Scalars from one channel to the next.</summary>
    public nint Stride { get; }

    public override long SizeInBytes => _scalars.SizeInBytes;

    public byte* Of(int head) => _scalars.Pointer + head * (long)_headDim * Stride * _scalarSize;

    public override void Stored(RowCache cache, int head, int first, int tokens)
    {
        for (int token = 0, count; token < tokens; token += count)
        {
            int slot = cache.Layout.Slot(first + token);
            count = Math.Min(Math.Min(BlockTokens, tokens - token), cache.Layout.Run(first + token));
            byte* rows = cache.Keys(head) + (long)slot * cache.Kind.RowStride * _scalarSize;
            byte* columns = Of(head) + (long)slot * _scalarSize;
            if (_scalarSize == sizeof(float))
                Turn((float*)rows, cache.Kind.RowStride, count, (float*)columns);
            else
                Turn((ushort*)rows, cache.Kind.RowStride, count, (ushort*)columns);
        }
    }

    public override void Truncating(RowCache cache, int length, int previous)
    {
    }

    public override void Dispose() => _scalars.Dispose();

    void Turn<T>(T* rows, int rowStride, int count, T* columns)
        where T : unmanaged
    {
        for (int channel = 0; channel < _headDim; channel++)
        {
            T* column = columns + channel * Stride;
            for (int token = 0; token < count; token++)
                column[token] = rows[(long)token * rowStride + channel];
        }
    }
}
