namespace AttentionComposer.Kernels;

/// <summary>
/// Keys that some query of a tile sees: the positions from <paramref name="Low"/> up to, not including, <paramref name="High"/>.
/// Every query of the tile sees the inner part from <paramref name="FullLow"/> to <paramref name="FullHigh"/>; blocks inside it run without a mask.
/// </summary>
/// <param name="Low">First position of the range.</param>
/// <param name="High">First position behind it; at or below <paramref name="Low"/> when the range is empty.</param>
/// <param name="FullLow">First position of the inner part.</param>
/// <param name="FullHigh">First position behind the inner part.</param>
public readonly record struct KeyRange(int Low, int High, int FullLow, int FullHigh)
{
    /// <summary>Number of positions in the range.</summary>
    public int Count => Math.Max(0, High - Low);

    /// <summary>Whether every query of the tile sees all positions from <paramref name="low"/> up to <paramref name="high"/>.</summary>
    public bool IsFull(int low, int high) => low >= FullLow && high <= FullHigh;
}
