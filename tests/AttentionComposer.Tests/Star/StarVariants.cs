using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Star;

/// <summary>Sizes that are multiples of nothing, and other stages beside Star.</summary>
static partial class StarVariants
{
    /// <summary>The pipeline of that class name.</summary>
    public static IAttention Named(string name) => (IAttention)Activator.CreateInstance(typeof(StarVariants).GetNestedType(name)!)!;

    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 1)]
    public sealed partial class Blocks1F32;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 1), KvCache(Float16)]
    public sealed partial class Blocks1F16;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 1), KvCache(BFloat16)]
    public sealed partial class Blocks1BF16;

    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 37, AnchorSize = 11)]
    public sealed partial class Blocks37Anchor11F32;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 37, AnchorSize = 11), KvCache(Float16)]
    public sealed partial class Blocks37Anchor11F16;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 37, AnchorSize = 11), KvCache(BFloat16)]
    public sealed partial class Blocks37Anchor11BF16;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 37, AnchorSize = 11), KvCache(Int8)]
    public sealed partial class Blocks37Anchor11I8;

    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 70, AnchorSize = 0)]
    public sealed partial class Blocks70WithoutAnchorF32;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 70, AnchorSize = 0), KvCache(Float16)]
    public sealed partial class Blocks70WithoutAnchorF16;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 70, AnchorSize = 0), KvCache(BFloat16)]
    public sealed partial class Blocks70WithoutAnchorBF16;

    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 129, AnchorSize = 128), Alibi, SoftCap(6)]
    public sealed partial class Blocks129AlibiSoftCapF32;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 129, AnchorSize = 128), Alibi, SoftCap(6), KvCache(Float16)]
    public sealed partial class Blocks129AlibiSoftCapF16;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Star(BlockSize = 129, AnchorSize = 128), Alibi, SoftCap(6), KvCache(BFloat16)]
    public sealed partial class Blocks129AlibiSoftCapBF16;
}
