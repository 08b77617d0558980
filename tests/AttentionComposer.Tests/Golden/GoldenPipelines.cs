using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Golden;

// The pipelines of the golden cases: a class for each shape, and in it each set of stages with each of the three cache formats.
// GoldenTests finds them by their plans.
static partial class Heads8x2Of64
{
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
    public sealed partial class FullF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), KvCache(Float16)]
    public sealed partial class FullF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), KvCache(BFloat16)]
    public sealed partial class FullBF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Scale(0.05f)]
    public sealed partial class Scale05F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Scale(0.05f), KvCache(Float16)]
    public sealed partial class Scale05F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Scale(0.05f), KvCache(BFloat16)]
    public sealed partial class Scale05BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
    public sealed partial class CausalOnlyF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(Float16)]
    public sealed partial class CausalOnlyF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOnlyBF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(2)]
    public sealed partial class Cap2F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(2), KvCache(Float16)]
    public sealed partial class Cap2F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(2), KvCache(BFloat16)]
    public sealed partial class Cap2BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5)]
    public sealed partial class Cap5F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5), KvCache(Float16)]
    public sealed partial class Cap5F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5), KvCache(BFloat16)]
    public sealed partial class Cap5BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi]
    public sealed partial class WithAlibiF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi, KvCache(Float16)]
    public sealed partial class WithAlibiF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi, KvCache(BFloat16)]
    public sealed partial class WithAlibiBF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(1)]
    public sealed partial class Window1F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(1), KvCache(Float16)]
    public sealed partial class Window1F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(1), KvCache(BFloat16)]
    public sealed partial class Window1BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(3), Sinks(1)]
    public sealed partial class Window3Sinks1F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(3), Sinks(1), KvCache(Float16)]
    public sealed partial class Window3Sinks1F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(3), Sinks(1), KvCache(BFloat16)]
    public sealed partial class Window3Sinks1BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(4)]
    public sealed partial class Window4F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(4), KvCache(Float16)]
    public sealed partial class Window4F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(4), KvCache(BFloat16)]
    public sealed partial class Window4BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(9), Sinks(2), Alibi, SoftCap(8)]
    public sealed partial class Window9Sinks2AlibiCap8F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(9), Sinks(2), Alibi, SoftCap(8), KvCache(Float16)]
    public sealed partial class Window9Sinks2AlibiCap8F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(9), Sinks(2), Alibi, SoftCap(8), KvCache(BFloat16)]
    public sealed partial class Window9Sinks2AlibiCap8BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(11), Sinks(4)]
    public sealed partial class Window11Sinks4F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(11), Sinks(4), KvCache(Float16)]
    public sealed partial class Window11Sinks4F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(11), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window11Sinks4BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(16)]
    public sealed partial class Window16F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(16), KvCache(Float16)]
    public sealed partial class Window16F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(16), KvCache(BFloat16)]
    public sealed partial class Window16BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(16), Sinks(4)]
    public sealed partial class Window16Sinks4F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(16), Sinks(4), KvCache(Float16)]
    public sealed partial class Window16Sinks4F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(16), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window16Sinks4BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4)]
    public sealed partial class Window64Sinks4F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4), KvCache(Float16)]
    public sealed partial class Window64Sinks4F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window64Sinks4BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(176), Sinks(16)]
    public sealed partial class Window176Sinks16F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(176), Sinks(16), KvCache(Float16)]
    public sealed partial class Window176Sinks16F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(176), Sinks(16), KvCache(BFloat16)]
    public sealed partial class Window176Sinks16BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(5000), Sinks(3)]
    public sealed partial class Window5000Sinks3F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(5000), Sinks(3), KvCache(Float16)]
    public sealed partial class Window5000Sinks3F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(5000), Sinks(3), KvCache(BFloat16)]
    public sealed partial class Window5000Sinks3BF16;
}

static partial class Heads8x8Of64
{
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8)]
    public sealed partial class FullF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), KvCache(Float16)]
    public sealed partial class FullF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), KvCache(BFloat16)]
    public sealed partial class FullBF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal]
    public sealed partial class CausalOnlyF32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, KvCache(Float16)]
    public sealed partial class CausalOnlyF16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOnlyBF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(1)]
    public sealed partial class Window1F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(1), KvCache(Float16)]
    public sealed partial class Window1F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(1), KvCache(BFloat16)]
    public sealed partial class Window1BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(6), Sinks(2)]
    public sealed partial class Window6Sinks2F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(6), Sinks(2), KvCache(Float16)]
    public sealed partial class Window6Sinks2F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(6), Sinks(2), KvCache(BFloat16)]
    public sealed partial class Window6Sinks2BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4)]
    public sealed partial class Window11Sinks4F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4), KvCache(Float16)]
    public sealed partial class Window11Sinks4F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window11Sinks4BF16;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16)]
    public sealed partial class Window16F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16), KvCache(Float16)]
    public sealed partial class Window16F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16), KvCache(BFloat16)]
    public sealed partial class Window16BF16;
}

static partial class Heads32x8Of64
{
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal]
    public sealed partial class CausalOnlyF32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(Float16)]
    public sealed partial class CausalOnlyF16;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOnlyBF16;

    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SoftCap(5)]
    public sealed partial class Cap5F32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SoftCap(5), KvCache(Float16)]
    public sealed partial class Cap5F16;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SoftCap(5), KvCache(BFloat16)]
    public sealed partial class Cap5BF16;

    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, Alibi]
    public sealed partial class WithAlibiF32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, Alibi, KvCache(Float16)]
    public sealed partial class WithAlibiF16;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, Alibi, KvCache(BFloat16)]
    public sealed partial class WithAlibiBF16;

    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(48), Sinks(16)]
    public sealed partial class Window48Sinks16F32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(48), Sinks(16), KvCache(Float16)]
    public sealed partial class Window48Sinks16F16;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(48), Sinks(16), KvCache(BFloat16)]
    public sealed partial class Window48Sinks16BF16;

    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(64), Sinks(4)]
    public sealed partial class Window64Sinks4F32;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(64), Sinks(4), KvCache(Float16)]
    public sealed partial class Window64Sinks4F16;
    [Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(64), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window64Sinks4BF16;
}

static partial class Heads8x2Of80
{
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal]
    public sealed partial class CausalOnlyF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(Float16)]
    public sealed partial class CausalOnlyF16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOnlyBF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5)]
    public sealed partial class Cap5F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5), KvCache(Float16)]
    public sealed partial class Cap5F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5), KvCache(BFloat16)]
    public sealed partial class Cap5BF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi]
    public sealed partial class WithAlibiF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi, KvCache(Float16)]
    public sealed partial class WithAlibiF16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi, KvCache(BFloat16)]
    public sealed partial class WithAlibiBF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(48), Sinks(16)]
    public sealed partial class Window48Sinks16F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(48), Sinks(16), KvCache(Float16)]
    public sealed partial class Window48Sinks16F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(48), Sinks(16), KvCache(BFloat16)]
    public sealed partial class Window48Sinks16BF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4)]
    public sealed partial class Window64Sinks4F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4), KvCache(Float16)]
    public sealed partial class Window64Sinks4F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window64Sinks4BF16;
}

static partial class Heads8x8Of80
{
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8)]
    public sealed partial class FullF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), KvCache(Float16)]
    public sealed partial class FullF16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), KvCache(BFloat16)]
    public sealed partial class FullBF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal]
    public sealed partial class CausalOnlyF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, KvCache(Float16)]
    public sealed partial class CausalOnlyF16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOnlyBF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SoftCap(5)]
    public sealed partial class Cap5F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SoftCap(5), KvCache(Float16)]
    public sealed partial class Cap5F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SoftCap(5), KvCache(BFloat16)]
    public sealed partial class Cap5BF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, Alibi]
    public sealed partial class WithAlibiF32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, Alibi, KvCache(Float16)]
    public sealed partial class WithAlibiF16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, Alibi, KvCache(BFloat16)]
    public sealed partial class WithAlibiBF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(1)]
    public sealed partial class Window1F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(1), KvCache(Float16)]
    public sealed partial class Window1F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(1), KvCache(BFloat16)]
    public sealed partial class Window1BF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(9), Sinks(2), Alibi, SoftCap(8)]
    public sealed partial class Window9Sinks2AlibiCap8F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(9), Sinks(2), Alibi, SoftCap(8), KvCache(Float16)]
    public sealed partial class Window9Sinks2AlibiCap8F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(9), Sinks(2), Alibi, SoftCap(8), KvCache(BFloat16)]
    public sealed partial class Window9Sinks2AlibiCap8BF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4)]
    public sealed partial class Window11Sinks4F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4), KvCache(Float16)]
    public sealed partial class Window11Sinks4F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window11Sinks4BF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16)]
    public sealed partial class Window16F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16), KvCache(Float16)]
    public sealed partial class Window16F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16), KvCache(BFloat16)]
    public sealed partial class Window16BF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16), Sinks(4)]
    public sealed partial class Window16Sinks4F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16), Sinks(4), KvCache(Float16)]
    public sealed partial class Window16Sinks4F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(16), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window16Sinks4BF16;

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(5000), Sinks(3)]
    public sealed partial class Window5000Sinks3F32;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(5000), Sinks(3), KvCache(Float16)]
    public sealed partial class Window5000Sinks3F16;
    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, SlidingWindow(5000), Sinks(3), KvCache(BFloat16)]
    public sealed partial class Window5000Sinks3BF16;
}

static partial class Heads8x2Of128
{
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal]
    public sealed partial class CausalOnlyF32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(Float16)]
    public sealed partial class CausalOnlyF16;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOnlyBF16;

    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5)]
    public sealed partial class Cap5F32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5), KvCache(Float16)]
    public sealed partial class Cap5F16;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5), KvCache(BFloat16)]
    public sealed partial class Cap5BF16;

    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi]
    public sealed partial class WithAlibiF32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi, KvCache(Float16)]
    public sealed partial class WithAlibiF16;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi, KvCache(BFloat16)]
    public sealed partial class WithAlibiBF16;

    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4)]
    public sealed partial class Window64Sinks4F32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4), KvCache(Float16)]
    public sealed partial class Window64Sinks4F16;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window64Sinks4BF16;

    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(176), Sinks(16)]
    public sealed partial class Window176Sinks16F32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(176), Sinks(16), KvCache(Float16)]
    public sealed partial class Window176Sinks16F16;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(176), Sinks(16), KvCache(BFloat16)]
    public sealed partial class Window176Sinks16BF16;
}

static partial class Heads32x8Of128
{
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
    public sealed partial class CausalOnlyF32;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(Float16)]
    public sealed partial class CausalOnlyF16;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOnlyBF16;

    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4)]
    public sealed partial class Window11Sinks4F32;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4), KvCache(Float16)]
    public sealed partial class Window11Sinks4F16;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(11), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window11Sinks4BF16;

    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(16), Sinks(4)]
    public sealed partial class Window16Sinks4F32;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(16), Sinks(4), KvCache(Float16)]
    public sealed partial class Window16Sinks4F16;
    [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(16), Sinks(4), KvCache(BFloat16)]
    public sealed partial class Window16Sinks4BF16;
}
