using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Kernels;

/// <summary>Pipelines whose numbers are multiples of nothing, nearly each with the three formats of floats, and every stage with rows of 8-bit integers.</summary>
static partial class Variants
{
    /// <summary>The names of the pipelines declared here.</summary>
    public static string[] Names { get; } = [.. typeof(Variants).GetNestedTypes().Select(type => type.Name).Order(StringComparer.Ordinal)];

    /// <summary>The pipeline of that name.</summary>
    public static IAttention Named(string name) => (IAttention)Activator.CreateInstance(typeof(Variants).GetNestedType(name)!)!;

    // Multi-head.
    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 4), Causal]
    public sealed partial class Causal4x4Of32F32;
    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 4), Causal, KvCache(Float16)]
    public sealed partial class Causal4x4Of32F16;
    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 4), Causal, KvCache(BFloat16)]
    public sealed partial class Causal4x4Of32BF16;
    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 4), Causal, KvCache(Int8)]
    public sealed partial class Causal4x4Of32I8;

    // Multi-query, groups of 5.
    [Attention(HeadDim = 32, QueryHeads = 5, KeyValueHeads = 1), Causal, SlidingWindow(7), Sinks(3), Alibi, SoftCap(6)]
    public sealed partial class EverythingOf32F32;
    [Attention(HeadDim = 32, QueryHeads = 5, KeyValueHeads = 1), Causal, SlidingWindow(7), Sinks(3), Alibi, SoftCap(6), KvCache(Float16)]
    public sealed partial class EverythingOf32F16;
    [Attention(HeadDim = 32, QueryHeads = 5, KeyValueHeads = 1), Causal, SlidingWindow(7), Sinks(3), Alibi, SoftCap(6), KvCache(BFloat16)]
    public sealed partial class EverythingOf32BF16;
    [Attention(HeadDim = 32, QueryHeads = 5, KeyValueHeads = 1), Causal, SlidingWindow(7), Sinks(3), Alibi, SoftCap(6), KvCache(Int8)]
    public sealed partial class EverythingOf32I8;

    // Groups of 3; slopes of a head count that is no power of two.
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Alibi]
    public sealed partial class AlibiOf40F32;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Alibi, KvCache(Float16)]
    public sealed partial class AlibiOf40F16;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Alibi, KvCache(BFloat16)]
    public sealed partial class AlibiOf40BF16;
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal, Alibi, KvCache(Int8)]
    public sealed partial class AlibiOf40I8;

    // Groups of 7.
    [Attention(HeadDim = 40, QueryHeads = 7, KeyValueHeads = 1)]
    public sealed partial class FullOf40F32;
    [Attention(HeadDim = 40, QueryHeads = 7, KeyValueHeads = 1), KvCache(Float16)]
    public sealed partial class FullOf40F16;
    [Attention(HeadDim = 40, QueryHeads = 7, KeyValueHeads = 1), KvCache(BFloat16)]
    public sealed partial class FullOf40BF16;
    [Attention(HeadDim = 40, QueryHeads = 7, KeyValueHeads = 1), KvCache(Int8)]
    public sealed partial class FullOf40I8;

    // Every visible key has the same weight.
    [Attention(HeadDim = 48, QueryHeads = 9, KeyValueHeads = 3), Causal, Scale(0f)]
    public sealed partial class ScaleZeroOf48F32;
    [Attention(HeadDim = 48, QueryHeads = 9, KeyValueHeads = 3), Causal, Scale(0f), KvCache(Float16)]
    public sealed partial class ScaleZeroOf48F16;
    [Attention(HeadDim = 48, QueryHeads = 9, KeyValueHeads = 3), Causal, Scale(0f), KvCache(BFloat16)]
    public sealed partial class ScaleZeroOf48BF16;

    // Groups of 8.
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 1), Causal, SoftCap(5)]
    public sealed partial class SoftCapOf64F32;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 1), Causal, SoftCap(5), KvCache(Float16)]
    public sealed partial class SoftCapOf64F16;
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 1), Causal, SoftCap(5), KvCache(BFloat16)]
    public sealed partial class SoftCapOf64BF16;

    [Attention(HeadDim = 64, QueryHeads = 6, KeyValueHeads = 3), Causal, SlidingWindow(63), Sinks(65)]
    public sealed partial class MoreSinksThanWindowOf64F32;
    [Attention(HeadDim = 64, QueryHeads = 6, KeyValueHeads = 3), Causal, SlidingWindow(63), Sinks(65), KvCache(Float16)]
    public sealed partial class MoreSinksThanWindowOf64F16;
    [Attention(HeadDim = 64, QueryHeads = 6, KeyValueHeads = 3), Causal, SlidingWindow(63), Sinks(65), KvCache(BFloat16)]
    public sealed partial class MoreSinksThanWindowOf64BF16;
    [Attention(HeadDim = 64, QueryHeads = 6, KeyValueHeads = 3), Causal, SlidingWindow(63), Sinks(65), KvCache(Int8)]
    public sealed partial class MoreSinksThanWindowOf64I8;

    [Attention(HeadDim = 72, QueryHeads = 2, KeyValueHeads = 2), Causal, SlidingWindow(1)]
    public sealed partial class WindowOfOneOf72F32;
    [Attention(HeadDim = 72, QueryHeads = 2, KeyValueHeads = 2), Causal, SlidingWindow(1), KvCache(Float16)]
    public sealed partial class WindowOfOneOf72F16;
    [Attention(HeadDim = 72, QueryHeads = 2, KeyValueHeads = 2), Causal, SlidingWindow(1), KvCache(BFloat16)]
    public sealed partial class WindowOfOneOf72BF16;

    [Attention(HeadDim = 80, QueryHeads = 3, KeyValueHeads = 1), Causal, SlidingWindow(65)]
    public sealed partial class WindowOf80F32;
    [Attention(HeadDim = 80, QueryHeads = 3, KeyValueHeads = 1), Causal, SlidingWindow(65), KvCache(Float16)]
    public sealed partial class WindowOf80F16;
    [Attention(HeadDim = 80, QueryHeads = 3, KeyValueHeads = 1), Causal, SlidingWindow(65), KvCache(BFloat16)]
    public sealed partial class WindowOf80BF16;
    [Attention(HeadDim = 80, QueryHeads = 3, KeyValueHeads = 1), Causal, SlidingWindow(65), KvCache(Int8)]
    public sealed partial class WindowOf80I8;

    // The distance in both directions.
    [Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 5), Alibi, Scale(0.2f)]
    public sealed partial class FullAlibiOf80F32;
    [Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 5), Alibi, Scale(0.2f), KvCache(Float16)]
    public sealed partial class FullAlibiOf80F16;
    [Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 5), Alibi, Scale(0.2f), KvCache(BFloat16)]
    public sealed partial class FullAlibiOf80BF16;

    [Attention(HeadDim = 96, QueryHeads = 4, KeyValueHeads = 2), Causal, Alibi, SoftCap(3)]
    public sealed partial class AlibiSoftCapOf96F32;
    [Attention(HeadDim = 96, QueryHeads = 4, KeyValueHeads = 2), Causal, Alibi, SoftCap(3), KvCache(Float16)]
    public sealed partial class AlibiSoftCapOf96F16;
    [Attention(HeadDim = 96, QueryHeads = 4, KeyValueHeads = 2), Causal, Alibi, SoftCap(3), KvCache(BFloat16)]
    public sealed partial class AlibiSoftCapOf96BF16;

    [Attention(HeadDim = 96, QueryHeads = 14, KeyValueHeads = 2), Causal, SlidingWindow(100), Sinks(1), Alibi]
    public sealed partial class WindowSinkAlibiOf96F32;
    [Attention(HeadDim = 96, QueryHeads = 14, KeyValueHeads = 2), Causal, SlidingWindow(100), Sinks(1), Alibi, KvCache(Float16)]
    public sealed partial class WindowSinkAlibiOf96F16;
    [Attention(HeadDim = 96, QueryHeads = 14, KeyValueHeads = 2), Causal, SlidingWindow(100), Sinks(1), Alibi, KvCache(BFloat16)]
    public sealed partial class WindowSinkAlibiOf96BF16;
    [Attention(HeadDim = 96, QueryHeads = 14, KeyValueHeads = 2), Causal, SlidingWindow(100), Sinks(1), Alibi, KvCache(Int8)]
    public sealed partial class WindowSinkAlibiOf96I8;

    [Attention(HeadDim = 112, QueryHeads = 5, KeyValueHeads = 1), Causal]
    public sealed partial class CausalOf112F32;
    [Attention(HeadDim = 112, QueryHeads = 5, KeyValueHeads = 1), Causal, KvCache(Float16)]
    public sealed partial class CausalOf112F16;
    [Attention(HeadDim = 112, QueryHeads = 5, KeyValueHeads = 1), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOf112BF16;

    [Attention(HeadDim = 112, QueryHeads = 4, KeyValueHeads = 1), SoftCap(2.5f)]
    public sealed partial class FullSoftCapOf112F32;
    [Attention(HeadDim = 112, QueryHeads = 4, KeyValueHeads = 1), SoftCap(2.5f), KvCache(Float16)]
    public sealed partial class FullSoftCapOf112F16;
    [Attention(HeadDim = 112, QueryHeads = 4, KeyValueHeads = 1), SoftCap(2.5f), KvCache(BFloat16)]
    public sealed partial class FullSoftCapOf112BF16;

    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(257), Sinks(4), SoftCap(30)]
    public sealed partial class WindowSinksSoftCapOf128F32;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(257), Sinks(4), SoftCap(30), KvCache(Float16)]
    public sealed partial class WindowSinksSoftCapOf128F16;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(257), Sinks(4), SoftCap(30), KvCache(BFloat16)]
    public sealed partial class WindowSinksSoftCapOf128BF16;
    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(257), Sinks(4), SoftCap(30), KvCache(Int8)]
    public sealed partial class WindowSinksSoftCapOf128I8;

    [Attention(HeadDim = 128, QueryHeads = 16, KeyValueHeads = 2), Causal]
    public sealed partial class CausalOf128F32;
    [Attention(HeadDim = 128, QueryHeads = 16, KeyValueHeads = 2), Causal, KvCache(Float16)]
    public sealed partial class CausalOf128F16;
    [Attention(HeadDim = 128, QueryHeads = 16, KeyValueHeads = 2), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOf128BF16;
    [Attention(HeadDim = 128, QueryHeads = 16, KeyValueHeads = 2), Causal, KvCache(Int8)]
    public sealed partial class CausalOf128I8;

    // Groups of 10.
    [Attention(HeadDim = 136, QueryHeads = 10, KeyValueHeads = 1), Causal]
    public sealed partial class CausalOf136F32;
    [Attention(HeadDim = 136, QueryHeads = 10, KeyValueHeads = 1), Causal, KvCache(Float16)]
    public sealed partial class CausalOf136F16;
    [Attention(HeadDim = 136, QueryHeads = 10, KeyValueHeads = 1), Causal, KvCache(BFloat16)]
    public sealed partial class CausalOf136BF16;

    // Groups of 6.
    [Attention(HeadDim = 200, QueryHeads = 6, KeyValueHeads = 1), Causal, SlidingWindow(33)]
    public sealed partial class WindowOf200F32;
    [Attention(HeadDim = 200, QueryHeads = 6, KeyValueHeads = 1), Causal, SlidingWindow(33), KvCache(Float16)]
    public sealed partial class WindowOf200F16;
    [Attention(HeadDim = 200, QueryHeads = 6, KeyValueHeads = 1), Causal, SlidingWindow(33), KvCache(BFloat16)]
    public sealed partial class WindowOf200BF16;
    [Attention(HeadDim = 200, QueryHeads = 6, KeyValueHeads = 1), Causal, SlidingWindow(33), KvCache(Int8)]
    public sealed partial class WindowOf200I8;

    [Attention(HeadDim = 256, QueryHeads = 2, KeyValueHeads = 1), Causal, SoftCap(50)]
    public sealed partial class SoftCapOf256F32;
    [Attention(HeadDim = 256, QueryHeads = 2, KeyValueHeads = 1), Causal, SoftCap(50), KvCache(Float16)]
    public sealed partial class SoftCapOf256F16;
    [Attention(HeadDim = 256, QueryHeads = 2, KeyValueHeads = 1), Causal, SoftCap(50), KvCache(BFloat16)]
    public sealed partial class SoftCapOf256BF16;
    [Attention(HeadDim = 256, QueryHeads = 2, KeyValueHeads = 1), Causal, SoftCap(50), KvCache(Int8)]
    public sealed partial class SoftCapOf256I8;

    [Attention(HeadDim = 256, QueryHeads = 3, KeyValueHeads = 3), Causal, SlidingWindow(17), Sinks(5), Alibi, SoftCap(8), Scale(0.1f)]
    public sealed partial class EverythingOf256F32;
    [Attention(HeadDim = 256, QueryHeads = 3, KeyValueHeads = 3), Causal, SlidingWindow(17), Sinks(5), Alibi, SoftCap(8), Scale(0.1f), KvCache(Float16)]
    public sealed partial class EverythingOf256F16;
    [Attention(HeadDim = 256, QueryHeads = 3, KeyValueHeads = 3), Causal, SlidingWindow(17), Sinks(5), Alibi, SoftCap(8), Scale(0.1f), KvCache(BFloat16)]
    public sealed partial class EverythingOf256BF16;

    // A window and sinks beyond every sequence are plain causal attention.
    [Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 1), Causal, SlidingWindow(int.MaxValue), Sinks(int.MaxValue)]
    public sealed partial class EndlessWindowOf32F32;
    [Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 1), Causal, SlidingWindow(2_000_000_000), Sinks(2_000_000_000), KvCache(Float16)]
    public sealed partial class EndlessWindowOf32F16;

    // A cap far above the scores: tanh must be exact near 0.
    [Attention(HeadDim = 32, QueryHeads = 3, KeyValueHeads = 1), Causal, SoftCap(10_000)]
    public sealed partial class WideCapOf32F32;

    // A cap far below them: nearly all scores are at one of two bounds.
    [Attention(HeadDim = 32, QueryHeads = 3, KeyValueHeads = 1), Causal, SoftCap(0.01f), Scale(10)]
    public sealed partial class NarrowCapOf32F32;

    // Groups of 12, and the smallest scores weigh most.
    [Attention(HeadDim = 56, QueryHeads = 12, KeyValueHeads = 1), Causal, Scale(-0.1f)]
    public sealed partial class NegativeScaleOf56F32;

    // Groups of 64: more rows a token than any tile.
    [Attention(HeadDim = 32, QueryHeads = 64, KeyValueHeads = 1), Causal, SlidingWindow(20), Sinks(2), Alibi, KvCache(BFloat16)]
    public sealed partial class ManyHeadsOf32BF16;
}
