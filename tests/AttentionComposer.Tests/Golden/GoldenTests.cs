namespace AttentionComposer.Tests.Golden;

/// <summary>Every golden case of the operators that pipelines compute, through the reference and through the generated kernels.</summary>
public sealed class GoldenTests
{
    /// <summary>
    /// The golden inputs are exact in half precision but not in bfloat16, whose 8 significant bits move every key and value by up
    /// to 2^-9 of itself, and with the keys the weights. This bounds what remains of that after averaging.
    /// </summary>
    static readonly Tolerance BFloat16 = new(3e-2, 3e-2);

    public static TheoryData<string> AttentionCases() => [.. Names("attention", "local_plus_initial")];

    public static TheoryData<string, KvFormat, int> KernelCases()
    {
        var cases = new TheoryData<string, KvFormat, int>();
        foreach (string name in Names("attention", "local_plus_initial"))
            foreach (var format in Enum.GetValues<KvFormat>())
                foreach (int bits in KernelSettings.VectorWidths)
                    cases.Add(name, format, bits);
        return cases;
    }

    public static TheoryData<KvFormat, int> FormatsAndWidths()
    {
        var cases = new TheoryData<KvFormat, int>();
        foreach (var format in Enum.GetValues<KvFormat>())
            foreach (int bits in KernelSettings.VectorWidths)
                cases.Add(format, bits);
        return cases;
    }

    [Fact]
    public void NoCaseIsLeftOut()
    {
        Assert.Equal(183, GoldenCase.All.Count);
        Assert.Equal(66, GoldenCase.Of("attention").Count());
        Assert.Equal(12, GoldenCase.Of("local_plus_initial").Count());
        Assert.Equal("merge/split_kv", Assert.Single(GoldenCase.Of("split_kv")).Name);
        Assert.Equal("merge/extreme_lse", Assert.Single(GoldenCase.Of("merge_states")).Name);
        Assert.Equal("merge/shared_prefix", Assert.Single(GoldenCase.Of("cascade")).Name);
        Assert.Equal(78, AttentionCases().Count);
        Assert.Equal(78 * 3 * 3, KernelCases().Count);
    }

    [Theory, MemberData(nameof(AttentionCases))]
    public void Reference(string name)
    {
        AttentionCase golden = AttentionCase.Of(GoldenCase.Named(name));
        golden.Check(Result.OfReference(golden.Reference, golden.Sequence));
    }

    [Theory, MemberData(nameof(KernelCases))]
    public void Kernels(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        AttentionCase golden = AttentionCase.Of(GoldenCase.Named(name));
        IAttention attention = golden.Pipeline(format);

        Sequence exact = golden.Sequence with
        {
            Keys = Array.ConvertAll(golden.Sequence.Keys, x => Sequence.Round(x, format)),
            Values = Array.ConvertAll(golden.Sequence.Values, x => Sequence.Round(x, format)),
        };
        Result expected = Result.OfReference(golden.Reference, exact);

        List<Result> results = [Result.OfStored(attention, golden.Sequence)];
        if (golden.Sequence.Rows <= golden.Sequence.Positions)
            results.Add(Result.OfStep(attention, golden.Sequence));
        foreach (Result result in results)
        {
            result.CheckAgainst(expected, Tolerance.Float32, $"{attention.Plan.Name} against the reference on rounded inputs");
            golden.Check(result, format == KvFormat.BFloat16 ? BFloat16 : null);
        }
    }

    [Theory, MemberData(nameof(FormatsAndWidths))]
    public void SplitKeys(KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Of("split_kv").Single();
        Sequence sequence = AttentionCase.SequenceOf(golden);
        IAttention attention = Pipelines.Find(sequence.Shape, format, golden.Number("scale"));
        int[] edges = golden.Integers("edges");

        var parts = new List<Result>();
        for (int i = 0; i + 1 < edges.Length; i++)
        {
            var piece = sequence with
            {
                Keys = sequence.KeysAt(edges[i]..edges[i + 1]).ToArray(),
                Values = sequence.ValuesAt(edges[i]..edges[i + 1]).ToArray(),
            };
            parts.Add(Result.OfStored(attention, piece));
        }

        // Golden tensors are [parts, heads, rows, ...]; ours have the rows first.
        Check(golden, "partial_out", [.. parts.SelectMany(part => part.Output)], format, headsAt: 1);
        Check(golden, "partial_lse", [.. parts.SelectMany(part => part.LogSumExp)], format, headsAt: 1);
        Result merged = Merge(sequence.Shape, sequence.Rows, parts);
        Check(golden, "out", merged.Output, format, headsAt: 0);
        Check(golden, "lse", merged.LogSumExp, format, headsAt: 0);
    }

    [Theory, MemberData(nameof(FormatsAndWidths))]
    public void SharedPrefix(KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Of("cascade").Single();
        float[] queries = golden.Input("q").Data;
        var prefix = AttentionCase.SequenceOf(golden, "k_prefix", "v_prefix") with { Queries = queries };
        var suffixes = AttentionCase.SequenceOf(golden, "k_suffix", "v_suffix") with { Queries = queries };
        IAttention attention = Pipelines.Find(prefix.Shape, format, golden.Number("scale"));
        Result shared = Result.OfStored(attention, prefix);

        var own = new List<Result>();
        int start = 0;
        foreach (float length in golden.Input("suffix_lengths").Data)
        {
            int end = start + (int)length, row = own.Count;
            own.Add(Result.OfStored(attention, new Sequence(
                prefix.Shape, prefix.QueriesAt(row..(row + 1)).ToArray(),
                suffixes.KeysAt(start..end).ToArray(), suffixes.ValuesAt(start..end).ToArray())));
            start = end;
        }

        Result merged = Merge(prefix.Shape, prefix.Rows, [
            shared, new Result([.. own.SelectMany(part => part.Output)], [.. own.SelectMany(part => part.LogSumExp)])]);
        Check(golden, "out", merged.Output, format, headsAt: null);
        Check(golden, "lse", merged.LogSumExp, format, headsAt: null);
    }

    [Fact]
    public void ExtremeLogSumExps()
    {
        GoldenCase golden = GoldenCase.Of("merge_states").Single();
        Tensor expected = golden.Expected("out"), expectedLogSumExp = golden.Expected("lse");
        var merged = new Result(new float[expected.Data.Length], new float[expectedLogSumExp.Data.Length]);
        PartialAttention.Merge(golden.Input("part_out").Data, golden.Input("part_lse").Data, merged.Output, merged.LogSumExp);
        golden.Tolerance("out").Check(merged.Output, expected.Data, golden.Name);
        golden.Tolerance("lse").Check(merged.LogSumExp, expectedLogSumExp.Data, golden.Name);
    }

    static IEnumerable<string> Names(params string[] operators) => GoldenCase.Of(operators).Select(golden => golden.Name);

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
        Tolerance tolerance = format == KvFormat.BFloat16 ? BFloat16 : golden.Tolerance(name);
        tolerance.Check(actual, expected.Data, $"{golden.Name}, {name}");
    }
}
