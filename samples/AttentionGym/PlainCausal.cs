using AttentionComposer;

namespace AttentionGym;

/// <summary>What every variant is compared with.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class PlainCausal;
