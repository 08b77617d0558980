namespace AttentionComposer.Tests.Golden;

/// <summary>What a cache of 8 significant bits costs.</summary>
static class GoldenTolerance
{
    /// <summary>
    /// The golden inputs are exact in half precision but not in bfloat16, whose 8 significant bits move every key and value by up
    /// to 2^-9 of itself, and with the keys the weights. This bounds what remains of that after averaging.
    /// </summary>
    public static Tolerance BFloat16 { get; } = new(3e-2, 3e-2);
}

/// <summary>The golden cases whose keys are attended to in parts that are merged, for any way to attend to a part.</summary>
static class GoldenMerge
{
    /// <summary>One sequence whose keys are cut.</summary>
    public static void CheckSplitKeys(GoldenCase golden, Sequence sequence, KvFormat format, Func<Sequence, Result> attend)
    {
        int[] edges = golden.Integers("edges");
        var parts = new List<Result>();
        for (int i = 0; i + 1 < edges.Length; i++)
            parts.Add(attend(sequence with
            {
                Keys = sequence.KeysAt(edges[i]..edges[i + 1]).ToArray(),
                Values = sequence.ValuesAt(edges[i]..edges[i + 1]).ToArray(),
            }));

        // Golden tensors are [parts, heads, rows, ...]; ours have the rows first.
        Check(golden, "partial_out", [.. parts.SelectMany(part => part.Output)], format, headsAt: 1);
        Check(golden, "partial_lse", [.. parts.SelectMany(part => part.LogSumExp)], format, headsAt: 1);
        Result merged = Merge(sequence.Shape, sequence.Rows, parts);
        Check(golden, "out", merged.Output, format, headsAt: 0);
        Check(golden, "lse", merged.LogSumExp, format, headsAt: 0);
    }

    /// <summary>Several sequences that begin with the same keys.</summary>
    public static void CheckSharedPrefix(GoldenCase golden, KvFormat format, Func<Sequence, Result> attend)
    {
        float[] queries = golden.Input("q").Data;
        var prefix = AttentionCase.SequenceOf(golden, "k_prefix", "v_prefix") with { Queries = queries };
        var suffixes = AttentionCase.SequenceOf(golden, "k_suffix", "v_suffix") with { Queries = queries };
        Result shared = attend(prefix);

        var own = new List<Result>();
        int start = 0;
        foreach (float length in golden.Input("suffix_lengths").Data)
        {
            int end = start + (int)length, row = own.Count;
            own.Add(attend(new Sequence(
                prefix.Shape, prefix.QueriesAt(row..(row + 1)).ToArray(),
                suffixes.KeysAt(start..end).ToArray(), suffixes.ValuesAt(start..end).ToArray())));
            start = end;
        }

        Result merged = Merge(prefix.Shape, prefix.Rows, [
            shared, new Result([.. own.SelectMany(part => part.Output)], [.. own.SelectMany(part => part.LogSumExp)])]);
        Check(golden, "out", merged.Output, format, headsAt: null);
        Check(golden, "lse", merged.LogSumExp, format, headsAt: null);
    }

    static Result Merge(AttentionShape shape, int rows, IReadOnlyList<Result> parts)
    {
        Result merged = Result.Unwritten(shape, rows);
        float[] outputs = [.. parts.SelectMany(part => part.Output)], logSumExps = [.. parts.SelectMany(part => part.LogSumExp)];
        PartialAttention.Merge(outputs, logSumExps, merged.Output, merged.LogSumExp);
        return merged;
    }

    static void Check(GoldenCase golden, string name, float[] actual, KvFormat format, int? headsAt)
    {
        Tensor expected = golden.Expected(name);
        if (headsAt is int first)
            expected = expected.SwapWithNext(first);
        Tolerance tolerance = format == KvFormat.BFloat16 ? GoldenTolerance.BFloat16 : golden.Tolerance(name);
        tolerance.Check(actual, expected.Data, $"{golden.Name}, {name}");
    }
}
