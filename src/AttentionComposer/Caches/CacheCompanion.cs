namespace AttentionComposer.Caches;

/// <summary>
/// What a cache keeps beside its rows for a selection to read. It hears of every change, so that it needs no pass over
/// the cache of its own.
/// </summary>
abstract class CacheCompanion : IDisposable
{
    public abstract long SizeInBytes { get; }

    /// <summary>One head's rows of the positions from <paramref name="first"/> on were stored. Different heads may come from different threads.</summary>
    public abstract void Stored(RowCache cache, int head, int first, int tokens);

    /// <summary>The positions from <paramref name="length"/> up to <paramref name="previous"/> are about to be forgotten.</summary>
    public abstract void Truncating(RowCache cache, int length, int previous);

    public abstract void Dispose();
}
