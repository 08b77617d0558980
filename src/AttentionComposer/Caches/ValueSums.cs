using System.Numerics.Tensors;

namespace AttentionComposer.Caches;

/// <summary>
/// The sum of each head's visible values, in float64: the running mean of SparQ without its drift. A token adds its value, and a
/// truncation subtracts what it removes: HeadDim additions for each of these tokens.
/// </summary>
/// <remarks>
/// Subtraction undoes an addition only up to the rounding of the sum, which a single huge or infinite value makes worthless. Such sums, and
/// those of a window that jumped, are added up afresh when they are next read.
/// </remarks>
sealed unsafe class ValueSums : CacheCompanion
{
    // Sums of magnitudes up to this one keep more than float32's precision through any number of steps.
    const float Trusted = 1 << 20;

    readonly double[] _sums;
    readonly bool[] _stale;
    readonly bool[] _huge;
    readonly int _headDim;

    public ValueSums(CacheKind kind)
    {
        _headDim = kind.Shape.HeadDim;
        _sums = new double[kind.Shape.KeyValueWidth];
        _stale = new bool[kind.Shape.KeyValueHeads];
        _huge = new bool[kind.Shape.KeyValueHeads];
    }

    public override long SizeInBytes => _sums.Length * (long)sizeof(double);

    public override void Stored(RowCache cache, int head, int first, int tokens)
    {
        if (_stale[head])
            return;

        int window = cache.Kind.Window;
        if (window != 0 && tokens > 1)
        {
            _stale[head] = true;
            return;
        }

        for (int token = first; token < first + tokens; token++)
            Add(cache, head, token, 1);

        // What leaves the window is still in the ring: its slack is longer than one token.
        int leaving = first - window;
        if (window != 0 && leaving >= cache.Kind.Pinned)
            Add(cache, head, leaving, -1);
    }

    public override void Truncating(RowCache cache, int length, int previous)
    {
        for (int head = 0; head < _stale.Length; head++)
        {
            if (length == 0)
            {
                _sums.AsSpan(head * _headDim, _headDim).Clear();
                (_stale[head], _huge[head]) = (false, false);
                continue;
            }

            _stale[head] |= _huge[head] || (cache.Kind.Window != 0 && length < previous);
            for (int token = length; token < previous && !_stale[head]; token++)
                Add(cache, head, token, -1);
        }
    }

    /// <summary>Positions whose values a cache's sums hold: all of them, or those of its window and sinks.</summary>
    public static int Covered(RowCache cache) =>
        cache.Kind.Window == 0 || cache.Length <= cache.Kind.Window
            ? cache.Length
            : cache.Kind.Window + Math.Min(cache.Kind.Pinned, cache.Length - cache.Kind.Window);

    /// <summary>The mean of the values at the visible positions but for some; 0 when that leaves none.</summary>
    public void Mean(RowCache cache, int head, ReadOnlySpan<Kernels.KeyRange> visible, ReadOnlySpan<int> except, Span<float> mean)
    {
        if (_stale[head])
            AddUp(cache, head, visible);

        int count = 0;
        foreach (Kernels.KeyRange range in visible)
            count += range.Count;
        Span<double> sums = stackalloc double[_headDim];
        _sums.AsSpan(head * _headDim, _headDim).CopyTo(sums);
        foreach (int position in except)
            Add(cache, head, position, -1, sums);
        count = Math.Max(1, count - except.Length);
        for (int i = 0; i < mean.Length; i++)
            mean[i] = (float)(sums[i] / count);
    }

    public override void Dispose()
    {
    }

    void AddUp(RowCache cache, int head, ReadOnlySpan<Kernels.KeyRange> visible)
    {
        _sums.AsSpan(head * _headDim, _headDim).Clear();
        _huge[head] = false;
        foreach (Kernels.KeyRange range in visible)
        {
            for (int position = range.Low; position < range.High; position++)
                Add(cache, head, position, 1);
        }

        _stale[head] = false;
    }

    void Add(RowCache cache, int head, int position, double sign)
    {
        if (!(Add(cache, head, position, sign, _sums.AsSpan(head * _headDim, _headDim)) <= Trusted)) // nor is NaN
            _huge[head] = true;
    }

    float Add(RowCache cache, int head, int position, double sign, Span<double> sums)
    {
        Span<float> value = stackalloc float[_headDim];
        cache.ReadValue(head, position, value);
        for (int i = 0; i < sums.Length; i++)
            sums[i] += sign * value[i];
        return TensorPrimitives.MaxMagnitude(value);
    }
}
