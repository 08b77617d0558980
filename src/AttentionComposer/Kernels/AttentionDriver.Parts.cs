using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <remarks>What one host of several needs beside the verbs: caches for a part of a sequence, and attention over a part of its keys.</remarks>
public static unsafe partial class AttentionDriver
{
    /// <summary>A cache for the positions from <paramref name="heldFrom"/> to <paramref name="end"/>, and for an anchor.</summary>
    internal static RowCache CreatePart(IFusedKernels kernels, int end, int anchor, int heldFrom) =>
        new(KindOf(kernels.Traits), end, anchor, heldFrom);

    /// <summary>Refuses what the step form of Attend refuses, and returns the number of tokens.</summary>
    internal static int CheckStep(
        IFusedKernels kernels, KvCache cache, ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        ReadOnlySpan<float> output, ReadOnlySpan<float> logSumExp)
    {
        AttentionShape shape = kernels.Traits.Shape;
        RowCache rows = CacheOf(kernels, cache);
        int tokens = Check.Tokens(queries, shape.QueryWidth, nameof(queries), "[tokens, QueryHeads, HeadDim]", shape);
        Check.Length(keys, tokens, shape.KeyValueWidth, nameof(keys), "[tokens, KeyValueHeads, HeadDim]");
        Check.Length(values, tokens, shape.KeyValueWidth, nameof(values), "[tokens, KeyValueHeads, HeadDim]");
        Check.Outputs(queries, output, logSumExp, tokens, shape);
        Check.Apart(keys, output, logSumExp, nameof(keys));
        Check.Apart(values, output, logSumExp, nameof(values));
        Check.Room(rows, tokens);
        return tokens;
    }

    /// <summary>Refuses what the form of Attend without keys refuses, wherever the keys are, and returns the number of tokens.</summary>
    internal static int CheckQueries(
        IFusedKernels kernels, KvCache cache, ReadOnlySpan<float> queries, ReadOnlySpan<float> output, ReadOnlySpan<float> logSumExp)
    {
        AttentionShape shape = kernels.Traits.Shape;
        CacheOf(kernels, cache);
        int tokens = Check.Tokens(queries, shape.QueryWidth, nameof(queries), "[tokens, QueryHeads, HeadDim]", shape);
        Check.Outputs(queries, output, logSumExp, tokens, shape);
        return tokens;
    }

    /// <summary>Attends with queries at any positions over a part of what the cache holds.</summary>
    internal static void AttendPart(
        IFusedKernels kernels, RowCache cache, ReadOnlySpan<float> queries, int firstQuery, KeyBounds sees, Span<float> output, Span<float> logSumExp)
    {
        int tokens = queries.Length / kernels.Traits.Shape.QueryWidth;
        object? captured = kernels.Capture();
        Workspace workspace = Workspace.Rent();
        try
        {
            fixed (float* query = queries, result = output, lse = logSumExp)
            {
                workspace.Add(cache, query, tokens, result, lse, firstQuery, sees);
                workspace.Execute(kernels, captured);
            }
        }
        finally
        {
            workspace.Return();
            kernels.Release(captured);
        }
    }
}
