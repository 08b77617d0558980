using AttentionComposer.Kernels;
using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>The golden cases of exact top-k, with renormalised, lost and spread remainders, and of pages: outputs and sets of positions.</summary>
public sealed class GoldenSelectionTests
{
    static readonly string[] s_operators = ["topk_exact", "sparse_v", "page_select"];

    public static TheoryData<string, KvFormat, int> Cases()
    {
        var cases = new TheoryData<string, KvFormat, int>();
        foreach (GoldenCase golden in GoldenCase.Of(s_operators))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                foreach (int bits in KernelSettings.VectorWidths)
                    if (PipelineOf(golden, format) is not null)
                        cases.Add(golden.Name, format, bits);
        return cases;
    }

    [Fact]
    public void NoCaseIsLeftOut() =>
        Assert.Equal(GoldenCase.Of(s_operators).Count() * 3, Cases().Count(row => row[1] is KvFormat.Float32));

    [Theory, MemberData(nameof(Cases))]
    public void Step(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Named(name);
        IAttention attention = PipelineOf(golden, format)!;
        var sequence = new Sequence(
            attention.Shape, golden.Input("q").Data, golden.Input("k").SwapWithNext(0).Data, golden.Input("v").SwapWithNext(0).Data);

        SelectionTrace trace = GoldenSparQTests.Run(attention, sequence, watched: true, out float[] output);
        GoldenSparQTests.Run(attention, sequence, watched: false, out float[] unwatched);
        golden.Tolerance("out").Check(output, golden.Expected("out").Data, $"{name}, watched");
        golden.Tolerance("out").Check(unwatched, golden.Expected("out").Data, name);

        Tensor expected = golden.Expected(golden.Operator == "page_select" ? "pages" : "indices");
        int heads = expected.Dimensions[0], each = trace.Positions.Length / heads;
        int[][] chosen = [.. Enumerable.Range(0, heads).Select(head => trace.Positions[head * each])];
        if (golden.Operator == "page_select")
            chosen = [.. chosen.Select(positions => positions.Select(position => position / golden.Integer("page")).Distinct().ToArray())];
        GoldenSparQTests.CheckSets(expected, chosen, "choice");
    }

    static IAttention? PipelineOf(GoldenCase golden, KvFormat format)
    {
        Tensor q = golden.Input("q"), k = golden.Input("k");
        string shape = $"Of{q.Dimensions[^1]}x{q.Dimensions[0]}x{k.Dimensions[0]}", suffix = format == KvFormat.Float32 ? "F32" : "F16";
        string name = golden.Operator switch
        {
            "page_select" => $"Pages{shape}P{golden.Integer("page")}N{golden.Integer("pages")}" +
                (golden.Flag("keep_last") ? "Last" : "") + (golden.Flag("per_head") ? "PerHead" : ""),
            "sparse_v" => $"TopK{shape}K{golden.Integer("k")}{(golden.Flag("mean_fill") ? "Spread" : "Lost")}",
            _ => $"TopK{shape}K{golden.Integer("k")}",
        };
        return typeof(GoldenSelectionPipelines).GetNestedType(name + suffix) is { } type ? (IAttention)Activator.CreateInstance(type)! : null;
    }
}
