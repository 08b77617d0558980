namespace AttentionComposer.Kernels;

/// <summary>
/// Where a cache keeps a position's row: the first <paramref name="pinned"/> positions in slots of their own, the later ones in
/// a ring of <paramref name="ring"/> slots behind them. A ring of 0 means that every position has its own slot.
/// </summary>
public readonly struct KeyLayout(int pinned, int ring)
{
    /// <summary>The slot that holds a position's row.</summary>
    public int Slot(int position) =>
        ring == 0 || position < pinned ? position : pinned + (position - pinned) % ring;

    /// <summary>How many positions from this one on lie in consecutive slots.</summary>
    public int Run(int position) =>
        ring == 0 ? int.MaxValue - position
        : position < pinned ? pinned - position
        : ring - (position - pinned) % ring;
}
