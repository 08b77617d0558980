using AttentionComposer;

namespace TextDecoder;

// The selections at three budgets for the shipped model's heads and its context of 1024: about a half, a quarter and an eighth of the bytes that
// dense attention reads in a step at 830 positions. Their parameters are part of the kernels, so each setting is a class.

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SparQ(Rank = 32, TopK = 200)]
sealed partial class SparQHalf;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SparQ(Rank = 16, TopK = 104)]
sealed partial class SparQQuarter;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SparQ(Rank = 8, TopK = 52)]
sealed partial class SparQEighth;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, Pages(Size = 16, Count = 23)]
sealed partial class PagesHalf;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, Pages(Size = 16, Count = 10)]
sealed partial class PagesQuarter;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, Pages(Size = 16, Count = 3)]
sealed partial class PagesEighth;

// The positions that have received most attention so far. Besides them a step reads their scores.

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, HeavyHitters(Budget = 407)]
sealed partial class HeavyHittersHalf;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, HeavyHitters(Budget = 203)]
sealed partial class HeavyHittersQuarter;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, HeavyHitters(Budget = 101)]
sealed partial class HeavyHittersEighth;

// Double Sparsity: SparQ's sizes, with channels that calibration has chosen for all queries.

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, DoubleSparsity(Rank = 32, TopK = 200)]
sealed partial class LabelsHalf(int[] channels) : ICalibrated
{
    [LabelChannels] readonly int[] _channels = channels;

    public IAttention With(int[] channels) => new LabelsHalf(channels);
}

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, DoubleSparsity(Rank = 16, TopK = 104)]
sealed partial class LabelsQuarter(int[] channels) : ICalibrated
{
    [LabelChannels] readonly int[] _channels = channels;

    public IAttention With(int[] channels) => new LabelsQuarter(channels);
}

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, DoubleSparsity(Rank = 8, TopK = 52)]
sealed partial class LabelsEighth(int[] channels) : ICalibrated
{
    [LabelChannels] readonly int[] _channels = channels;

    public IAttention With(int[] channels) => new LabelsEighth(channels);
}

// A window with sinks of the same budget: what there is without looking at the query.

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SlidingWindow(400), Sinks(16)]
sealed partial class LocalHalf;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SlidingWindow(192), Sinks(16)]
sealed partial class LocalQuarter;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SlidingWindow(88), Sinks(16)]
sealed partial class LocalEighth;

// As many keys as SparQ reads in full, chosen by exact scores: the best that a choice of keys can do. It saves values only.

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, TopK(200)]
sealed partial class TopKHalf;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, TopK(104)]
sealed partial class TopKQuarter;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, TopK(52)]
sealed partial class TopKEighth;
