using System.Runtime.CompilerServices;
using AttentionComposer.Kernels;

namespace AttentionComposer.Caches;

/// <summary>
/// Keys and values as rows, head-major: <c>[KeyValueHeads, slots, RowStride]</c>, so that a kernel streams one head's rows.
/// A row's padding up to the stride is 0. Scales of rows, in a format that has them, lie apart, so that those of neighbouring rows make a vector.
/// With a window the slots are a ring and old rows are overwritten.
/// </summary>
sealed unsafe partial class RowCache : KvCache
{
    // Kernels read scales in whole vectors, up to 15 of them behind the last one.
    const int ScalePadding = 15;

    readonly CacheCompanion[] _companions;
    SlotMemory _keys, _values, _keyScales, _valueScales;
    int _slots;
    bool _disposed;

    // Positions whose key or value is not finite as stored. Kernels multiply hidden rows by 0 and widen halves without looking
    // at infinity; while such a row is held, the pipeline takes its careful kernel instead.
    int _firstNonFinite = int.MaxValue;
    int _lastNonFinite = -1;

    // Positions from the pinned ones up to here were overwritten.
    int _oldest;

    /// <param name="kind">What the pipeline needs.</param>
    /// <param name="capacity">Positions that it takes.</param>
    /// <param name="labels">The channels of each head's labels, where the kind has some.</param>
    public RowCache(CacheKind kind, int capacity, ReadOnlySpan<int> labels)
        : this(kind, capacity, slots: kind.Ring == 0 ? capacity : (int)Math.Min(capacity, (long)kind.Pinned + kind.Ring), labels)
    {
        Layout = Wraps ? new KeyLayout(kind.Pinned, kind.Ring) : default;
    }

    RowCache(CacheKind kind, int capacity, int slots, ReadOnlySpan<int> labels)
        : base(kind.Shape, capacity)
    {
        Kind = kind;
        _slots = slots;
        _oldest = kind.Pinned;

        _keys = new SlotMemory(kind.Shape.KeyValueHeads, slots, kind.RowBytes);
        _values = new SlotMemory(kind.Shape.KeyValueHeads, slots, kind.RowBytes);
        _keyScales = new SlotMemory(kind.Shape.KeyValueHeads, slots, RowFormat.ScaleSize(kind.Format), ScalePadding);
        _valueScales = new SlotMemory(kind.Shape.KeyValueHeads, slots, RowFormat.ScaleSize(kind.Format), ScalePadding);

        Columns = kind.Companions.KeyColumns ? new KeyColumns(kind, _slots, labels) : null;
        ValueSums = kind.Companions.ValueSums ? new ValueSums(kind) : null;
        Pages = kind.Companions.PageSize > 0 ? new PageBounds(kind, _slots) : null;
        Scores = kind.Companions.KeptKeys > 0 ? new AccumulatedScores(kind, capacity) : null;
        CacheCompanion?[] companions = [Columns, ValueSums, Pages, Scores];
        _companions = [.. companions.OfType<CacheCompanion>()];
    }

    public CacheKind Kind { get; }

    public KeyLayout Layout { get; private set; }

    /// <summary>The keys channel by channel, where a selection reads them so: all of them, or the labels.</summary>
    public KeyColumns? Columns { get; }

    /// <summary>The sums of values, where a selection needs their mean.</summary>
    public ValueSums? ValueSums { get; }

    /// <summary>Minima and maxima of pages, where a selection goes by them.</summary>
    public PageBounds? Pages { get; }

    /// <summary>The weights that keys have received, and which are left, where a selection evicts.</summary>
    public AccumulatedScores? Scores { get; }

    /// <summary>Set by tests to see what selections choose.</summary>
    public Kernels.SelectionTrace? Trace { get; set; }

    /// <summary>Set by a benchmark that measures a selection's stages.</summary>
    public Kernels.SelectionClock? Clock { get; set; }

    public override long SizeInBytes
    {
        get
        {
            if (_disposed)
                return 0;
            long bytes = _keys.SizeInBytes + _values.SizeInBytes + _keyScales.SizeInBytes + _valueScales.SizeInBytes;
            foreach (CacheCompanion companion in _companions)
                bytes += companion.SizeInBytes;
            return bytes;
        }
    }

    /// <summary>The most tokens whose append leaves every key that the first of them sees.</summary>
    public int MaxStep => Wraps ? Kind.Ring - Kind.Window + 1 : int.MaxValue;

    public bool HoldsNonFinite => _firstNonFinite < Length && _lastNonFinite >= (_firstNonFinite < Kind.Pinned ? 0 : _oldest);

    bool Wraps => Kind.Ring > 0 && _slots < Capacity;

    public byte* Keys(int head) => _keys.Of(head);

    public byte* Values(int head) => _values.Of(head);

    /// <summary>The scales of a head's keys by slot; null in a format without.</summary>
    public float* KeyScales(int head) => (float*)_keyScales.Of(head);

    /// <summary>The scales of a head's values by slot; null in a format without.</summary>
    public float* ValueScales(int head) => (float*)_valueScales.Of(head);

    /// <summary>Reads one head's key at a position, or as much of it and its padding as there is room for.</summary>
    public void ReadKey(int head, int position, Span<float> key)
    {
        int slot = Layout.Slot(position);
        RowFormat.Widen(_keys.At(head, slot), KeyScales(head) + slot, key, Kind.Format);
    }

    /// <summary>Reads one head's value at a position.</summary>
    public void ReadValue(int head, int position, Span<float> value)
    {
        int slot = Layout.Slot(position);
        RowFormat.Widen(_values.At(head, slot), ValueScales(head) + slot, value, Kind.Format);
    }

    /// <summary>Whether queries from this position on still find all the keys that they see.</summary>
    public bool Serves(int query) => !Wraps || Math.Max(Kind.Pinned, query - Kind.Window + 1) >= _oldest;

    public override void Truncate(int length)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        int seen = Math.Max(Kind.Pinned, length - Kind.Window + 1); // by the next token, beside itself and the sinks
        if (length < Length && seen < length && seen < _oldest)
            throw new InvalidOperationException(
                $"A cache with a window of {Kind.Window} keys cannot go back from {Length} to {length} positions: the oldest position it " +
                $"still holds beside the sinks is {_oldest}. Clear it and append again, or truncate to 0.");

        if (Scores?.CanGoBackTo(length) == false)
            throw new InvalidOperationException(
                $"The scores of keys cannot go back from {Length} to {length} positions: only what the newest {AccumulatedScores.Undoable} queries did can be taken back, " +
                "and no call of more. Clear the cache and attend again, or truncate to 0.");

        foreach (CacheCompanion companion in _companions)
            companion.Truncating(this, length, Length);
        Length = length;
        _oldest = Math.Min(_oldest, Math.Max(Kind.Pinned, length));
        if (length <= _firstNonFinite)
            (_firstNonFinite, _lastNonFinite) = (int.MaxValue, -1);
        else
            _lastNonFinite = Math.Min(_lastNonFinite, length - 1);
    }

    /// <summary>Stores rows; the caller has checked lengths and room.</summary>
    /// <param name="keys"><c>[tokens, KeyValueHeads, HeadDim]</c>.</param>
    /// <param name="values">The same.</param>
    /// <param name="tokens">Number of tokens.</param>
    public void Append(float* keys, float* values, int tokens)
    {
        for (int head = 0; head < Shape.KeyValueHeads; head++)
            StoreHead(keys, values, tokens, head);
        Commit(tokens);
    }

    /// <summary>Stores one head's rows behind the present length without counting them yet.</summary>
    /// <remarks>Different heads may be stored from different threads.</remarks>
    public void StoreHead(float* keys, float* values, int tokens, int head)
    {
        byte* keyRows = Keys(head), valueRows = Values(head);
        float* keyScales = KeyScales(head), valueScales = ValueScales(head);
        for (int token = 0; token < tokens; token++)
        {
            int slot = Layout.Slot(Length + token);
            long offset = (long)slot * Kind.RowBytes;
            float* key = keys + (long)token * Shape.KeyValueWidth + head * Shape.HeadDim;
            float* value = values + (long)token * Shape.KeyValueWidth + head * Shape.HeadDim;
            bool finite = RowFormat.Store(key, keyRows + offset, keyScales + slot, Shape.HeadDim, Kind.RowStride, Kind.Format);
            finite &= RowFormat.Store(value, valueRows + offset, valueScales + slot, Shape.HeadDim, Kind.RowStride, Kind.Format);
            if (!finite)
                MarkNonFinite(Length + token);
        }

        foreach (CacheCompanion companion in _companions)
            companion.Stored(this, head, Length, tokens);
    }

    /// <summary>Counts rows that <see cref="StoreHead"/> has stored for every head.</summary>
    public void Commit(int tokens)
    {
        Length += tokens;
        if (Wraps)
            _oldest = Math.Max(_oldest, Length - Kind.Ring);
    }

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    private protected override void Dispose(bool disposing)
    {
        _disposed = true;
        foreach (SlotMemory memory in Stored)
            memory.Dispose();
        foreach (CacheCompanion companion in _companions)
            companion.Dispose();
    }

    [MethodImpl(MethodImplOptions.Synchronized)] // rare: only rows with NaN or infinity come here, possibly from several threads
    void MarkNonFinite(int position)
    {
        _firstNonFinite = Math.Min(_firstNonFinite, position);
        _lastNonFinite = Math.Max(_lastNonFinite, position);
    }
}
