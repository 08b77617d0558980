using AttentionComposer.Kernels;

namespace AttentionComposer.Caches;

/// <remarks>
/// One host of several holds a part of a sequence, at its original positions: while the context is encoded the anchor
/// <c>[0, Anchor)</c> too, and always the positions from <see cref="HeldFrom"/> on. What lies between is nowhere on this host.
/// </remarks>
sealed unsafe partial class RowCache
{
    int _anchor;

    /// <summary>A cache for a part of a sequence.</summary>
    /// <param name="kind">The pipeline's kind, without a window.</param>
    /// <param name="end">The position behind the last that the part takes.</param>
    /// <param name="anchor">Positions at the start that are held until <see cref="DropAnchor"/>.</param>
    /// <param name="heldFrom">The part's first position.</param>
    public RowCache(CacheKind kind, int end, int anchor, int heldFrom)
        : this(kind, end, slots: heldFrom == 0 ? end : anchor + end - heldFrom, labels: default)
    {
        if (_companions.Length > 0)
            throw new NotSupportedException("A pipeline with a selection cannot run on several hosts: what it keeps beside the rows is of the whole sequence.");
        if (heldFrom == 0)
            return;

        _anchor = anchor;
        HeldFrom = heldFrom;
        Layout = new KeyLayout(anchor, ring: 0, skipped: heldFrom - anchor);
    }

    /// <summary>
    /// The first position that queries behind a context see here. Above 0 where one host of several holds a part of the context.
    /// </summary>
    public int HeldFrom { get; }

    /// <summary>Keys, values and their scales.</summary>
    public SlotMemory[] Stored => [_keys, _values, _keyScales, _valueScales];

    /// <summary>The positions whose rows are not finite: the first and the last one, or the largest int and -1.</summary>
    public (int First, int Last) NonFinite => (_firstNonFinite, _lastNonFinite);

    /// <summary>Goes on at a later position; what lies between is not held.</summary>
    public void MoveTo(int position) => Length = position;

    /// <summary>Takes over what another host knows about the anchor's rows.</summary>
    public void MarkNonFinite((int First, int Last) positions)
    {
        if (positions.Last < 0)
            return;
        MarkNonFinite(positions.First);
        MarkNonFinite(positions.Last);
    }

    /// <summary>Gives the anchor's memory back: once the context is encoded, its first host alone answers for these positions.</summary>
    public void DropAnchor()
    {
        if (_anchor == 0)
            return;

        int first = Layout.Slot(HeldFrom);
        _slots = Capacity - HeldFrom;
        Layout = new KeyLayout(0, ring: 0, skipped: HeldFrom);
        (_keys, _values, _keyScales, _valueScales) = (Kept(_keys), Kept(_values), Kept(_keyScales), Kept(_valueScales));
        _anchor = 0;
        if (_lastNonFinite < HeldFrom)
            (_firstNonFinite, _lastNonFinite) = (int.MaxValue, -1);

        // Positions behind the anchor lie in order before and after.
        SlotMemory Kept(SlotMemory memory)
        {
            var kept = new SlotMemory(Shape.KeyValueHeads, _slots, memory.SlotBytes, memory.Padding);
            long bytes = (long)Math.Max(0, Length - HeldFrom) * memory.SlotBytes;
            for (int head = 0; head < Shape.KeyValueHeads; head++)
                Buffer.MemoryCopy(memory.At(head, first), kept.Of(head), bytes, bytes);
            memory.Dispose();
            return kept;
        }
    }
}
