using AttentionComposer.Kernels;

namespace AttentionComposer.Caches;

/// <summary>
/// H2O's state (arXiv 2306.14048): the weights that each position has received, and which positions are left, <c>[KeyValueHeads, Capacity]</c> both. Queries
/// are numbered, so that what the newest did can be taken back bit for bit.
/// </summary>
/// <remarks>
/// An evicted position knows the number of the query that evicted it. Scores do not know who gave them what: each of the newest
/// <see cref="Undoable"/> queries keeps the scores as they were before it.
/// </remarks>
sealed unsafe class AccumulatedScores : CacheCompanion
{
    /// <summary>Queries whose effect can be taken back.</summary>
    public const int Undoable = 16;

    const int Kept = int.MaxValue; // in place of a query's number

    readonly NativeBuffer _scores;      // float
    readonly NativeBuffer _evictedBy;   // int: the number of the query that evicted a position
    readonly NativeBuffer _kept;        // int: the positions that are left, ascending
    readonly int[] _keptCounts;
    readonly int[] _listed;             // positions below it are in the list or evicted, those from it on are left
    readonly int[] _reached;            // the newest query that a head has begun with: a call may fail before all have
    readonly int[] _positions = new int[Undoable];  // of the newest queries, by their numbers
    readonly int _capacity;
    readonly int _heads;
    NativeBuffer _saved;                // float [KeyValueHeads, Undoable, _savedFloats]: scores of what was left, before each of the newest queries
    int _savedFloats;
    int _newest;                        // the newest query's number
    int _undoable;                      // queries that can be taken back
    int _fixed = -1;                    // the last position of a query that cannot

    public AccumulatedScores(CacheKind kind, int capacity)
    {
        _capacity = capacity;
        _heads = kind.Shape.KeyValueHeads;
        _scores = new NativeBuffer((long)_heads * capacity * sizeof(float));
        _evictedBy = new NativeBuffer((long)_heads * capacity * sizeof(int));
        _kept = new NativeBuffer((long)_heads * capacity * sizeof(int));
        _keptCounts = new int[_heads];
        _listed = new int[_heads];
        _reached = new int[_heads];
        _saved = new NativeBuffer(0);
    }

    public override long SizeInBytes => _scores.SizeInBytes + _evictedBy.SizeInBytes + _kept.SizeInBytes + _saved.SizeInBytes;

    /// <summary>Whether some position is gone.</summary>
    public bool HasEvicted => _keptCounts[0] < _listed[0]; // all heads evict alike

    /// <summary>A mark that a batch sets to find a cache that it holds twice.</summary>
    public int BatchIndex { get; set; }

    /// <summary>One head's scores by position.</summary>
    public Span<float> Of(int head) => new((float*)_scores.Pointer + (long)head * _capacity, _capacity);

    /// <summary>The number of the newest query; 0 before the first.</summary>
    public int Newest => _newest;

    /// <summary>Whether a position is left.</summary>
    public bool IsKept(int head, int position) => EvictedBy(head)[position] == Kept;

    public override void Stored(RowCache cache, int head, int first, int tokens)
    {
        Of(head).Slice(first, tokens).Clear();
        EvictedBy(head).Slice(first, tokens).Fill(Kept);
    }

    /// <summary>Announces a query, before its heads evict and add.</summary>
    /// <param name="position">Its position.</param>
    /// <param name="keys">Positions that it leaves at most, up to its own.</param>
    /// <returns>Its number.</returns>
    public int Begin(int position, int keys)
    {
        Reserve(keys);
        _newest++;
        ref int slot = ref _positions[_newest % Undoable];
        if (_undoable == Undoable)
            _fixed = Math.Max(_fixed, slot);
        else
            _undoable++;
        slot = position;
        return _newest;
    }

    /// <summary>Announces so many queries at once that they cannot be taken back.</summary>
    /// <param name="last">The last one's position.</param>
    public void BeginMany(int last)
    {
        _newest++;
        _undoable = 0;
        _fixed = last;
    }

    /// <summary>
    /// Evicts for the newest query: of what is left up to its position, and not behind the window, the positions with the largest scores stay, and the newest
    /// before all. Those that a mask hides from the query count like others: the next one may see them.
    /// </summary>
    /// <param name="head">The key/value head.</param>
    /// <param name="position">The query's position.</param>
    /// <param name="selection">How many positions stay, how many of them are the newest, and the window.</param>
    /// <param name="notes">Room to rank in: see <see cref="RankingFloats"/>.</param>
    /// <returns>What stays up to the position, ascending.</returns>
    public ReadOnlySpan<int> Evict(int head, int position, SelectionTraits selection, Span<float> notes)
    {
        var list = new Span<int>((int*)_kept.Pointer + (long)head * _capacity, _capacity);
        ref int count = ref _keptCounts[head];
        for (; _listed[head] <= position; _listed[head]++)
            list[count++] = _listed[head];

        // Only queries that were stored before this one lie behind it.
        int end = count;
        while (end > 0 && list[end - 1] > position)
            end--;

        int stays = selection.Window == 0 ? end : DropPassed(head, list[..end], (long)position - selection.Window, selection.Sinks);
        stays = DropWorst(head, list[..stays], selection.Keep, Math.Min(selection.Forced, selection.Keep), notes);
        list[end..count].CopyTo(list[stays..]);
        count -= end - stays;

        Span<float> scores = Of(head), saved = Saved(head, _newest);
        for (int i = 0; i < stays; i++)
            saved[i] = scores[list[i]];
        _reached[head] = _newest;
        return list[..stays];
    }

    /// <summary>Floats that <see cref="Evict"/> ranks in.</summary>
    public static int RankingFloats(int keep) => 2 * TopScores.Capacity(keep) + Candidates.ChunkKeys;

    /// <summary>Adds what the newest query gave to what stayed.</summary>
    public void Add(int head, ReadOnlySpan<int> kept, ReadOnlySpan<float> weights)
    {
        Span<float> scores = Of(head);
        for (int i = 0; i < kept.Length; i++)
            scores[kept[i]] += weights[i];
    }

    /// <summary>Adds what one query gave to some neighbouring positions, while all positions are left.</summary>
    /// <param name="head">The key/value head.</param>
    /// <param name="query">Its number; 0 when it cannot be taken back.</param>
    /// <param name="first">The first of the positions.</param>
    /// <param name="weights">What each receives.</param>
    public void AddNeighbours(int head, int query, int first, ReadOnlySpan<float> weights)
    {
        Span<float> scores = Of(head).Slice(first, weights.Length);
        if (query != 0)
        {
            scores.CopyTo(Saved(head, query)[first..]);
            _reached[head] = _newest; // several threads write the same
        }

        System.Numerics.Tensors.TensorPrimitives.Add(scores, weights, scores);
    }

    /// <summary>Whether what queries from this position on have done can be taken back.</summary>
    public bool CanGoBackTo(int length) => length == 0 || length > _fixed;

    /// <summary>Takes back what the queries behind that number did, as when a call is refused halfway.</summary>
    public void TakeBackTo(int newest) => TakeBack(newest + 1, int.MaxValue);

    public override void Truncating(RowCache cache, int length, int previous)
    {
        if (length == 0)
        {
            (_newest, _undoable, _fixed) = (0, 0, -1);
            _reached.AsSpan().Clear();
            _keptCounts.AsSpan().Clear();
            _listed.AsSpan().Clear();
            return;
        }

        int first = _newest + 1;
        for (int query = _newest; query > _newest - _undoable; query--)
        {
            if (_positions[query % Undoable] >= length)
                first = query;
        }

        TakeBack(first, length);
    }

    public override void Dispose()
    {
        _scores.Dispose();
        _evictedBy.Dispose();
        _kept.Dispose();
        _saved.Dispose();
    }

    Span<int> EvictedBy(int head) => new((int*)_evictedBy.Pointer + (long)head * _capacity, _capacity);

    Span<float> Saved(int head, int query) => new((float*)_saved.Pointer + ((long)head * Undoable + query % Undoable) * _savedFloats, _savedFloats);

    // What a window has passed is of no use to later queries.
    int DropPassed(int head, Span<int> list, long lastPassed, int sinks)
    {
        int stays = 0;
        foreach (int position in list)
        {
            if (position > lastPassed || position < sinks)
                list[stays++] = position;
            else
                EvictedBy(head)[position] = _newest;
        }

        return stays;
    }

    int DropWorst(int head, Span<int> list, int keep, int forced, Span<float> notes)
    {
        if (list.Length <= keep)
            return list.Length;

        int capacity = TopScores.Capacity(keep);
        Span<float> chunk = notes.Slice(2 * capacity, Candidates.ChunkKeys), scores = Of(head);
        var best = new TopScores(
            notes[..capacity], System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(notes.Slice(capacity, capacity)), keep - forced, least: 0);
        for (int first = 0, count; first < list.Length - forced; first += count)
        {
            count = Math.Min(Candidates.ChunkKeys, list.Length - forced - first);
            for (int i = 0; i < count; i++)
                chunk[i] = scores[list[first + i]];
            best.Offer(chunk[..count], first);
        }

        int stays = 0, next = 0;
        foreach (int index in best.Best())
        {
            EvictTo(list, ref next, index, head);
            list[stays++] = list[next++];
        }

        EvictTo(list, ref next, list.Length - forced, head);
        for (; next < list.Length; next++)
            list[stays++] = list[next];
        return stays;
    }

    void EvictTo(ReadOnlySpan<int> list, ref int next, int end, int head)
    {
        for (; next < end; next++)
            EvictedBy(head)[list[next]] = _newest;
    }

    void TakeBack(int first, int length)
    {
        for (int head = 0; head < _heads; head++)
        {
            for (int query = _reached[head]; query >= first; query--)
                TakeBackOne(head, query);
            _reached[head] = Math.Min(_reached[head], first - 1);
            List(head, Math.Min(_listed[head], length));
        }

        _undoable -= _newest + 1 - first;
        _newest = first - 1;
    }

    void TakeBackOne(int head, int query)
    {
        Span<int> evictedBy = EvictedBy(head);
        Span<float> scores = Of(head), saved = Saved(head, query);
        int index = 0;
        for (int position = 0; position <= _positions[query % Undoable]; position++)
        {
            if (evictedBy[position] == Kept)
                scores[position] = saved[index++];
            else if (evictedBy[position] == query)
                evictedBy[position] = Kept;
        }
    }

    void List(int head, int positions)
    {
        var list = new Span<int>((int*)_kept.Pointer + (long)head * _capacity, _capacity);
        Span<int> evictedBy = EvictedBy(head);
        int count = 0;
        for (int position = 0; position < positions; position++)
        {
            if (evictedBy[position] == Kept)
                list[count++] = position;
        }

        (_keptCounts[head], _listed[head]) = (count, positions);
    }

    void Reserve(int keys)
    {
        if (keys <= _savedFloats)
            return;

        (NativeBuffer old, int oldFloats) = (_saved, _savedFloats);
        _savedFloats = Math.Min(_capacity, Math.Max(keys, 2 * oldFloats));
        _saved = new NativeBuffer((long)_heads * Undoable * _savedFloats * sizeof(float));
        for (int i = 0; i < _heads * Undoable; i++)
            new ReadOnlySpan<float>((float*)old.Pointer + (long)i * oldFloats, oldFloats).CopyTo(new Span<float>((float*)_saved.Pointer + (long)i * _savedFloats, oldFloats));
        old.Dispose();
    }
}
