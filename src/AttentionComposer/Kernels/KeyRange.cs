using System.ComponentModel;

namespace AttentionComposer.Kernels;

/// <summary>
/// Keys that some query of a tile sees: the positions from <paramref name="Low"/> up to, not including, <paramref name="High"/>.
/// Every query of the tile sees the inner part from <paramref name="FullLow"/> to <paramref name="FullHigh"/>; blocks inside it run without a mask.
/// </summary>
/// <param name="Low">First position of the range.</param>
/// <param name="High">First position behind it; at or below <paramref name="Low"/> when the range is empty.</param>
/// <param name="FullLow">First position of the inner part.</param>
/// <param name="FullHigh">First position behind the inner part.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly record struct KeyRange(int Low, int High, int FullLow, int FullHigh)
{
    /// <summary>Number of positions in the range.</summary>
    public int Count => Math.Max(0, High - Low);

    /// <summary>The position that is nearest to a bound: what a pipeline captures can be any number.</summary>
    public static int Position(long bound) => (int)Math.Clamp(bound, 0, int.MaxValue);

    /// <summary>How much of a block of keys the queries behind these ranges see.</summary>
    /// <param name="ranges">A tile's ranges.</param>
    /// <param name="low">The block's first position.</param>
    /// <param name="high">First position behind the block.</param>
    public static BlockView View(ReadOnlySpan<KeyRange> ranges, int low, int high)
    {
        BlockView view = BlockView.Hidden;
        foreach (KeyRange range in ranges)
        {
            if (low >= range.FullLow && high <= range.FullHigh)
                return BlockView.Full;
            if (low < range.High && high > range.Low)
                view = BlockView.Partial;
        }

        return view;
    }
}

/// <summary>How much of a block of keys a tile's queries see.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public enum BlockView
{
    /// <summary>No query sees any of the keys: the block is skipped.</summary>
    Hidden,

    /// <summary>Some query does not see some key: the mask is tested.</summary>
    Partial,

    /// <summary>Every query sees every key: no mask is tested.</summary>
    Full,
}
