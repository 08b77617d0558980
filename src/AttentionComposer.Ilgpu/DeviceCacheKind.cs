using AttentionComposer.Kernels;

namespace AttentionComposer.Ilgpu;

/// <summary>What makes two device caches interchangeable: pipelines of one kind may share a cache, any other is refused.</summary>
/// <param name="Shape">Head counts and head size.</param>
/// <param name="Format">Storage format of keys and values.</param>
/// <param name="KeyColumns">Whether the keys are kept channel by channel as well.</param>
/// <param name="LabelRank">Channels of a label, where only those are kept of the keys by channel; 0 when all are.</param>
/// <param name="ValueMean">Whether sums of values are kept, for the mean of the visible ones.</param>
/// <param name="PageSize">Keys in a page whose minima and maxima are kept; 0 for none.</param>
/// <param name="KeptKeys">Keys that survive an eviction; 0 when none is ever evicted.</param>
readonly record struct DeviceCacheKind(AttentionShape Shape, KvFormat Format, bool KeyColumns, int LabelRank, bool ValueMean, int PageSize, int KeptKeys)
{
    public static DeviceCacheKind Of(KernelTraits traits) =>
        new(traits.Shape, traits.Format, traits.Selection is { Rank: > 0 }, traits.Selection is { FixedChannels: true, Rank: var rank } ? rank : 0,
            traits.Selection is { Remainder: >= Remainder.Spread }, traits.Selection?.PageSize ?? 0, traits.Selection is { Evicts: true } evicting ? evicting.Keep : 0);

    /// <summary>Channels that are kept by themselves of each head's keys.</summary>
    public int Columns => LabelRank > 0 ? LabelRank : KeyColumns ? Shape.HeadDim : 0;

    /// <summary>Scalars in 16 bytes.</summary>
    public int ChunkScalars => Format == KvFormat.Float32 ? 4 : 8;

    public override string ToString() => $"{Shape} in {Format}" + (LabelRank > 0 ? $", labels of {LabelRank} channels" : KeyColumns ? ", keys by channel" : "") + (ValueMean ? ", mean values" : "") +
        (PageSize > 0 ? $", bounds of pages of {PageSize}" : "") + (KeptKeys > 0 ? $", scores of {KeptKeys} kept keys" : "");
}
