using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Selection;

/// <summary>A pipeline that says what its functions and sink logits are to the float64 reference.</summary>
interface IReferenced : IAttention
{
    /// <summary>The pipeline without its selection.</summary>
    ReferenceAttention Reference { get; }
}

/// <summary>
/// Selections beside score and mask functions, sink logits and normalisers. Each sees some thousand positions; masks hide single keys, whole stretches,
/// and keys of some heads of a group only.
/// </summary>
static partial class SelectionVariants
{
    const int Longest = 2048;

    /// <summary>The stages of a pipeline without its selection.</summary>
    public static ReferenceAttention ReferenceOf(IAttention attention) =>
        attention is IReferenced referenced ? referenced.Reference : ReferenceAttention.Of(attention.Plan);

    /// <summary>Documents of uneven lengths, interleaved in part.</summary>
    public static int[] Documents() => [.. Enumerable.Range(0, Longest).Select(position => position < 1100 ? position / 90 % 3 : position % 2)];

    static float[] Numbers(int count, int seed, float size)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => size * (random.NextSingle() - 0.5f))];
    }

    /// <summary>Scores with slopes of their own and a table over distances; groups of 3 that choose by probability.</summary>
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, SoftCap(6), SparQ(Rank = 8, TopK = 24)]
    public sealed partial class SparQScored : IReferenced
    {
        public float[] Bias { get; set; } = Numbers(Longest, 1, 3);
        readonly float[] _slopes = Numbers(6, 2, 0.02f);

        [Score] float Sloped(float score, int head, int query, int key) => score + _slopes[head] * (query - key);
        [Score(Order = 1)] float Biased(float score, int query, int key) => score + Bias[query - key];

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with
        {
            Score = (score, head, query, key) => score + _slopes[head] * (query - key) + Bias[query - key],
        };
    }

    /// <summary>One head a key/value head, so the mean value takes part: of the visible keys of a document.</summary>
    [Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 2)]
    [Causal, SparQ(Rank = 8, TopK = 24), KvCache(Float16)]
    public sealed partial class SparQMasked : IReferenced
    {
        public int[] Document { get; set; } = Documents();

        [Mask] bool SameDocument(int query, int key) => Document[query] == Document[key];

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with { Mask = (_, query, key) => Document[query] == Document[key] };
    }

    /// <summary>Everything beside a ring.</summary>
    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 2)]
    [Causal, SlidingWindow(300), Sinks(5), Alibi, SparQ(Rank = 12, TopK = 20, Reallocation = SparQReallocation.Always), KvCache(BFloat16)]
    public sealed partial class SparQMaskedInARing : IReferenced
    {
        [Mask] static bool Dilated(int query, int key) => query - key < 30 || (query - key) % 3 == 0 || key < 5;
        [Score] static float Doubled(float score, int query, int key) => (query - key) % 7 == 1 ? float.NegativeInfinity : 2 * score;

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with
        {
            Mask = (_, query, key) => Dilated(query, key),
            Score = (score, _, query, key) => (query - key) % 7 == 1 ? double.NegativeInfinity : 2 * score,
        };
    }

    /// <summary>Summed scores of a group whose heads see different keys, sink logits, and the mean value.</summary>
    [Attention(HeadDim = 48, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, SparQ(Rank = 16, TopK = 33, Local = 5, Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)]
    public sealed partial class SparQReleasedByHead : IReferenced
    {
        [SinkLogits] readonly float[] _sinks = [-1, 0, 1, 2, 5, 40];

        [Mask] static bool SomeOf(int head, int key) => (key + head) % 4 != 0;

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with { Mask = (head, _, key) => SomeOf(head, key), SinkLogits = _sinks };
    }

    /// <summary>A window by function, which intervals express, over a cache that keeps every position: the mean is of the window's values.</summary>
    [Attention(HeadDim = 32, QueryHeads = 1, KeyValueHeads = 1)]
    [SparQ(Rank = 8, TopK = 16), Normalizer(Normalization.SoftmaxOne)]
    public sealed partial class SparQInAWindowByFunction : IReferenced
    {
        [Mask] static bool Near(int query, int key) => key <= query && query - key < 150;

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with { Mask = (_, query, key) => Near(query, key) };
    }

    /// <summary>A bias by position and sink logits; groups of 2 that choose by probability.</summary>
    [Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
    [Causal, TopK(40), KvCache(Float16)]
    public sealed partial class TopKScored : IReferenced
    {
        public float[] Bias { get; set; } = Numbers(Longest, 3, 4);
        [SinkLogits] readonly float[] _sinks = [3, -2, 0.5f, 1];

        [Score] float Biased(float score, int key) => score + Bias[key];

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with { Score = (score, _, _, key) => score + Bias[key], SinkLogits = _sinks };
    }

    /// <summary>The others' values take what is left, of a window that is no ring because a table is read.</summary>
    [Attention(HeadDim = 32, QueryHeads = 3, KeyValueHeads = 3)]
    [Causal, SlidingWindow(700), Sinks(3), TopK(30, Remainder = TopKRemainder.Spread), Normalizer(Normalization.SoftmaxOne)]
    public sealed partial class TopKSpreadMasked : IReferenced
    {
        public bool[] Hidden { get; set; } = [.. Enumerable.Range(0, Longest).Select(position => position % 5 == 2 || position is > 400 and < 520)];

        [Mask] bool Open(int key) => !Hidden[key];

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with { Mask = (_, _, key) => !Hidden[key] };
    }

    /// <summary>Heads of a group that see different keys, and the rest's weight lost.</summary>
    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, Alibi, TopK(50, Remainder = TopKRemainder.Lost), KvCache(BFloat16)]
    public sealed partial class TopKLostByHead : IReferenced
    {
        [Mask] static bool Strided(int head, int query, int key) => query - key < 10 || (query - key) % (head + 2) == 0;
        [Score] static float Scaled(float score, int head) => score * (1 + 0.1f * head);

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with
        {
            Mask = (head, query, key) => Strided(head, query, key),
            Score = (score, head, _, _) => score * (1 + 0.1f * head),
        };
    }

    /// <summary>Weights that no sum divides.</summary>
    [Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 2)]
    [Causal, TopK(25), Normalizer(Normalization.Relu)]
    public sealed partial class TopKRelu : IReferenced
    {
        [Score] static float Lower(float score, int query, int key) => score - 0.01f * (query - key);

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with { Score = (score, _, query, key) => score - 0.01f * (query - key) };
    }

    /// <summary>Pages of a document and of a window; scores are for the keys of chosen pages.</summary>
    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
    [Causal, SlidingWindow(900), Sinks(4), SoftCap(9), Alibi, Pages(Size = 24, Count = 6), KvCache(Float16)]
    public sealed partial class PagesMasked : IReferenced
    {
        public int[] Document { get; set; } = Documents();
        public float[] Bias { get; set; } = Numbers(Longest, 5, 4);

        [Mask] bool SameDocument(int query, int key) => Document[query] == Document[key];
        [Score] float Biased(float score, int query, int key) => score + Bias[query - key];

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with
        {
            Mask = (_, query, key) => Document[query] == Document[key],
            Score = (score, _, query, key) => score + Bias[query - key],
        };
    }

    /// <summary>A choice for each head, of pages of which it sees a key.</summary>
    [Attention(HeadDim = 32, QueryHeads = 6, KeyValueHeads = 3)]
    [Causal, Pages(Size = 5, Count = 7, PerHead = true, KeepLast = false)]
    public sealed partial class PagesByHeadMasked : IReferenced
    {
        [SinkLogits] readonly float[] _sinks = [0, 1, 2, -1, -2, 3];

        [Mask] static bool SomeOf(int head, int query, int key) => key / 5 % (head + 2) != 0 || key == query;

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with { Mask = (head, query, key) => SomeOf(head, query, key), SinkLogits = _sinks };
    }

    /// <summary>Summed bounds of heads that see different pages; weights that no sum divides.</summary>
    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 2)]
    [Causal, Pages(Size = 16, Count = 5), Normalizer(Normalization.Sigmoid), KvCache(BFloat16)]
    public sealed partial class PagesSigmoid : IReferenced
    {
        [Mask] static bool SomeOf(int head, int query, int key) => key / 16 % (2 + head % 2) != 0 || query - key < 3;
        [Score] static float Lower(float score, int key) => score - 2f - 0.001f * key;

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with
        {
            Mask = (head, query, key) => SomeOf(head, query, key),
            Score = (score, _, _, key) => score - 2f - 0.001f * key,
        };
    }

    /// <summary>A mask and a score that know the cache's index in a batch.</summary>
    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 2)]
    [Causal, SparQ(Rank = 8, TopK = 16)]
    public sealed partial class SparQByBatch : IReferenced
    {
        [Mask] static bool Strided(int batch, int key) => key % Math.Max(1, batch + 2) == 0;
        [Score] static float Tilted(float score, int batch, int key) => score + batch * 0.01f * key;

        public ReferenceAttention Reference => ReferenceOf(batch: 0);

        internal ReferenceAttention ReferenceOf(int batch) => ReferenceAttention.Of(Plan) with
        {
            Mask = (_, _, key) => Strided(batch, key),
            Score = (score, _, _, key) => score + batch * 0.01f * key,
        };
    }

    /// <summary>Labels whose heads choose apart, among the keys that each sees.</summary>
    [Attention(HeadDim = 32, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, DoubleSparsity(Rank = 6, TopK = 30, PerHead = true), KvCache(Float16)]
    public sealed partial class DoubleSparsityMasked : IReferenced
    {
        [LabelChannels] readonly int[] _channels = [0, 3, 9, 14, 20, 31, 1, 2, 8, 17, 25, 26];
        readonly float[] _slopes = Numbers(6, 8, 0.02f);

        [Mask] static bool SomeOf(int head, int query, int key) => key / 7 % (head + 2) != 0 || key == query;
        [Score] float Sloped(float score, int head, int query, int key) => score + _slopes[head] * (query - key);

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with
        {
            Mask = (head, query, key) => SomeOf(head, query, key),
            Score = (score, head, query, key) => score + _slopes[head] * (query - key),
        };
    }
}
