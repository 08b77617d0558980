using AttentionComposer;

namespace AttentionComposer.Tests.Functions.Declared;

/// <summary>A distance that is not written as one, behind a ring and sinks; one head to a group.</summary>
[Attention(HeadDim = 72, QueryHeads = 3, KeyValueHeads = 3), Causal, SlidingWindow(90), Sinks(3)]
public sealed partial class Waves
{
    [Score] public static float Wave(float score, int query, int key) => score + MathF.Cos(0.3f * (2 * query - key - (key + 1)));
}

/// <summary>A distance with a head, in both directions; all heads in one group.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 1)]
public sealed partial class Decay
{
    [Score] public static float Faded(float score, int head, int query, int key) => score * MathF.Exp(-0.01f * (head + 1) * Math.Abs(query - key));
}

/// <summary>Values of keys: a condition, and a number of each head.</summary>
[Attention(HeadDim = 40, QueryHeads = 6, KeyValueHeads = 2), Causal]
public sealed partial class KeyPatterns(bool[] muted)
{
    readonly bool[] _muted = muted;

    public KeyPatterns()
        : this(new bool[300])
    {
    }

    [Score] public float Muted(float score, int head, int key) => _muted[key] ? score - 2 : score + MathF.Sin(key * (head + 1f));
}

/// <summary>A condition on distances beside one on single positions, over halves.</summary>
[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), KvCache(KvFormat.Float16)]
public sealed partial class Sieve
{
    [Mask] public static bool Passes(int query, int key) => Math.Abs(key - query) % 7 != 3 && query % 5 != key % 11;
}
