using AttentionComposer;

namespace AttentionGym;

/// <summary>What variants are compared with.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class PlainCausal;

/// <summary>What variants over its window are compared with too.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(128)]
public sealed partial class PlainWindow;
