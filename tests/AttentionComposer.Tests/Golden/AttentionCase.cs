namespace AttentionComposer.Tests.Golden;

/// <summary>A golden case of <c>attention</c> or <c>local_plus_initial</c> in the terms of a pipeline.</summary>
/// <remarks>
/// A budget with <c>initial</c> oldest and <c>budget - initial</c> newest positions is a decode step with as many sinks and that window.
/// A budget without newest positions is no window that can be declared: there the initial positions are all of the cache.
/// </remarks>
sealed record AttentionCase(
    GoldenCase Golden, Sequence Sequence, double Scale, bool Causal, int Window, int Sinks, bool Alibi, double SoftCap)
{
    /// <summary>The formats that hold the golden inputs exactly, or to 8 significant bits; every case has a pipeline in each of them.</summary>
    public static KvFormat[] Floats { get; } = [KvFormat.Float32, KvFormat.Float16, KvFormat.BFloat16];

    public static AttentionCase Of(GoldenCase golden)
    {
        Sequence sequence = SequenceOf(golden);
        double scale = golden.Number("scale");
        if (golden.Operator == "attention")
            return new(
                golden, sequence, scale, golden.Flag("causal"), golden.Integer("window"), golden.Integer("sinks"), golden.Flag("alibi"),
                golden.Number("softcap"));

        int initial = golden.Integer("initial"), newest = golden.Integer("budget") - initial;
        if (newest > 0)
            return new(golden, sequence, scale, Causal: true, Window: newest, Sinks: initial, Alibi: false, SoftCap: 0);
        var oldest = sequence with { Keys = sequence.KeysAt(..initial).ToArray(), Values = sequence.ValuesAt(..initial).ToArray() };
        return new(golden, oldest, scale, Causal: false, Window: 0, Sinks: 0, Alibi: false, SoftCap: 0);
    }

    /// <summary>The case's tensors with the tokens first; a single row may come without a dimension of its own.</summary>
    public static Sequence SequenceOf(GoldenCase golden, string keys = "k", string values = "v")
    {
        Tensor q = golden.Input("q"), k = golden.Input(keys), v = golden.Input(values);
        var shape = new AttentionShape(q.Dimensions[^1], q.Dimensions[golden.Operator == "cascade" ? 1 : 0], k.Dimensions[0]);
        bool headsFirst = q.Dimensions.Length == 3 && golden.Operator != "cascade";
        return new(shape, headsFirst ? q.SwapWithNext(0).Data : q.Data, k.SwapWithNext(0).Data, v.SwapWithNext(0).Data);
    }

    public ReferenceAttention Reference => new(Sequence.Shape)
    {
        Scale = Scale,
        Causal = Causal,
        Window = Window,
        Sinks = Sinks,
        SoftCap = SoftCap,
        AlibiSlopes = Alibi ? Golden.Expected("slopes").Data : [],
    };

    public IAttention Pipeline(KvFormat format) =>
        Pipelines.Find(Sequence.Shape, format, Scale, Causal, Window, Sinks, Alibi, SoftCap);

    /// <summary>Checks a result against the expected tensors, by their own tolerance unless another is given.</summary>
    public void Check(Result result, Tolerance? tolerance = null)
    {
        Result expected = Expected;
        (tolerance ?? Golden.Tolerance("out")).Check(result.Output, expected.Output, $"{Golden.Name}, out");
        (tolerance ?? Golden.Tolerance("lse")).Check(result.LogSumExp, expected.LogSumExp, $"{Golden.Name}, lse");
    }

    /// <summary>The expected tensors, with the tokens first.</summary>
    public Result Expected => new(TokensFirst("out", dimensions: 3), TokensFirst("lse", dimensions: 2));

    float[] TokensFirst(string name, int dimensions)
    {
        Tensor expected = Golden.Expected(name);
        return expected.Dimensions.Length == dimensions ? expected.SwapWithNext(0).Data : expected.Data;
    }
}
