using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the interface between the kernels and their steps. The walk over the keys is written, and compiled, once for all vector widths; the steps, in
/// which the time goes, once for each.
/// </summary>
static class StepsEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan)
    {
        writer.Write("/// <summary>What the kernels ask of a vector width.</summary>");
        writer.Open("interface ISimd");
        writer.Write("static abstract int Width { get; } // floats in a vector");
        Declare(writer, DecodeEmitter.SignatureOf(ScoredRows.Block(plan)));
        Declare(writer, ValueSumsEmitter.SignatureOf("DecodeValues", RowFormatNames.Of(plan.Spec.Format)));
        foreach (HoistLoop loop in plan.Hoists.Loops)
            Declare(writer, HoistEmitter.SignatureOf(loop));
        if (plan.TestsTiles)
            Declare(writer, MaskEmitter.Signature);
        Declare(writer, SoftmaxEmitter.SignatureOf(plan));
        writer.Close();
        writer.Blank();
    }

    static void Declare(SourceWriter writer, string signature) => writer.Write($"static abstract {signature};");
}
