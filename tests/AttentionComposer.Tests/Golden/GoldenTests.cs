namespace AttentionComposer.Tests.Golden;

/// <summary>Every golden case of the operators that pipelines compute, through the reference and through the generated kernels.</summary>
public sealed class GoldenTests
{
    static readonly AttentionShape s_shapeInInt8 = new(HeadDim: 64, QueryHeads: 8, KeyValueHeads: 2);

    public static TheoryData<string> AttentionCases() => [.. Names("attention", "local_plus_initial")];

    public static TheoryData<string, KvFormat, int> KernelCases()
    {
        var cases = new TheoryData<string, KvFormat, int>();
        foreach (GoldenCase golden in GoldenCase.Of("attention", "local_plus_initial"))
            foreach (KvFormat format in AttentionCase.SequenceOf(golden).Shape == s_shapeInInt8 ? [.. AttentionCase.Floats, KvFormat.Int8] : AttentionCase.Floats)
                foreach (int bits in KernelSettings.VectorWidths)
                    cases.Add(golden.Name, format, bits);
        return cases;
    }

    public static TheoryData<KvFormat, int> FormatsAndWidths()
    {
        var cases = new TheoryData<KvFormat, int>();
        foreach (KvFormat format in AttentionCase.Floats)
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
        Assert.Equal((78 * 3 + 38) * 3, KernelCases().Count);
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

        Result expected = Result.OfReference(golden.Reference, golden.Sequence.Rounded(format));

        List<Result> results = [Result.OfStored(attention, golden.Sequence)];
        if (golden.Sequence.Rows <= golden.Sequence.Positions)
            results.Add(Result.OfStep(attention, golden.Sequence));
        foreach (Result result in results)
        {
            result.CheckAgainst(expected, Tolerance.Float32, $"{attention.Plan.Name} against the reference on rounded inputs");
            if (format == KvFormat.Int8)
                Int8Bound.Check(golden, result);
            else
                golden.Check(result, format == KvFormat.BFloat16 ? GoldenTolerance.BFloat16 : null);
        }
    }

    [Theory, MemberData(nameof(FormatsAndWidths))]
    public void SplitKeys(KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Of("split_kv").Single();
        Sequence sequence = AttentionCase.SequenceOf(golden);
        IAttention attention = Pipelines.Find(sequence.Shape, format, golden.Number("scale"));
        GoldenMerge.CheckSplitKeys(golden, sequence, format, piece => Result.OfStored(attention, piece));
    }

    [Theory, MemberData(nameof(FormatsAndWidths))]
    public void SharedPrefix(KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Of("cascade").Single();
        IAttention attention = Pipelines.Find(AttentionCase.SequenceOf(golden, "k_prefix", "v_prefix").Shape, format, golden.Number("scale"));
        GoldenMerge.CheckSharedPrefix(golden, format, piece => Result.OfStored(attention, piece));
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
}
