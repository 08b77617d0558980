using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>The golden cases of exact top-k and of pages in the terms of a pipeline.</summary>
static class SelectionCase
{
    /// <summary>Their operators.</summary>
    public static string[] Operators { get; } = ["topk_exact", "sparse_v", "page_select"];

    /// <summary>One query over all keys.</summary>
    public static Sequence SequenceOf(GoldenCase golden)
    {
        Tensor q = golden.Input("q"), k = golden.Input("k");
        return new Sequence(
            new AttentionShape(q.Dimensions[^1], q.Dimensions[0], k.Dimensions[0]), q.Data, k.SwapWithNext(0).Data, golden.Input("v").SwapWithNext(0).Data);
    }

    /// <summary>The pipeline of a case; null where none is declared in this format.</summary>
    public static IAttention? PipelineOf(GoldenCase golden, KvFormat format)
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
