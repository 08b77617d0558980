using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>The golden cases of SparQ in the terms of a pipeline.</summary>
static class SparQCase
{
    /// <summary>The sequence of a case <c>sparq</c>, and the positions that its keys have there. Hidden ones are left padding: a cache starts behind it.</summary>
    public static (Sequence Sequence, int[] Positions) VisibleOf(GoldenCase golden)
    {
        Tensor q = golden.Input("q"), k = golden.Input("k").SwapWithNext(0), v = golden.Input("v").SwapWithNext(0);
        int padding = golden.HasInput("visible") ? golden.Input("visible").Data.Count(visible => visible == 0) : 0;
        var shape = new AttentionShape(q.Dimensions[^1], q.Dimensions[0], k.Dimensions[1]);
        int width = shape.KeyValueWidth * padding;
        return (new Sequence(shape, q.Data, k.Data[width..], v.Data[width..]), [.. Enumerable.Range(padding, k.Dimensions[0] - padding)]);
    }

    /// <summary>The sequence of a case <c>sparq_decode</c>: a prefix and its steps.</summary>
    public static Sequence DecodedOf(GoldenCase golden, AttentionShape shape) => new(
        shape, golden.Input("q").Data, golden.Input("k").SwapWithNext(0).Data, golden.Input("v").SwapWithNext(0).Data);

    /// <summary>The pipeline of a case; null where none is declared in this format.</summary>
    public static IAttention? PipelineOf(GoldenCase golden, KvFormat format)
    {
        Tensor q = golden.Input("q"), k = golden.Input("k");
        int heads = q.Dimensions[^2];
        string name = $"SparQOf{q.Dimensions[^1]}x{heads}x{k.Dimensions[0]}R{golden.Integer("r")}K{golden.Integer("k")}L{golden.Integer("local")}" +
            (golden.Text("variant") == "paper" ? "Paper" : "Released") + (golden.Flag("reallocate") ? "Mean" : "") +
            format switch { KvFormat.Float32 => "F32", KvFormat.Float16 => "F16", _ => "BF16" };
        return typeof(GoldenSparQPipelines).GetNestedType(name) is { } type ? (IAttention)Activator.CreateInstance(type)! : null;
    }
}
