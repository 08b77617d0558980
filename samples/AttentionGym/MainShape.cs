using AttentionComposer;

namespace AttentionGym.MainShape;

// What changes scores and weights once more, for 32/8 heads of 128: with larger heads the same functions weigh less beside the products.

/// <summary>What they are compared with.</summary>
[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class PlainCausal;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(128)]
public sealed partial class PlainWindow;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class AlibiByFunction(float[] slopes)
{
    [Score] public float Bias(float score, int head, int query, int key) => score + slopes[head] * (key - query);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class SoftCapByFunction
{
    [Score] public static float Capped(float score) => AttentionGym.SoftCapByFunction.Capped(score);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class RelativePosition
{
    [Score] public static float Bias(float score, int query, int key) => AttentionGym.RelativePosition.Bias(score, query, key);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(KvFormat.BFloat16)]
public sealed partial class HeadBias(float[] bias)
{
    [Score] public float Biased(float score, int head, int key) => score + bias[head] * MathF.Sin(0.1f * key);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class BucketedBias(float[,] bias)
{
    [Score] public float Biased(float score, int head, int query, int key)
    {
        int distance = query - key;
        if (distance >= 16)
            distance = Math.Min(31, 16 + (int)(MathF.Log(distance / 16f) / MathF.Log(8f) * 16));
        return score + bias[distance, head];
    }
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class Sandwich
{
    [Score] public static float Biased(float score, int head, int query, int key) => AttentionGym.Sandwich.Biased(score, head, query, key);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
public sealed partial class GraphSpatialBias(int[,] distance, float[,] bias)
{
    [Score] public float Biased(float score, int head, int query, int key) => score + bias[head, distance[query, key]];
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
public sealed partial class GraphEdgeBias(float[,,] edge)
{
    [Score] public float Biased(float score, int keyValueHead, int query, int key) => score + edge[keyValueHead, query, key];
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
public sealed partial class ClampedRelativeTable(float[] table)
{
    [Score] public float Biased(float score, int query, int key) => score + table[Math.Clamp(query - key, -20, 20) + 20];
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class DistanceTable(float[] table)
{
    [Score] public float Biased(float score, int query, int key) => score + table[query - key];
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
public sealed partial class PackedBias(float[] bias, int positions)
{
    [Score] public float Biased(float score, int query, int key) => score + bias[query] + bias[positions + key];
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class XorPattern
{
    [Score] public static float Biased(float score, int query, int key) => AttentionGym.XorPattern.Biased(score, query, key);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class Squared
{
    [Score] public static float Square(float score) => AttentionGym.Squared.Square(score);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal]
public sealed partial class Thresholded
{
    [Score] public static float Cut(float score) => AttentionGym.Thresholded.Cut(score);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SoftCap(5), Alibi]
public sealed partial class TwoScores
{
    [Score(Order = 2)] public static float Second(float score) => AttentionGym.TwoScores.Second(score);

    [Score(Order = 1)] public static float First(float score, int query, int key) => AttentionGym.TwoScores.First(score, query, key);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, SlidingWindow(128)]
public sealed partial class LearnedSinks(float[] sinks)
{
    [SinkLogits] readonly float[] _sinks = sinks;
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, Normalizer(Normalization.SoftmaxOne)]
public sealed partial class SoftmaxOne;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, Normalizer(Normalization.Sigmoid)]
public sealed partial class SigmoidWithBias
{
    [Score] public static float Biased(float score, int query) => AttentionGym.SigmoidWithBias.Biased(score, query);
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, Normalizer(Normalization.Relu)]
public sealed partial class ReluByLength
{
    [Score] public static float Scaled(float score, int query) => AttentionGym.ReluByLength.Scaled(score, query);
}
