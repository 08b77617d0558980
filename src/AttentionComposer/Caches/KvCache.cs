namespace AttentionComposer;

/// <summary>
/// The keys and values of one sequence in one layer. Made by <see cref="IAttention.CreateCache"/>, which knows what the
/// pipeline reads; used from one thread at a time.
/// </summary>
public abstract class KvCache : IDisposable
{
    int _contextLength = -1;

    private protected KvCache(AttentionShape shape, int capacity)
    {
        Shape = shape;
        Capacity = capacity;
    }

    /// <summary>Head counts and head size of the pipeline that made the cache.</summary>
    public AttentionShape Shape { get; }

    /// <summary>The largest number of positions that the cache takes.</summary>
    public int Capacity { get; }

    /// <summary>Number of positions appended so far; the next token gets this position.</summary>
    public int Length { get; private protected set; }

    /// <summary>
    /// Where the context ends, for pipelines that treat context and query tokens differently: positions below it are context.
    /// Until it is set, everything is. Other pipelines do not use it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or above <see cref="Length"/>.</exception>
    public int ContextLength
    {
        get => _contextLength < 0 ? Length : Math.Min(_contextLength, Length);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Length);
            _contextLength = value;
        }
    }

    /// <summary>Bytes that the cache holds in memory for keys, values and what else its pipeline keeps.</summary>
    public abstract long SizeInBytes { get; }

    /// <summary>Forgets all positions from <paramref name="length"/> on, as after rejected speculation.</summary>
    /// <param name="length">The new length, at most <see cref="Length"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative or above <see cref="Length"/>.</exception>
    /// <exception cref="InvalidOperationException">
    /// A windowed cache has dropped keys that the next token at that length would see, or what queries from that length on did to the scores of
    /// <see cref="HeavyHittersAttribute"/> is too long ago to be taken back.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public abstract void Truncate(int length);

    /// <summary>Forgets everything, the end of the context included; memory is kept.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public void Clear()
    {
        Truncate(0);
        _contextLength = -1;
    }

    /// <summary>Frees the memory. Later calls with this cache are refused.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    private protected abstract void Dispose(bool disposing);
}
