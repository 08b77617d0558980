using System.ComponentModel;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>What the generator emits for a pipeline, called by <see cref="AttentionDriver"/> on its threads. Not meant to be written by hand.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IFusedKernels
{
    /// <summary>Sizes that the driver needs to cut a call into work items.</summary>
    KernelTraits Traits { get; }

    /// <summary>Writes the ranges of keys that some query from <paramref name="firstQuery"/> to <paramref name="lastQuery"/> sees, disjoint and in order.</summary>
    /// <param name="firstQuery">Position of the tile's first query; negative before the sequence's start.</param>
    /// <param name="lastQuery">Position of its last query.</param>
    /// <param name="length">Positions in the cache.</param>
    /// <param name="batch">The cache's index in a batched call; otherwise 0.</param>
    /// <param name="captured">What <see cref="Capture"/> gave for this call.</param>
    /// <param name="ranges">Receives <see cref="KernelTraits.RangeCount"/> ranges, some possibly empty.</param>
    void VisibleKeys(int firstQuery, int lastQuery, int length, int batch, object? captured, Span<KeyRange> ranges);

    /// <summary>The kernel for one or a few tokens: dot products of few rows with each key.</summary>
    void Decode(in KernelCall call);

    /// <summary>The kernel for many tokens: matrix products over packed tiles.</summary>
    void Prefill(in KernelCall call);

    /// <summary>A plain loop with the same result, taken while a call sees NaN or infinity, which the fused kernels do not keep apart.</summary>
    void Careful(in KernelCall call);

    /// <summary>Copies what the pipeline's functions read of it, and checks it; before anything is changed. Null when they read nothing.</summary>
    object? Capture() => null;

    /// <summary>Takes back what <see cref="Capture"/> gave.</summary>
    void Release(object? captured)
    {
    }

    /// <summary>Whether a function might find an index outside of its table in a call: then what the call writes is kept to be brought back.</summary>
    /// <param name="captured">What <see cref="Capture"/> gave.</param>
    /// <param name="firstQuery">Position of the call's first query.</param>
    /// <param name="lastQuery">Position of its last query.</param>
    /// <param name="length">Positions behind the last key; at least 1.</param>
    /// <param name="batches">Caches in the call.</param>
    bool MayReadOutside(object? captured, int firstQuery, int lastQuery, int length, int batches) => false;

    /// <summary>One logit for each query head that joins the softmax's denominator; empty without.</summary>
    ReadOnlySpan<float> SinkLogits(object? captured) => default;
}

/// <summary>Sizes of a pipeline's kernels.</summary>
/// <param name="Shape">Head counts and head size.</param>
/// <param name="Format">Storage format of keys and values.</param>
/// <param name="RangeCount">Number of key ranges that a tile of queries can see.</param>
/// <param name="DecodeTokens">Calls of up to this many tokens take the decode kernel.</param>
/// <param name="DecodeRows">Rows that the decode kernel computes for a token: the group size, padded to its row tile.</param>
/// <param name="PrefillTokens">Tokens in one tile of the prefill kernel.</param>
/// <param name="ScratchFloats">Scratch memory that a kernel needs, in floats.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record KernelTraits(
    AttentionShape Shape, KvFormat Format, int RangeCount, int DecodeTokens, int DecodeRows, int PrefillTokens, int ScratchFloats)
{
    /// <summary>Keys that a query sees; 0 when the cache keeps every position.</summary>
    public int Window { get; init; }

    /// <summary>Positions at the start that a windowed cache keeps.</summary>
    public int Pinned { get; init; }

    /// <summary>Slots in a windowed cache's ring; 0 when the cache keeps every position.</summary>
    public int Ring { get; init; }

    /// <summary>
    /// What the fused kernels multiply queries by before anything else, times what integers may add to a dot product before its scale takes that away: a query that
    /// this takes out of float32's range goes to the careful kernel.
    /// </summary>
    public required float QueryFactor { get; init; }

    /// <summary>Whether a function may find that an index is outside of its table, in the middle of a call.</summary>
    public bool ChecksTables { get; init; }

    /// <summary>Whether weights are added up without being divided by their sum.</summary>
    public bool SumsWeights { get; init; }

    /// <summary>What calls of one token choose among the visible keys; null when they read them all.</summary>
    public SelectionTraits? Selection { get; init; }

    /// <summary>Positions in one of Star Attention's blocks; 0 without Star.</summary>
    public int Block { get; init; }

    /// <summary>Positions of Star's anchor.</summary>
    public int Anchor { get; init; }
}

/// <summary>
/// One work item: the queries of a few tokens and one key/value head's group of heads, over some of the keys that they see.
/// The kernel leaves the softmax unfinished; the driver merges and divides.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly ref struct KernelCall
{
    /// <summary>The first token's first query head of the group; the group's heads follow, the next token is <c>QueryHeads · HeadDim</c> further.</summary>
    public readonly ref readonly float Queries;

    /// <summary>The head's key rows.</summary>
    public readonly ref byte Keys;

    /// <summary>The head's value rows.</summary>
    public readonly ref byte Values;

    /// <summary>The scales of the head's key rows by slot, where the format has them; up to 15 behind the last one can be read.</summary>
    public readonly ref float KeyScales;

    /// <summary>The scales of the head's value rows.</summary>
    public readonly ref float ValueScales;

    /// <summary>Scratch memory of <see cref="KernelTraits.ScratchFloats"/> floats.</summary>
    public readonly ref float Scratch;

    /// <summary>Receives the unnormalised value sums: <c>[Rows, stride]</c>, row <c>token · RowsPerToken + head of the group</c>.</summary>
    public readonly ref float Sums;

    /// <summary>Receives each row's largest logit, in units of log2: negative infinity for a row that sees no key.</summary>
    public readonly ref float Maxima;

    /// <summary>Receives each row's sum of <c>2^(logit - maximum)</c>.</summary>
    public readonly ref float Weights;

    /// <summary>The key ranges to visit.</summary>
    public readonly ReadOnlySpan<KeyRange> Ranges;

    /// <summary>From position to row.</summary>
    public readonly KeyLayout Layout;

    /// <summary>Tokens in the tile.</summary>
    public readonly int Tokens;

    /// <summary>Rows of <see cref="Sums"/> that a token has: the group size, or <see cref="KernelTraits.DecodeRows"/>.</summary>
    public readonly int RowsPerToken;

    /// <summary>Absolute position of the first token; negative before the sequence's start.</summary>
    public readonly int FirstQuery;

    /// <summary>Positions in the cache.</summary>
    public readonly int Length;

    /// <summary>The key/value head.</summary>
    public readonly int KeyValueHead;

    /// <summary>Vector width to run with: 512, 256 or 128 bits.</summary>
    public readonly int VectorBits;

    /// <summary>The cache's index in a batched call; otherwise 0.</summary>
    public readonly int Batch;

    /// <summary>What <see cref="IFusedKernels.Capture"/> gave for this call.</summary>
    public readonly object? Captured;

    /// <summary>The same call over other keys.</summary>
    internal KernelCall Over(ReadOnlySpan<KeyRange> ranges) => new(this, ranges);

    internal unsafe KernelCall(
        ref readonly float queries, RowCache cache, int keyValueHead,
        ref float scratch, ref float sums, ref float maxima, ref float weights,
        ReadOnlySpan<KeyRange> ranges, int tokens, int rowsPerToken, int firstQuery, int vectorBits, int batch, object? captured)
    {
        Queries = ref queries;
        Keys = ref *cache.Keys(keyValueHead);
        Values = ref *cache.Values(keyValueHead);
        KeyScales = ref *cache.KeyScales(keyValueHead);
        ValueScales = ref *cache.ValueScales(keyValueHead);
        Scratch = ref scratch;
        Sums = ref sums;
        Maxima = ref maxima;
        Weights = ref weights;
        Ranges = ranges;
        Layout = cache.Layout;
        Tokens = tokens;
        RowsPerToken = rowsPerToken;
        FirstQuery = firstQuery;
        Length = cache.Length;
        KeyValueHead = keyValueHead;
        VectorBits = vectorBits;
        Batch = batch;
        Captured = captured;
    }

    KernelCall(KernelCall call, ReadOnlySpan<KeyRange> ranges)
    {
        this = call;
        Ranges = ranges;
    }
}
