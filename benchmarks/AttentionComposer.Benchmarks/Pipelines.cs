namespace AttentionComposer.Benchmarks;

// Every pipeline that is measured, nearly all in the shape that the peers are measured in: 32 query heads over 8 key/value heads of 128,
// as in Llama 3 8B.

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal]
public sealed partial class DenseFloat32;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal]
[KvCache(KvFormat.Float16)]
public sealed partial class DenseFloat16;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal]
[KvCache(KvFormat.BFloat16)]
public sealed partial class DenseBFloat16;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal]
[KvCache(KvFormat.Int8)]
public sealed partial class DenseInt8;

// One query head for each key/value head: nothing but the bytes counts.

[Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 8)]
[Causal]
[KvCache(KvFormat.Float16)]
public sealed partial class MultiHeadFloat16;

[Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 8)]
[Causal]
[KvCache(KvFormat.Int8)]
public sealed partial class MultiHeadInt8;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
public sealed partial class EncoderFloat32;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SlidingWindow(1024)]
public sealed partial class WindowFloat32;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SoftCap(50f)]
public sealed partial class SoftCapFloat32;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, Alibi]
public sealed partial class AlibiFloat32;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SlidingWindow(1024), Sinks(4), SoftCap(50f), Alibi]
[KvCache(KvFormat.Float16)]
public sealed partial class LocalFloat16;

// The paper's setting (arXiv 2312.04985, table 4); the local window is a quarter of the keys. Grouped heads do without the mean value.

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SparQ(Rank = 32, TopK = 128)]
public sealed partial class SparQFloat32;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SparQ(Rank = 32, TopK = 128)]
[KvCache(KvFormat.Float16)]
public sealed partial class SparQFloat16;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, TopK(128)]
public sealed partial class TopKFloat32;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, Pages(Size = 16, Count = 64)]
public sealed partial class PagesFloat32;
