namespace AttentionComposer.Ilgpu.Benchmarks;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
sealed partial class DenseFloat32;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(KvFormat.Float16)]
sealed partial class DenseFloat16;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(KvFormat.BFloat16)]
sealed partial class DenseBFloat16;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(KvFormat.Float16), SparQ(Rank = 32, TopK = 128, Local = 32)]
sealed partial class SparseFloat16;
