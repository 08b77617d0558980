using System.ComponentModel;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>One token's queries on one key/value head, and what the cache keeps for choosing among its keys.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly unsafe ref struct SelectionCall
{
    /// <summary>Queries, rows, and the ranges of all visible keys.</summary>
    public readonly KernelCall Call;

    /// <summary>The pipeline's selection.</summary>
    public readonly SelectionTraits Traits;

    internal readonly RowCache Cache;
    internal readonly Span<float> Scratch;

    readonly ReadOnlySpan<float> _sinkLogits;

    internal SelectionCall(in KernelCall call, SelectionTraits traits, RowCache cache, ReadOnlySpan<float> sinkLogits, Span<float> scratch)
    {
        Call = call;
        _sinkLogits = sinkLogits;
        Traits = traits;
        Cache = cache;
        Scratch = scratch;
    }

    /// <summary>The head's keys, channel by channel.</summary>
    public ref byte Columns => ref *Cache.Columns!.Of(Call.KeyValueHead);

    /// <summary>Scalars from one channel to the next.</summary>
    public nint ColumnStride => Cache.Columns!.Stride;

    /// <summary>The head's pages: <c>[pages, 2, stride]</c>, minima before maxima.</summary>
    public ref float Pages => ref *Cache.Pages!.Of(Call.KeyValueHead);

    /// <summary>Position of the newest key in a page.</summary>
    public int NewestOf(int page) => Math.Min((page + 1) * Traits.PageSize, Call.Length) - 1;

    /// <summary>The logit, in units of log2, that joins the denominator of a row's softmax; negative infinity without.</summary>
    internal float SinkLogit(int row) =>
        _sinkLogits.IsEmpty
            ? float.NegativeInfinity
            : Math.Min(_sinkLogits[Call.KeyValueHead * Cache.Shape.GroupSize + row] * MathF.Log2(MathF.E), Candidates.Best);

    /// <summary>Writes what a scorer goes through: the ranges of visible keys, or of the pages that hold some.</summary>
    public void CandidateRanges(Span<KeyRange> ranges)
    {
        int next = 0;
        for (int i = 0; i < ranges.Length; i++)
        {
            KeyRange range = Call.Ranges[i];
            if (Traits.PageSize == 0 || range.Count == 0)
            {
                ranges[i] = range;
                continue;
            }

            int low = Math.Max(next, range.Low / Traits.PageSize); // two ranges may share a page
            next = Math.Max(low, (range.High - 1) / Traits.PageSize + 1);
            ranges[i] = new KeyRange(low, next, low, next);
        }
    }

    /// <summary>Tells a test that watches the cache what was chosen; nothing at all otherwise.</summary>
    internal SelectionTrace? Trace => Cache.Trace;

    /// <summary>Tells a benchmark how long the stages take; nothing at all otherwise.</summary>
    internal SelectionClock? Clock => Cache.Clock;
}

/// <summary>What selections chose in a cache, head by head. Tests set it; kernels look for it once a step.</summary>
sealed class SelectionTrace(AttentionShape shape)
{
    /// <summary>Chosen positions by query head.</summary>
    public int[][] Positions { get; } = new int[shape.QueryHeads][];

    /// <summary>Chosen channels by key/value head.</summary>
    public int[][] Channels { get; } = new int[shape.KeyValueHeads][];

    /// <summary>The mass of the chosen keys by query head; 1 where it was not asked for.</summary>
    public float[] Mass { get; } = new float[shape.QueryHeads];

    /// <summary>Bytes that the scorers read of keys, key columns and pages.</summary>
    public long ScorerBytes;

    /// <summary>Bytes that were read of chosen keys and values.</summary>
    public long ChosenBytes;

    /// <summary>Bytes that were read of values to add up their mean.</summary>
    public long MeanBytes;
}
