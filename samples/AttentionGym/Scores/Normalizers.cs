using AttentionComposer;

namespace AttentionGym;

/// <summary>gpt-oss: each head has a learned logit beside the keys'.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, SlidingWindow(128)]
public sealed partial class LearnedSinks(float[] sinks)
{
    [SinkLogits] readonly float[] _sinks = sinks;
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Normalizer(Normalization.SoftmaxOne)]
public sealed partial class SoftmaxOne;

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Normalizer(Normalization.Sigmoid)]
public sealed partial class SigmoidWithBias
{
    [Score] public static float Biased(float score, int query) => score - MathF.Log(query + 1f);
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, Normalizer(Normalization.Relu)]
public sealed partial class ReluByLength
{
    [Score] public static float Scaled(float score, int query) => score / (query + 1);
}
