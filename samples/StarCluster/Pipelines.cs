using AttentionComposer;

namespace StarClusterSample;

// Block and anchor sizes are part of a pipeline. The shipped model has 4 query heads and 2 key/value heads of 64.

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal]
sealed partial class Dense;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 64)]
sealed partial class Star64;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 128)]
sealed partial class Star128;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 256)]
sealed partial class Star256;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 1024)]
sealed partial class Star1024;

// Blocks that see only themselves: the paper's ablation.

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 64, AnchorSize = 0)]
sealed partial class Blocks64;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 128, AnchorSize = 0)]
sealed partial class Blocks128;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 256, AnchorSize = 0)]
sealed partial class Blocks256;

// For the speed of the context phase alone: a layer with larger heads.

[Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal]
sealed partial class LayerDense;

[Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 1024)]
sealed partial class LayerStar1024;

[Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 2048)]
sealed partial class LayerStar2048;

[Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, Star(BlockSize = 4096)]
sealed partial class LayerStar4096;

/// <summary>The pipelines by their sizes.</summary>
static class ModelPipelines
{
    static readonly IAttention[] s_star =
        [new Star64(), new Star128(), new Star256(), new Star1024(), new Blocks64(), new Blocks128(), new Blocks256()];

    /// <summary>Dense attention on one host.</summary>
    public static IAttention Dense { get; } = new Dense();

    /// <summary>Block sizes that a context can be cut into.</summary>
    public static IEnumerable<int> BlockSizes => s_star.Where(star => star.Plan.AnchorSize > 0).Select(star => star.Plan.BlockSize);

    /// <summary>The pipeline of that size, or null.</summary>
    public static IAttention? Find(int blockSize, bool anchor) =>
        Array.Find(s_star, star => star.Plan.BlockSize == blockSize && star.Plan.AnchorSize > 0 == anchor);
}
