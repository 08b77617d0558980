using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Star;

// The golden cases' Star pipelines, each with every cache format. The tests over MPI compile this file too.
/// <summary>The golden cases' block and anchor sizes.</summary>
static partial class StarOf64
{
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 16)]
    public sealed partial class Blocks16F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 16), KvCache(Float16)]
    public sealed partial class Blocks16F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 16), KvCache(BFloat16)]
    public sealed partial class Blocks16BF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 16), KvCache(Int8)]
    public sealed partial class Blocks16I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 24, AnchorSize = 12)]
    public sealed partial class Blocks24Anchor12F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 24, AnchorSize = 12), KvCache(Float16)]
    public sealed partial class Blocks24Anchor12F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 24, AnchorSize = 12), KvCache(BFloat16)]
    public sealed partial class Blocks24Anchor12BF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 24, AnchorSize = 12), KvCache(Int8)]
    public sealed partial class Blocks24Anchor12I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 27)]
    public sealed partial class Blocks27F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 27), KvCache(Float16)]
    public sealed partial class Blocks27F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 27), KvCache(BFloat16)]
    public sealed partial class Blocks27BF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 27), KvCache(Int8)]
    public sealed partial class Blocks27I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 32)]
    public sealed partial class Blocks32F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 32), KvCache(Float16)]
    public sealed partial class Blocks32F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 32), KvCache(BFloat16)]
    public sealed partial class Blocks32BF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 32), KvCache(Int8)]
    public sealed partial class Blocks32I8;
}

/// <summary>The same with a key/value head for each query head.</summary>
static partial class StarOf64MultiHead
{
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, Star(BlockSize = 24)]
    public sealed partial class Blocks24F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, Star(BlockSize = 24), KvCache(Float16)]
    public sealed partial class Blocks24F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, Star(BlockSize = 24), KvCache(BFloat16)]
    public sealed partial class Blocks24BF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, Star(BlockSize = 24), KvCache(Int8)]
    public sealed partial class Blocks24I8;
}

/// <summary>Finds the pipelines above.</summary>
public static class StarPipelines
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IAttention> All { get; } =
        [.. new[] { typeof(StarOf64), typeof(StarOf64MultiHead) }
            .SelectMany(family => family.GetNestedTypes())
            .Select(type => (IAttention)Activator.CreateInstance(type)!)];

    /// <summary>The pipeline of a golden case.</summary>
    public static IAttention Find(AttentionShape shape, KvFormat format, int block, int anchor) =>
        All.Single(attention => attention.Plan is var plan && plan.Shape == shape && plan.Format == format && plan.BlockSize == block && plan.AnchorSize == anchor);
}
