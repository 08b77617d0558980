using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Golden;

// The shape with the most golden cases once more, with rows of 8-bit integers.
static partial class Heads8x2Of64
{
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), KvCache(Int8)]
    public sealed partial class FullI8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Scale(0.05f), KvCache(Int8)]
    public sealed partial class Scale05I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(Int8)]
    public sealed partial class CausalOnlyI8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(2), KvCache(Int8)]
    public sealed partial class Cap2I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SoftCap(5), KvCache(Int8)]
    public sealed partial class Cap5I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Alibi, KvCache(Int8)]
    public sealed partial class WithAlibiI8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(1), KvCache(Int8)]
    public sealed partial class Window1I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(3), Sinks(1), KvCache(Int8)]
    public sealed partial class Window3Sinks1I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(4), KvCache(Int8)]
    public sealed partial class Window4I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(9), Sinks(2), Alibi, SoftCap(8), KvCache(Int8)]
    public sealed partial class Window9Sinks2AlibiCap8I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(11), Sinks(4), KvCache(Int8)]
    public sealed partial class Window11Sinks4I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(16), KvCache(Int8)]
    public sealed partial class Window16I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(16), Sinks(4), KvCache(Int8)]
    public sealed partial class Window16Sinks4I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(64), Sinks(4), KvCache(Int8)]
    public sealed partial class Window64Sinks4I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(176), Sinks(16), KvCache(Int8)]
    public sealed partial class Window176Sinks16I8;

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(5000), Sinks(3), KvCache(Int8)]
    public sealed partial class Window5000Sinks3I8;
}
