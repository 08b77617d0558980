namespace AttentionComposer.Kernels;

/// <summary>
/// Where a cache keeps a position's row: the first <paramref name="pinned"/> positions in slots of their own, the later ones in
/// a ring of <paramref name="ring"/> slots behind them. A ring of 0 means that every later position has its own slot, except for
/// <paramref name="skipped"/> positions behind the pinned ones, which the cache does not hold.
/// </summary>
public readonly struct KeyLayout(int pinned, int ring, int skipped = 0)
{
    /// <summary>The slot that holds a position's row.</summary>
    public int Slot(int position) =>
        position < pinned ? position
        : ring == 0 ? position - skipped
        : pinned + (position - pinned) % ring;

    /// <summary>How many positions from this one on lie in consecutive slots.</summary>
    public int Run(int position) =>
        position < pinned ? pinned - position
        : ring == 0 ? int.MaxValue - position
        : ring - (position - pinned) % ring;
}
