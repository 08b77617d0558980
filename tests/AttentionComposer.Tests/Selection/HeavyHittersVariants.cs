using static AttentionComposer.KvFormat;

namespace AttentionComposer.Tests.Selection;

/// <summary>Heavy hitters beside windows, sinks, biases and caps, of sizes that are multiples of nothing and of several blocks.</summary>
static partial class HeavyHittersVariants
{
    /// <summary>One object of every pipeline declared here.</summary>
    public static IAttention[] All { get; } =
        [.. typeof(HeavyHittersVariants).GetNestedTypes().OrderBy(type => type.Name, StringComparer.Ordinal).Select(type => (IAttention)Activator.CreateInstance(type)!)];

    public static IAttention Named(string name) => All.Single(attention => attention.Plan.Name == name);

    [Attention(HeadDim = 32, QueryHeads = 1, KeyValueHeads = 1)]
    [Causal, HeavyHitters(Budget = 1, Local = 0)]
    public sealed partial class KeptTwo;

    [Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, Alibi, SoftCap(6), HeavyHitters(Budget = 21)]
    public sealed partial class KeptWithAlibiAndCap;

    [Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 4)]
    [Causal, HeavyHitters(Budget = 150, Local = 10), KvCache(BFloat16)]
    public sealed partial class KeptBlocksBF16;

    [Attention(HeadDim = 48, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, SlidingWindow(300), HeavyHitters(Budget = 130, Local = 10), KvCache(Int8)]
    public sealed partial class KeptBlocksI8;

    /// <summary>A mask and a score that are asked for each key, and sink logits.</summary>
    [Attention(HeadDim = 48, QueryHeads = 6, KeyValueHeads = 2)]
    [Causal, SlidingWindow(400), HeavyHitters(Budget = 40, Local = 6), KvCache(Float16)]
    public sealed partial class KeptWithFunctions : IReferenced
    {
        [SinkLogits] readonly float[] _sinks = [1, -2, 0.5f, 3, 0, -1];
        readonly float[] _slopes = [0.01f, 0, -0.02f, 0.03f, 0.01f, 0.004f];

        [Mask] static bool Dilated(int query, int key) => query - key < 20 || (query - key) % 3 == 0;
        [Score] float Sloped(float score, int head, int query, int key) => (query - key) % 7 == 1 ? float.NegativeInfinity : score - _slopes[head] * (query - key);

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with
        {
            Mask = (_, query, key) => Dilated(query, key),
            Score = (score, head, query, key) => (query - key) % 7 == 1 ? double.NegativeInfinity : score - _slopes[head] * (query - key),
            SinkLogits = _sinks,
        };
    }

    /// <summary>A table that may be too short in the middle of a call, and heads of a group that see different keys.</summary>
    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 2)]
    [Causal, Normalizer(Normalization.SoftmaxOne), HeavyHitters(Budget = 30)]
    public sealed partial class KeptByDocument : IReferenced
    {
        public int[] Document { get; set; } = SelectionVariants.Documents();

        [Mask] bool SameDocument(int head, int query, int key) => Document[query] == Document[key] || (head + key) % 4 == 0;

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with
        {
            Mask = (head, query, key) => Document[query] == Document[key] || (head + key) % 4 == 0,
        };
    }

    /// <summary>Scores that are undefined at 0, as those of rows that only fill a tile, and where a table says so; a mask within a window.</summary>
    [Attention(HeadDim = 32, QueryHeads = 5, KeyValueHeads = 1)]
    [Causal, SlidingWindow(60), Sinks(2), HeavyHitters(Budget = 25)]
    public sealed partial class KeptWhereDefined : IReferenced
    {
        [SinkLogits] readonly float[] _sinks = [0, -1, 2, 1, 0.5f];

        public float[] Bias { get; } = new float[2048];
        public float[] Sinks => _sinks;

        [Mask] static bool Dilated(int query, int key) => (query - key) % 5 != 3;
        [Score] float Defined(float score, int query) => score == 0 ? float.NaN : score + Bias[query];

        public ReferenceAttention Reference => ReferenceAttention.Of(Plan) with { Mask = (_, query, key) => Dilated(query, key), SinkLogits = _sinks };
    }

    [Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 1)]
    [Causal, SlidingWindow(50), Sinks(3), HeavyHitters(Budget = 20, Local = 0), KvCache(Float16)]
    public sealed partial class KeptInAWindow;
}
