using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <remarks>Calls whose queries leave something behind: the weights that they give to keys (H2O, arXiv 2306.14048).</remarks>
public static unsafe partial class AttentionDriver
{
    /// <summary>
    /// Several tokens attend densely until a key was evicted, and then one by one: a dense call could not leave out keys that each head has evicted for
    /// itself, and speculation gets the very results of decoding.
    /// </summary>
    static void RunScored(IFusedKernels kernels, object? captured, RowCache cache, AccumulatedScores scores, float* queries, int tokens, float* output, float* logSumExp)
    {
        AttentionShape shape = kernels.Traits.Shape;
        int first = cache.Length - tokens;
        Workspace workspace = Workspace.Rent();
        try
        {
            if (tokens > 1 && !scores.HasEvicted)
            {
                float* logSumExps = logSumExp != null ? logSumExp : workspace.LogSumExps(tokens * shape.QueryHeads);
                workspace.Add(kernels.Traits, cache, queries, tokens, output, logSumExps);
                workspace.Execute(kernels, captured);
                workspace.AddWeights(kernels, captured, cache, queries, tokens, logSumExps, BeginDense(scores, first, tokens));
                return;
            }

            for (int token = 0; token < tokens; token++)
            {
                BeginStep(kernels.Traits, scores, first + token);
                workspace.Add(
                    cache, queries + (long)token * shape.QueryWidth, 1, output + (long)token * shape.QueryWidth,
                    logSumExp == null ? null : logSumExp + (long)token * shape.QueryHeads, first + token, KeyBounds.None);
                workspace.Execute(kernels, captured);
            }
        }
        finally
        {
            workspace.Return();
        }
    }

    // The number of the first query, or 0 when there are too many to take back.
    static int BeginDense(AccumulatedScores scores, int first, int tokens)
    {
        if (tokens > AccumulatedScores.Undoable)
        {
            scores.BeginMany(first + tokens - 1);
            return 0;
        }

        int number = 0;
        for (int position = Math.Max(0, first); position < first + tokens; position++)
        {
            int begun = scores.Begin(position, position + 1);
            number = number == 0 ? begun : number;
        }

        return number;
    }

    static void BeginStep(KernelTraits traits, AccumulatedScores scores, int position)
    {
        if (position >= 0)
            scores.Begin(position, (int)Math.Min(position + 1L, traits.Selection!.Keep));
    }

    /// <summary>Refuses so many steps that a function's fault in the last could not be taken back from the first.</summary>
    static void CheckSteps(KernelTraits traits, RowCache cache, int tokens, string name)
    {
        if (traits.ChecksTables && tokens > AccumulatedScores.Undoable && cache.Scores is { HasEvicted: true })
            throw new ArgumentException(
                $"Got {tokens} tokens; behind an eviction a call takes {AccumulatedScores.Undoable} at most where functions read tables, " +
                "so that it can be taken back if one reads outside. Give the tokens in several calls.", name);
    }

    /// <summary>Refuses a batch that gives a cache two queries at once: each changes what the cache keeps.</summary>
    static void CheckOnce(ReadOnlySpan<KvCache> caches)
    {
        for (int i = 0; i < caches.Length; i++)
            ((RowCache)caches[i]).Scores!.BatchIndex = i;
        for (int i = 0; i < caches.Length; i++)
        {
            if (((RowCache)caches[i]).Scores!.BatchIndex != i)
                throw new ArgumentException(
                    $"The cache at {i} is in the batch twice; with [HeavyHitters] a query changes what its cache keeps, so give each cache one query.", nameof(caches));
        }
    }
}
