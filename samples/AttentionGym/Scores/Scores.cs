using AttentionComposer;

namespace AttentionGym;

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class AlibiByFunction(float[] slopes)
{
    readonly float[] _slopes = slopes;

    [Score] public float Bias(float score, int head, int query, int key) => score + _slopes[head] * (key - query);
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class SoftCapByFunction
{
    const float Cap = 3;

    [Score] public static float Capped(float score) => Cap * MathF.Tanh(score / Cap);
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class RelativePosition
{
    [Score] public static float Bias(float score, int query, int key) => score + 0.01f * (query - key);
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(KvFormat.BFloat16)]
public sealed partial class HeadBias(float[] bias)
{
    readonly float[] _bias = bias;

    [Score] public float Biased(float score, int head, int key) => score + _bias[head] * MathF.Sin(0.1f * key);
}

/// <summary>T5: exact distances up to 16, then logarithmic buckets.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class BucketedBias(float[,] bias)
{
    readonly float[,] _bias = bias; // [buckets, heads]

    [Score] public float Biased(float score, int head, int query, int key)
    {
        int distance = query - key;
        if (distance >= 16)
            distance = Math.Min(31, 16 + (int)(MathF.Log(distance / 16f) / MathF.Log(8f) * 16));
        return score + _bias[distance, head];
    }
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class Sandwich
{
    [Score] public static float Biased(float score, int head, int query, int key)
    {
        float sum = 0;
        for (int i = 0; i < 4; i++)
            sum += MathF.Cos((query - key) * Frequency(i));
        return score + sum * (1f + head);
    }

    static float Frequency(int i) => i switch { 0 => 1f, 1 => 0.1f, 2 => 0.01f, _ => 0.001f };
}

/// <summary>Graphormer: a bias for the distance of two nodes in the graph.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class GraphSpatialBias(int[,] distance, float[,] bias)
{
    readonly int[,] _distance = distance;
    readonly float[,] _bias = bias; // [heads, distances]

    [Score] public float Biased(float score, int head, int query, int key) => score + _bias[head, _distance[query, key]];
}

/// <summary>Graphormer: a bias for the edge between two nodes.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class GraphEdgeBias(float[,,] edge)
{
    readonly float[,,] _edge = edge; // [key/value heads, nodes, nodes]

    [Score] public float Biased(float score, int keyValueHead, int query, int key) => score + _edge[keyValueHead, query, key];
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class ClampedRelativeTable(float[] table)
{
    readonly float[] _table = table;

    [Score] public float Biased(float score, int query, int key) => score + _table[Math.Clamp(query - key, -20, 20) + 20];
}

/// <summary>A table over distances: read backwards along the keys.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class DistanceTable(float[] table)
{
    readonly float[] _table = table;

    [Score] public float Biased(float score, int query, int key) => score + _table[query - key];
}

/// <summary>Biases of global queries and keys, packed into one array.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class PackedBias(float[] bias, int positions)
{
    readonly float[] _bias = bias; // of queries, then of keys
    readonly int _positions = positions;

    [Score] public float Biased(float score, int query, int key) => score + _bias[query] + _bias[_positions + key];
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class XorPattern
{
    [Score] public static float Biased(float score, int query, int key) => (query ^ key) % 3 == 0 ? score + 1 : score - 0.5f;
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class Squared
{
    [Score] public static float Square(float score) => 0.25f * score * score;
}

/// <summary>Scores below a threshold are not looked at.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class Thresholded
{
    [Score] public static float Cut(float score) => score < -1 ? float.NegativeInfinity : score;
}

/// <summary>Two functions, in their order, behind a cap and ALiBi.</summary>
[Attention(HeadDim = 64, QueryHeads = 6, KeyValueHeads = 2), Causal, SoftCap(5), Alibi]
public sealed partial class TwoScores
{
    [Score(Order = 2)] public static float Second(float score) => score + MathF.Exp(-score * score);

    [Score(Order = 1)] public static float First(float score, int query, int key) => (query - key) switch
    {
        0 => score * 2,
        < 10 and not 5 => score + MathF.Sqrt(query - key),
        _ => MathF.Max(score, -3),
    };
}
