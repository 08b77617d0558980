using AttentionComposer;

namespace AttentionComposer.Tests.Functions.Declared;

/// <summary>The table ends where the mask does.</summary>
[Attention(HeadDim = 88, QueryHeads = 4, KeyValueHeads = 2), Causal]
public sealed partial class NearTable(float[] table)
{
    readonly float[] _table = table;

    [Mask] static bool Near(int query, int key) => query - key < 10;

    [Score] float Biased(float score, int query, int key) => score + _table[query - key];
}

/// <summary>The function itself asks only for what is there.</summary>
[Attention(HeadDim = 88, QueryHeads = 4, KeyValueHeads = 2), Causal]
public sealed partial class GuardedTable(float[] table)
{
    readonly float[] _table = table;

    [Score] float Biased(float score, int query, int key) => query - key < _table.Length ? score + _table[query - key] : score;
}

[Attention(HeadDim = 88, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class Replaceable
{
    public float[] Bias { get; set; } = new float[8];

    [Score] float Biased(float score, int head, int key) => score + Bias[head] * key;
}

[Attention(HeadDim = 88, QueryHeads = 4, KeyValueHeads = 2)]
public sealed partial class FirstKeysByBatch
{
    [Mask] static bool Early(int batch, int key) => key <= batch * 9;
}

/// <summary>Intervals whose ends the call captures.</summary>
[Attention(HeadDim = 88, QueryHeads = 4, KeyValueHeads = 2)]
public sealed partial class PrefixAndRadius(int prefix, int radius)
{
    readonly int _prefix = prefix, _radius = radius;

    [Mask] public bool Visible(int query, int key) => key < _prefix || Math.Abs(query - key) < _radius;
}

[Attention(HeadDim = 88, QueryHeads = 4, KeyValueHeads = 2), Causal]
public sealed partial class LengthsOfBatch(int[] length)
{
    readonly int[] _length = length;

    [Mask] bool Visible(int batch, int key) => key < _length[batch];
}
