using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Selection;

/// <summary>Selections beside windows, sinks, biases and caps, of sizes that are multiples of nothing.</summary>
static partial class SelectionVariants
{
    /// <summary>One object of every pipeline declared here.</summary>
    public static IAttention[] All { get; } =
        [.. typeof(SelectionVariants).GetNestedTypes().OrderBy(type => type.Name, StringComparer.Ordinal).Select(type => (IAttention)Activator.CreateInstance(type)!)];

    public static IAttention Named(string name) => All.Single(attention => attention.Plan.Name == name);

    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 2)]
    [Causal, SlidingWindow(300), Sinks(4), SparQ(Rank = 8, TopK = 40, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQInARing;

    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, Alibi, SoftCap(6), SparQ(Rank = 12, TopK = 20), KvCache(Float16)]
    public sealed partial class SparQWithAlibiAndCap;

    [Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 4)]
    [Causal, SparQ(Rank = 16, TopK = 32), KvCache(BFloat16)]
    public sealed partial class SparQWithMeanBF16;

    [Attention(HeadDim = 32, QueryHeads = 1, KeyValueHeads = 1)]
    [Causal, SparQ(Rank = 8, TopK = 8)]
    public sealed partial class SparQWithMean;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 1)]
    [SparQ(Rank = 9, TopK = 33, Local = 5, Variant = SparQVariant.Released), Scale(0.2f)]
    public sealed partial class SparQReleased;

    [Attention(HeadDim = 48, QueryHeads = 9, KeyValueHeads = 3)]
    [Causal, SlidingWindow(65), Alibi, TopK(16)]
    public sealed partial class TopKInARing;

    [Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 5)]
    [Causal, SlidingWindow(129), Sinks(2), TopK(21, Remainder = TopKRemainder.Spread)]
    public sealed partial class TopKSpreadInARing;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
    [Causal, Alibi, SoftCap(4), Pages(Size = 8, Count = 5), KvCache(Float16)]
    public sealed partial class PagesWithAlibiAndCap;

    [Attention(HeadDim = 48, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, SlidingWindow(200), Sinks(3), Alibi, DoubleSparsity(Rank = 11, TopK = 30), KvCache(BFloat16)]
    public sealed partial class LabelsInARing
    {
        [LabelChannels] static readonly int[] s_channels = [40, 3, 7, 9, 11, 13, 17, 19, 23, 29, 47, .. Enumerable.Range(20, 11)];
    }

    [Attention(HeadDim = 40, QueryHeads = 4, KeyValueHeads = 1)]
    [Causal, SoftCap(5), DoubleSparsity(Rank = 8, TopK = 17, PerHead = true), KvCache(Float16)]
    public sealed partial class LabelsByHead
    {
        [LabelChannels] readonly int[] _channels = [0, 1, 5, 8, 21, 22, 30, 39];
    }

    [Attention(HeadDim = 48, QueryHeads = 8, KeyValueHeads = 2)]
    [Causal, SlidingWindow(300), Sinks(4), SparQ(Rank = 12, TopK = 40, Reallocation = SparQReallocation.Always), KvCache(Int8)]
    public sealed partial class SparQInARingI8;

    [Attention(HeadDim = 80, QueryHeads = 3, KeyValueHeads = 3)]
    [Causal, Alibi, TopK(21, Remainder = TopKRemainder.Spread), KvCache(Int8)]
    public sealed partial class TopKSpreadI8;

    [Attention(HeadDim = 40, QueryHeads = 4, KeyValueHeads = 2)]
    [Causal, SoftCap(4), Pages(Size = 7, Count = 5, PerHead = true), KvCache(Int8)]
    public sealed partial class PagesByHeadI8;

    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 1)]
    [Causal, DoubleSparsity(Rank = 8, TopK = 17), KvCache(Int8)]
    public sealed partial class LabelsI8
    {
        [LabelChannels] readonly int[] _channels = [0, 1, 5, 8, 21, 22, 30, 39];
    }

    [Attention(HeadDim = 32, QueryHeads = 6, KeyValueHeads = 3)]
    [Causal, SlidingWindow(100), Sinks(5), Pages(Size = 7, Count = 4, PerHead = true, KeepLast = false)]
    public sealed partial class PagesByHeadInAWindow;
}
