using System.Numerics.Tensors;

namespace AttentionComposer.Caches;

/// <summary>
/// Each page's smallest and largest scalar in every channel: <c>[KeyValueHeads, pages, 2, RowStride]</c>, float32, of the keys as they are
/// stored. A token compares its key with the two rows of its page. A truncation adds the keys that remain of the last page up afresh: at most
/// one page's keys.
/// </summary>
sealed unsafe class PageBounds : CacheCompanion
{
    readonly NativeBuffer _bounds;
    readonly int _pageSize;
    readonly int _pages;
    readonly int _stride;

    public PageBounds(CacheKind kind, int slots)
    {
        _pageSize = kind.Companions.PageSize;
        _pages = (slots + _pageSize - 1) / _pageSize;
        _stride = kind.RowStride;
        _bounds = new NativeBuffer((long)kind.Shape.KeyValueHeads * _pages * 2 * _stride * sizeof(float));
    }

    public override long SizeInBytes => _bounds.SizeInBytes;

    public float* Of(int head) => (float*)_bounds.Pointer + (long)head * _pages * 2 * _stride;

    public override void Stored(RowCache cache, int head, int first, int tokens)
    {
        for (int position = first; position < first + tokens; position++)
            Include(cache, head, position);
    }

    public override void Truncating(RowCache cache, int length, int previous)
    {
        if (length == previous || length % _pageSize == 0)
            return;
        for (int head = 0; head < cache.Shape.KeyValueHeads; head++)
        {
            for (int position = length / _pageSize * _pageSize; position < length; position++)
                Include(cache, head, position);
        }
    }

    public override void Dispose() => _bounds.Dispose();

    void Include(RowCache cache, int head, int position)
    {
        Span<float> key = stackalloc float[_stride];
        cache.ReadKey(head, position, key);
        float* page = Of(head) + position / _pageSize * 2L * _stride;
        var minima = new Span<float>(page, _stride);
        var maxima = new Span<float>(page + _stride, _stride);
        if (position % _pageSize == 0)
        {
            key.CopyTo(minima);
            key.CopyTo(maxima);
            return;
        }

        TensorPrimitives.Min(minima, key, minima); // NaN stays NaN
        TensorPrimitives.Max(maxima, key, maxima);
    }
}
