using System.Buffers;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>
/// What a call may have to take back when one of its functions reads outside of a table: the outputs as they were, the cache's
/// length, and what its queries gave to keys. Only calls pay for it whose tables ranges of positions do not prove, by copying the outputs once.
/// </summary>
/// <remarks>
/// Tiles finish in any order, so when a fault is found others may have been written already. Keeping the results back instead
/// would copy as much, behind the kernels and not before them.
/// </remarks>
readonly ref struct Undo
{
    readonly RowCache? _cache;
    readonly int _length;
    readonly int _newest;
    readonly float[]? _saved;

    Undo(RowCache? cache, float[] saved)
    {
        _cache = cache;
        _length = cache?.Length ?? 0;
        _newest = cache?.Scores?.Newest ?? 0;
        _saved = saved;
    }

    /// <summary>Remembers a call's results as they are.</summary>
    public static Undo Before(RowCache? cache, ReadOnlySpan<float> output, ReadOnlySpan<float> logSumExp)
    {
        float[] saved = ArrayPool<float>.Shared.Rent(output.Length + logSumExp.Length);
        output.CopyTo(saved);
        logSumExp.CopyTo(saved.AsSpan(output.Length));
        return new Undo(cache, saved);
    }

    /// <summary>Brings them back.</summary>
    public void Restore(Span<float> output, Span<float> logSumExp)
    {
        _saved.AsSpan(0, output.Length).CopyTo(output);
        _saved.AsSpan(output.Length, logSumExp.Length).CopyTo(logSumExp);
        _cache?.Scores?.TakeBackTo(_newest);
        if (_cache?.Length > _length)
            _cache.Truncate(_length);
    }

    public void Dispose()
    {
        if (_saved is not null)
            ArrayPool<float>.Shared.Return(_saved);
    }
}
