using System.ComponentModel;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>
/// What every pipeline's verbs do around its kernels: check arguments, append, cut the call into work items, merge. Generated
/// classes forward to it.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static unsafe partial class AttentionDriver
{
    /// <summary>See <see cref="IAttention.CreateCache"/>.</summary>
    public static KvCache CreateCache(IFusedKernels kernels, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        ReadOnlySpan<int> labels = LabelsOf(kernels);
        Labels.CheckEach(labels, kernels.Traits.Shape);
        return new RowCache(KindOf(kernels.Traits), capacity, labels);
    }

    /// <summary>See <see cref="IAttention.Attend(KvCache, ReadOnlySpan{float}, ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float}, Span{float})"/>.</summary>
    public static void Attend(
        IFusedKernels kernels, KvCache cache, ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        Span<float> output, Span<float> logSumExp)
    {
        int tokens = CheckStep(kernels, cache, queries, keys, values, output, logSumExp);
        var rows = (RowCache)cache;
        CheckSteps(kernels.Traits, rows, tokens, nameof(queries));

        object? captured = kernels.Capture();
        bool mayFail = MayFail(kernels, captured, rows.Length, tokens, rows.Length + tokens);
        using Undo undo = mayFail ? Undo.Before(rows, output, logSumExp) : default;
        try
        {
            fixed (float* query = queries, key = keys, value = values, result = output, lse = logSumExp)
                AttendInSteps(kernels, captured, rows, query, key, value, result, lse, tokens);
        }
        catch when (mayFail)
        {
            undo.Restore(output, logSumExp);
            throw;
        }
        finally
        {
            kernels.Release(captured);
        }
    }

    static void AttendInSteps(
        IFusedKernels kernels, object? captured, RowCache rows, float* query, float* key, float* value, float* result, float* lse, int tokens)
    {
        AttentionShape shape = kernels.Traits.Shape;

        // A ring holds a window and a little slack, so a long call goes through it in pieces.
        int step = Math.Min(tokens, rows.Scores is { HasEvicted: true } ? 1 : rows.MaxStep); // after an eviction token by token
        for (int start = 0; start < tokens; start += step)
        {
            int count = Math.Min(step, tokens - start);
            Store(rows, key + (long)start * shape.KeyValueWidth, value + (long)start * shape.KeyValueWidth, count);
            Run(kernels, captured, rows, query + (long)start * shape.QueryWidth, count,
                result + (long)start * shape.QueryWidth, lse == null ? null : lse + (long)start * shape.QueryHeads);
        }
    }

    /// <summary>See <see cref="IAttention.Append"/>.</summary>
    public static void Append(IFusedKernels kernels, KvCache cache, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        KernelTraits traits = kernels.Traits;
        RowCache rows = CacheOf(kernels, cache);
        int tokens = Check.Tokens(keys, traits.Shape.KeyValueWidth, nameof(keys), "[tokens, KeyValueHeads, HeadDim]", traits.Shape);
        Check.Length(values, tokens, traits.Shape.KeyValueWidth, nameof(values), "[tokens, KeyValueHeads, HeadDim]");
        Check.Room(rows, tokens);

        fixed (float* key = keys, value = values)
            Store(rows, key, value, tokens);
    }

    /// <summary>See <see cref="IAttention.Attend(KvCache, ReadOnlySpan{float}, Span{float}, Span{float})"/>.</summary>
    public static void Attend(
        IFusedKernels kernels, KvCache cache, ReadOnlySpan<float> queries, Span<float> output, Span<float> logSumExp)
    {
        int tokens = CheckQueries(kernels, cache, queries, output, logSumExp);
        var rows = (RowCache)cache;
        Check.Retained(rows, tokens, nameof(queries));
        CheckSteps(kernels.Traits, rows, tokens, nameof(queries));

        object? captured = kernels.Capture();
        bool mayFail = MayFail(kernels, captured, rows.Length - tokens, tokens, rows.Length);
        using Undo undo = mayFail ? Undo.Before(rows, output, logSumExp) : default;
        try
        {
            fixed (float* query = queries, result = output, lse = logSumExp)
                Run(kernels, captured, rows, query, tokens, result, lse);
        }
        catch when (mayFail)
        {
            undo.Restore(output, logSumExp);
            throw;
        }
        finally
        {
            kernels.Release(captured);
        }
    }

    /// <summary>See <see cref="IAttention.AttendBatch"/>.</summary>
    public static void AttendBatch(
        IFusedKernels kernels, ReadOnlySpan<KvCache> caches, ReadOnlySpan<float> queries, Span<float> output)
    {
        AttentionShape shape = kernels.Traits.Shape;
        foreach (KvCache cache in caches)
            Check.Retained(CacheOf(kernels, cache, nameof(caches)), tokens: 1, nameof(caches));
        Check.Length(queries, caches.Length, shape.QueryWidth, nameof(queries), "[caches, QueryHeads, HeadDim]");
        Check.Length(output, caches.Length, shape.QueryWidth, nameof(output), "[caches, QueryHeads, HeadDim]");
        Check.Apart(queries, output, default, nameof(queries));
        if (kernels.Traits.Selection is { Evicts: true })
            CheckOnce(caches);

        object? captured = kernels.Capture();
        bool mayFail = MayFail(kernels, captured, caches);
        using Undo undo = mayFail ? Undo.Before(null, output, default) : default;
        Workspace workspace = Workspace.Rent();
        try
        {
            fixed (float* query = queries, result = output)
            {
                for (int i = 0; i < caches.Length; i++)
                {
                    if (((RowCache)caches[i]).Scores is { } scores)
                        BeginStep(kernels.Traits, scores, caches[i].Length - 1);
                    workspace.Add(kernels.Traits, (RowCache)caches[i], query + (long)i * shape.QueryWidth, 1, result + (long)i * shape.QueryWidth, null, batch: i);
                }

                workspace.Execute(kernels, captured);
            }
        }
        catch when (mayFail)
        {
            undo.Restore(output, default);
            foreach (KvCache cache in caches)
            {
                if (((RowCache)cache).Scores is { } scores && cache.Length > 0)
                    scores.TakeBackTo(scores.Newest - 1);
            }

            throw;
        }
        finally
        {
            workspace.Return();
            kernels.Release(captured);
        }
    }

    /// <summary>Whether the call might have to be taken back.</summary>
    static bool MayFail(IFusedKernels kernels, object? captured, int firstQuery, int tokens, int length, int batches = 1) =>
        kernels.Traits.ChecksTables && length != 0 && kernels.MayReadOutside(captured, firstQuery, firstQuery + tokens - 1, length, batches);

    static bool MayFail(IFusedKernels kernels, object? captured, ReadOnlySpan<KvCache> caches)
    {
        int shortest = int.MaxValue, longest = 0;
        foreach (KvCache cache in caches)
            (shortest, longest) = (Math.Min(shortest, cache.Length), Math.Max(longest, cache.Length));
        return MayFail(kernels, captured, shortest - 1, longest - shortest + 1, longest, caches.Length);
    }

    static void Run(IFusedKernels kernels, object? captured, RowCache cache, float* queries, int tokens, float* output, float* logSumExp)
    {
        if (cache.Scores is { } scores)
        {
            RunScored(kernels, captured, cache, scores, queries, tokens, output, logSumExp);
            return;
        }

        Workspace workspace = Workspace.Rent();
        try
        {
            workspace.Add(kernels.Traits, cache, queries, tokens, output, logSumExp);
            workspace.Execute(kernels, captured);
        }
        finally
        {
            workspace.Return();
        }
    }

    static void Store(RowCache cache, float* keys, float* values, int tokens)
    {
        const int ManyTokens = 64; // below it one thread stores the rows sooner than a second one could start

        if (tokens < ManyTokens)
        {
            cache.Append(keys, values, tokens);
            return;
        }

        Workspace workspace = Workspace.Rent();
        try
        {
            workspace.Append(cache, keys, values, tokens);
        }
        finally
        {
            workspace.Return();
        }
    }

    /// <summary>The cache as its pipeline's, or a refusal.</summary>
    static RowCache CacheOf(IFusedKernels kernels, KvCache cache, string name = "cache")
    {
        RowCache rows = Check.Cache(cache, KindOf(kernels.Traits), name);
        if (kernels.Traits.Selection is { FixedChannels: true })
            Labels.CheckCache(rows, LabelsOf(kernels));
        return rows;
    }

    static ReadOnlySpan<int> LabelsOf(IFusedKernels kernels) => kernels is ISelectionKernels selection ? selection.LabelChannels : default;

    static CacheKind KindOf(KernelTraits traits) => new(traits.Shape, traits.Format, traits.Window, traits.Pinned, traits.Ring)
    {
        Companions = Companions.Of(traits.Selection),
    };
}
