using AttentionComposer;

namespace AttentionGym;

// Masks over one sequence. Several masks are ANDed, attributes included.

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class CausalByFunction
{
    [Mask] public static bool Past(int query, int key) => key <= query;
}

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class SlidingWindowByFunction
{
    const int Window = 100;

    [Mask] public static bool Past(int query, int key) => key <= query;

    [Mask] public static bool Near(int query, int key) => query - key < Window;
}

/// <summary>Every fourth key of the last 256.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class DilatedWindow
{
    [Mask] public static bool Visible(int query, int key) => query - key < 256 && (query - key) % 4 == 0;
}

/// <summary>The prefix sees itself in both directions; what follows is causal.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class PrefixLanguageModel(int prefix)
{
    readonly int _prefix = prefix;

    [Mask] public bool Visible(int query, int key) => key <= query || key < _prefix;
}

/// <summary>The same with a prefix that is known when it is compiled.</summary>
[Attention(HeadDim = 64, QueryHeads = 6, KeyValueHeads = 3)]
public sealed partial class ConstantPrefix
{
    [Mask] public static bool Visible(int query, int key) => key <= query || key < 48;
}

/// <summary>Longformer: a window, and some tokens that see everything and are seen by everything.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class GlobalAndSliding(bool[] isGlobal)
{
    readonly bool[] _isGlobal = isGlobal;

    [Mask] public bool Visible(int query, int key) => Math.Abs(query - key) <= 64 || _isGlobal[query] || _isGlobal[key];
}

/// <summary>Block diffusion: blocks in order, and within a block everything.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class BlockDiffusion
{
    const int Block = 48;

    [Mask] public static bool Visible(int query, int key) => key / Block <= query / Block;
}

/// <summary>Sequences that share a prefix and do not see each other.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class SharedPrefix(int prefix, int continuation)
{
    readonly int _prefix = prefix;
    readonly int _continuation = continuation;

    [Mask] public bool Visible(int query, int key) =>
        key < _prefix || query >= _prefix && (query - _prefix) / _continuation == (key - _prefix) / _continuation;
}

/// <summary>A tree of draft tokens behind a context: each sees the context and its ancestors.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class SpeculativeTree(int context, bool[,] isAncestor)
{
    readonly int _context = context;
    readonly bool[,] _isAncestor = isAncestor;

    [Mask] public bool Visible(int query, int key) =>
        query < _context || key < _context || _isAncestor[query - _context, key - _context];
}

/// <summary>A list of tiles of 64 × 64, for instance those with the largest estimated scores.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class TileList(bool[,] tiles)
{
    readonly bool[,] _tiles = tiles;

    [Mask] public bool Visible(int query, int key) => _tiles[query / 64, key / 64];
}

/// <summary>The helpers of a library of masks: conditions are values, and positions can be moved.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class Combined
{
    [Mask] public static bool Visible(int query, int key) =>
        Combine.Or(Combine.And(Combine.Causal(query, key), Combine.Window(query, key, 80)), Combine.Causal(query - 500, key));
}

static class Combine
{
    public static bool And(bool left, bool right) => left && right;

    public static bool Or(bool left, bool right) => left || right;

    public static bool Causal(int query, int key) => key <= query;

    public static bool Window(int query, int key, int size) => query - key < size;
}

/// <summary>Each head sees every 8th key, another one each.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal]
public sealed partial class StridedByHead
{
    [Mask] public static bool Visible(int head, int query, int key) => (query - key) % 8 == head || query == key;
}

/// <summary>Half of the key/value heads look back 32 keys, the others at everything.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 4), Causal]
public sealed partial class WindowOfSomeHeads
{
    [Mask] public static bool Visible(int keyValueHead, int query, int key) => keyValueHead < 2 || query - key < 32;
}

/// <summary>Some rows see nothing at all.</summary>
[Attention(HeadDim = 40, QueryHeads = 3, KeyValueHeads = 1), Causal]
public sealed partial class BlindRows
{
    [Mask] public static bool Visible(int query) => (query & 3) != 2;
}
