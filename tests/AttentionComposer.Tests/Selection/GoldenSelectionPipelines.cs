namespace AttentionComposer.Tests.Selection;

/// <summary>The pipelines of the golden cases <c>topk_exact</c>, <c>sparse_v</c> and <c>page_select</c>; a name lists its parameters.</summary>
static partial class GoldenSelectionPipelines
{
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, Pages(Size = 16, Count = 2, KeepLast = true, PerHead = false)]
    public sealed partial class PagesOf128x32x8P16N2LastF32;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, Pages(Size = 16, Count = 2, KeepLast = false, PerHead = true)]
    public sealed partial class PagesOf128x32x8P16N2PerHeadF32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 8, KeepLast = true, PerHead = false)]
    public sealed partial class PagesOf128x8x2P16N8LastF32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, Pages(Size = 16, Count = 4, KeepLast = true, PerHead = false)]
    public sealed partial class PagesOf64x32x8P16N4LastF32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, Pages(Size = 16, Count = 4, KeepLast = true, PerHead = false), KvCache(KvFormat.Float16)]
    public sealed partial class PagesOf64x32x8P16N4LastF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 2, KeepLast = true, PerHead = false)]
    public sealed partial class PagesOf64x8x2P16N2LastF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 2, KeepLast = false, PerHead = true)]
    public sealed partial class PagesOf64x8x2P16N2PerHeadF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 3, KeepLast = false, PerHead = false)]
    public sealed partial class PagesOf64x8x2P16N3F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 8, KeepLast = false, PerHead = true)]
    public sealed partial class PagesOf64x8x2P16N8PerHeadF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 4, Count = 1, KeepLast = true, PerHead = false)]
    public sealed partial class PagesOf64x8x2P4N1LastF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 4, Count = 1, KeepLast = false, PerHead = true)]
    public sealed partial class PagesOf64x8x2P4N1PerHeadF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 8, Count = 3, KeepLast = true, PerHead = false)]
    public sealed partial class PagesOf64x8x2P8N3LastF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, Pages(Size = 16, Count = 1, KeepLast = false, PerHead = true)]
    public sealed partial class PagesOf64x8x8P16N1PerHeadF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 4, KeepLast = true, PerHead = false)]
    public sealed partial class PagesOf80x8x2P16N4LastF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 4, KeepLast = true, PerHead = false), KvCache(KvFormat.Float16)]
    public sealed partial class PagesOf80x8x2P16N4LastF16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 4, KeepLast = false, PerHead = true)]
    public sealed partial class PagesOf80x8x2P16N4PerHeadF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, Pages(Size = 16, Count = 4, KeepLast = false, PerHead = true), KvCache(KvFormat.Float16)]
    public sealed partial class PagesOf80x8x2P16N4PerHeadF16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, Pages(Size = 16, Count = 2, KeepLast = false, PerHead = true)]
    public sealed partial class PagesOf80x8x8P16N2PerHeadF32;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, TopK(8)]
    public sealed partial class TopKOf128x32x8K8F32;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, TopK(8, Remainder = TopKRemainder.Lost)]
    public sealed partial class TopKOf128x32x8K8LostF32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(128)]
    public sealed partial class TopKOf128x8x2K128F32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, TopK(32)]
    public sealed partial class TopKOf64x32x8K32F32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, TopK(32), KvCache(KvFormat.Float16)]
    public sealed partial class TopKOf64x32x8K32F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(100, Remainder = TopKRemainder.Lost)]
    public sealed partial class TopKOf64x8x2K100LostF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(128)]
    public sealed partial class TopKOf64x8x2K128F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(3)]
    public sealed partial class TopKOf64x8x2K3F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(32, Remainder = TopKRemainder.Lost)]
    public sealed partial class TopKOf64x8x2K32LostF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(3, Remainder = TopKRemainder.Lost)]
    public sealed partial class TopKOf64x8x2K3LostF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(3, Remainder = TopKRemainder.Spread)]
    public sealed partial class TopKOf64x8x2K3SpreadF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(8)]
    public sealed partial class TopKOf64x8x2K8F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(8, Remainder = TopKRemainder.Lost)]
    public sealed partial class TopKOf64x8x2K8LostF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(8, Remainder = TopKRemainder.Spread)]
    public sealed partial class TopKOf64x8x2K8SpreadF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(9)]
    public sealed partial class TopKOf64x8x2K9F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, TopK(1)]
    public sealed partial class TopKOf64x8x8K1F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, TopK(1, Remainder = TopKRemainder.Lost)]
    public sealed partial class TopKOf64x8x8K1LostF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(32)]
    public sealed partial class TopKOf80x8x2K32F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(32), KvCache(KvFormat.Float16)]
    public sealed partial class TopKOf80x8x2K32F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(32, Remainder = TopKRemainder.Lost)]
    public sealed partial class TopKOf80x8x2K32LostF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, TopK(32, Remainder = TopKRemainder.Lost), KvCache(KvFormat.Float16)]
    public sealed partial class TopKOf80x8x2K32LostF16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, TopK(8)]
    public sealed partial class TopKOf80x8x8K8F32;
}
