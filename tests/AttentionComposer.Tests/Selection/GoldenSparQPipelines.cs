namespace AttentionComposer.Tests.Selection;

/// <summary>The pipelines of the golden cases <c>sparq</c> and <c>sparq_decode</c>; a name lists its parameters.</summary>
static partial class GoldenSparQPipelines
{
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 16, Local = 4, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Never)]
    public sealed partial class SparQOf128x32x8R16K16L4ReleasedF32;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 32, TopK = 16, Local = 0, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf128x32x8R32K16L0PaperMeanF32;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 32, TopK = 16, Local = 4, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf128x32x8R32K16L4ReleasedMeanF32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 128, Local = 32, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf128x8x2R16K128L32ReleasedMeanF32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 32, TopK = 128, Local = 32, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf128x8x2R32K128L32PaperMeanF32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 32, TopK = 128, Local = 32, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Never)]
    public sealed partial class SparQOf128x8x2R32K128L32ReleasedF32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 32, TopK = 128, Local = 32, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf128x8x2R32K128L32ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 32, Local = 8, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x32x8R16K32L8PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 32, Local = 8, Reallocation = SparQReallocation.Always), KvCache(KvFormat.Float16)]
    public sealed partial class SparQOf64x32x8R16K32L8PaperMeanF16;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 32, Local = 8, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Never)]
    public sealed partial class SparQOf64x32x8R16K32L8ReleasedF32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 32, Local = 8, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Never), KvCache(KvFormat.Float16)]
    public sealed partial class SparQOf64x32x8R16K32L8ReleasedF16;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 32, Local = 8, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x32x8R16K32L8ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 32, Local = 8, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always), KvCache(KvFormat.Float16)]
    public sealed partial class SparQOf64x32x8R16K32L8ReleasedMeanF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 128, Local = 0, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K128L0PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 128, Local = 32, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K128L32ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 12, Local = 3, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Never)]
    public sealed partial class SparQOf64x8x2R16K12L3ReleasedF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 12, Local = 3, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Never), KvCache(KvFormat.Float16)]
    public sealed partial class SparQOf64x8x2R16K12L3ReleasedF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 12, Local = 3, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K12L3ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 12, Local = 3, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always), KvCache(KvFormat.Float16)]
    public sealed partial class SparQOf64x8x2R16K12L3ReleasedMeanF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 15, Local = 3, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Never)]
    public sealed partial class SparQOf64x8x2R16K15L3ReleasedF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 15, Local = 3, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K15L3ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 16, Local = 0, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K16L0PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 16, Local = 4, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K16L4PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 3, Local = 0, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K3L0PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 400, Local = 2, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K400L2PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 4, Local = 1, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K4L1ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 4, Local = 9, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K4L9PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 9, Local = 0, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K9L0PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 9, Local = 2, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R16K9L2ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 1, TopK = 2, Local = 0, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R1K2L0ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 1, TopK = 8, Local = 2, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R1K8L2ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 32, TopK = 8, Local = 2, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R32K8L2ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 64, TopK = 3, Local = 0, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R64K3L0ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 64, TopK = 8, Local = 0, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R64K8L0ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 8, TopK = 128, Local = 32, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R8K128L32ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 8, TopK = 6, Local = 2, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R8K6L2ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 8, TopK = 7, Local = 2, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x2R8K7L2PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 400, Local = 2, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x8R16K400L2PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 4, Local = 9, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x8R16K4L9PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 8, Local = 2, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x8R16K8L2PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 8, Local = 2, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x8R16K8L2ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 9, Local = 0, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x8R16K9L0PaperMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 16, TopK = 9, Local = 2, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x8R16K9L2ReleasedMeanF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 1, TopK = 1, Local = 0, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Never)]
    public sealed partial class SparQOf64x8x8R1K1L0ReleasedF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 64, TopK = 1, Local = 1, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf64x8x8R64K1L1PaperMeanF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 20, TopK = 32, Local = 0, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf80x8x2R20K32L0PaperMeanF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 20, TopK = 32, Local = 8, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf80x8x2R20K32L8ReleasedMeanF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 40, TopK = 64, Local = 16, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf80x8x2R40K64L16ReleasedMeanF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SparQ(Rank = 8, TopK = 32, Local = 8, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf80x8x2R8K32L8ReleasedMeanF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 20, TopK = 15, Local = 3, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf80x8x8R20K15L3ReleasedMeanF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 20, TopK = 16, Local = 0, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf80x8x8R20K16L0PaperMeanF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SparQ(Rank = 80, TopK = 10, Local = 2, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQOf80x8x8R80K10L2ReleasedMeanF32;
}
