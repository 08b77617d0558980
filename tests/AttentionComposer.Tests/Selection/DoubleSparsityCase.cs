using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>What the golden cases of Double Sparsity ask for.</summary>
static class DoubleSparsityCase
{
    /// <summary>The pipeline of a case, without its channels; null where it is not declared in this format.</summary>
    public static GoldenDoubleSparsityPipelines.ILabelled? PipelineOf(GoldenCase golden, KvFormat format)
    {
        Tensor q = golden.Input("q"), k = golden.Input("k");
        string name = $"LabelsOf{q.Dimensions[^1]}x{q.Dimensions[0]}x{k.Dimensions[0]}R{golden.Integer("r")}N{golden.Integer("tokens")}" +
            (golden.Flag("per_head") ? "PerHead" : "") + (format == KvFormat.Float32 ? "F32" : "F16");
        return typeof(GoldenDoubleSparsityPipelines).GetNestedType(name) is { } type ? (GoldenDoubleSparsityPipelines.ILabelled)Activator.CreateInstance(type)! : null;
    }

    /// <summary>The channels that a case's calibration finds.</summary>
    public static int[] ChannelsOf(GoldenCase golden, AttentionShape shape) => DoubleSparsity.Calibrate(
        golden.Input("cal_q").SwapWithNext(0).Data, golden.Input("cal_k").SwapWithNext(0).Data, shape, golden.Integer("r"));
}
