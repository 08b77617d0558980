using AttentionComposer.Kernels;

namespace AttentionComposer.Caches;

/// <summary>
/// What makes two caches interchangeable: pipelines of one kind may share a cache, any other is refused.
/// </summary>
/// <param name="Shape">Head counts and head size.</param>
/// <param name="Format">Storage format of keys and values.</param>
/// <param name="Window">Keys that a query sees; 0 when every position is kept.</param>
/// <param name="Pinned">Positions at the start that are always kept.</param>
/// <param name="Ring">Slots of the ring behind the pinned positions; 0 when every position is kept.</param>
readonly record struct CacheKind(AttentionShape Shape, KvFormat Format, int Window, int Pinned, int Ring)
{
    /// <summary>What the cache keeps beside keys and values for a selection.</summary>
    public Companions Companions { get; init; }

    /// <summary>
    /// Scalars from one row to the next: the head size rounded up to the widest vector, so that no kernel needs a tail loop.
    /// </summary>
    public int RowStride => Shape.RowStride;

    public int ScalarSize => RowFormat.ScalarSize(Format);

    /// <summary>Bytes from one row to the next.</summary>
    public int RowBytes => RowStride * ScalarSize;

    /// <summary>Bytes that reading <paramref name="scalars"/> of a row takes, with its scale where the format has one.</summary>
    public long BytesOf(int scalars) => (long)scalars * ScalarSize + RowFormat.ScaleSize(Format);

    public override string ToString() =>
        $"{Shape} in {Format}" + (Ring == 0 ? "" : $", window {Window}") + (Pinned == 0 ? "" : $", {Pinned} sinks") + Companions;
}

/// <summary>What a cache keeps beside keys and values.</summary>
/// <param name="KeyColumns">The keys channel by channel.</param>
/// <param name="ValueSums">Sums of the visible values.</param>
/// <param name="PageSize">Keys in a page whose minima and maxima are kept; 0 for none.</param>
/// <param name="LabelRank">Channels of a label, where only those are kept of the keys by channel; 0 when all are.</param>
/// <param name="KeptKeys">Keys that survive an eviction; 0 when none is ever evicted.</param>
readonly record struct Companions(bool KeyColumns, bool ValueSums, int PageSize, int LabelRank, int KeptKeys)
{
    public static Companions Of(Kernels.SelectionTraits? selection) => selection is null
        ? default
        : new Companions(
            selection.Rank > 0, selection.Remainder >= Remainder.Spread, selection.PageSize,
            selection.FixedChannels ? selection.Rank : 0, selection.Evicts ? selection.Keep : 0);

    /// <summary>For instance <c>, keys by channel, mean values</c>.</summary>
    public override string ToString() => (LabelRank > 0 ? $", labels of {LabelRank} channels" : KeyColumns ? ", keys by channel" : "")
        + (ValueSums ? ", mean values" : "") + (PageSize > 0 ? $", bounds of pages of {PageSize}" : "")
        + (KeptKeys > 0 ? $", scores of {KeptKeys} kept keys" : "");
}
