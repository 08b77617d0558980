using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Selection;

/// <summary>Heavy hitters beside windows, sinks, biases and caps, of sizes that are multiples of nothing and of several blocks.</summary>
static partial class HeavyHittersVariants
{
    /// <summary>One object of every pipeline declared here.</summary>
    public static IAttention[] All { get; } =
        [.. typeof(HeavyHittersVariants).GetNestedTypes().OrderBy(type => type.Name, StringComparer.Ordinal).Select(type => (IAttention)Activator.CreateInstance(type)!)];

    public static IAttention Named(string name) => All.Single(attention => attention.Plan.Name == name);

    [Attention(HeadDim = 32, QueryHeads = 1, KeyValueHeads = 1)]
    [Causal, HeavyHitters(Budget = 1, Local = 0)]
    public sealed partial class KeptTwo;

    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, Alibi, SoftCap(6), HeavyHitters(Budget = 21)]
    public sealed partial class KeptWithAlibiAndCap;

    [Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 4)]
    [Causal, HeavyHitters(Budget = 150, Local = 10), KvCache(BFloat16)]
    public sealed partial class KeptBlocksBF16;

    [Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 1)]
    [Causal, SlidingWindow(50), Sinks(3), HeavyHitters(Budget = 20, Local = 0), KvCache(Float16)]
    public sealed partial class KeptInAWindow;
}
