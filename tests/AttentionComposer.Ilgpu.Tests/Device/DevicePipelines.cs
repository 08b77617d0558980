namespace AttentionComposer.Ilgpu.Tests;

[Attention(HeadDim = 64, QueryHeads = 6, KeyValueHeads = 2), Causal]
sealed partial class Dense;

[Attention(HeadDim = 40, QueryHeads = 4, KeyValueHeads = 4), Causal, KvCache(KvFormat.Float16)]
sealed partial class DenseFloat16;

[Attention(HeadDim = 40, QueryHeads = 4, KeyValueHeads = 1), Causal, SlidingWindow(20), Sinks(3), KvCache(KvFormat.BFloat16)]
sealed partial class WindowBFloat16;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, KvCache(KvFormat.Int8)]
sealed partial class EightBits;

/// <summary>Blocks of a context, beside a function that knows the sequence's number.</summary>
[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 16, AnchorSize = 7)]
sealed partial class Blocks
{
    [Score]
    public static float Shift(float score, int batch, int query, int key) => score + 0.3f * batch * (key % 2) + 0.01f * (query - key);
}

[Attention(HeadDim = 64, QueryHeads = 6, KeyValueHeads = 2), Causal, SparQ(Rank = 16, TopK = 24, Local = 4, Reallocation = SparQReallocation.Always)]
sealed partial class Sparse;

[Attention(HeadDim = 40, QueryHeads = 4, KeyValueHeads = 4), Causal, SlidingWindow(200), Sinks(3), KvCache(KvFormat.BFloat16), SparQ(Rank = 12, TopK = 20, Local = 4)]
sealed partial class SparseWindow;

/// <summary>Labels that change between calls.</summary>
[Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 2), Causal, DoubleSparsity(Rank = 4, TopK = 20)]
sealed partial class Labelled
{
    [LabelChannels] public int[] Channels = [0, 1, 2, 3, 4, 5, 6, 7];
}

/// <summary>Biases by distance from a table that may be too short, and by a number; both may change between calls.</summary>
[Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 2), Causal]
sealed partial class Biased
{
    public float[] Distances = [];

    public float Factor = 1;

    [Score]
    public float ByDistance(float score, int query, int key) => score + Factor * Distances[query - key];
}
