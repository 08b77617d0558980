using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>The pipelines of the golden cases <c>h2o_decode</c>.</summary>
static partial class GoldenHeavyHittersPipelines
{
    /// <summary>The pipeline of a case.</summary>
    public static IAttention Of(GoldenCase golden, KvFormat format) => Pipelines.All.Single(each =>
        each.Plan.Name.StartsWith("GoldenKept", StringComparison.Ordinal) && each.Shape.KeyValueHeads == golden.Input("k").Dimensions[0] && each.Plan.Format == format);

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, HeavyHitters(Budget = 16, Local = 4)]
    public sealed partial class GoldenKeptGroupedF32;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, HeavyHitters(Budget = 16, Local = 4), KvCache(KvFormat.Float16)]
    public sealed partial class GoldenKeptGroupedF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, HeavyHitters(Budget = 12, Local = 3)]
    public sealed partial class GoldenKeptF32;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, HeavyHitters(Budget = 12, Local = 3), KvCache(KvFormat.Float16)]
    public sealed partial class GoldenKeptF16;
}
