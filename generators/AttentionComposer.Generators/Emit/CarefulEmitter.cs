using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit;

/// <summary>
/// Emits the plain loop that runs while a call sees NaN or infinity: the declaration read aloud, row by row and key by key, so
/// that such a value reaches only the rows that see it.
/// </summary>
static class CarefulEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        writer.Write("/// <summary>The pipeline as a plain loop over rows and keys, in which a hidden key touches nothing.</summary>");
        writer.Open("static class CarefulKernel");
        writer.Open("public static void Run(in KernelCall call)");
        writer.Write($$"""
            int rows = call.Tokens * call.RowsPerToken;
            Panels.ScaleQueries(call, s_traits.Shape, call.RowsPerToken, rows, {{Literal.Of(plan.QueryFactor)}}, ref call.Scratch);
            Panels.Clear(call, rows, Stride);
            for (int row = 0; row < rows; row++)
            {
                if (row % call.RowsPerToken >= Group)
                    continue; // padding

            """);
        if (Uses(plan, VariableKind.Query))
            writer.Write("    int query = call.FirstQuery + row / call.RowsPerToken;");
        if (Uses(plan, VariableKind.Head))
            writer.Write("    int head = call.KeyValueHead * Group + row % call.RowsPerToken;");
        string mask = plan.Mask is null ? "" : $$"""

                        if (!({{ScalarPrinter.Print(plan.Mask)}}))
                            continue;
            """;
        writer.Write($$"""
                ref float queryRow = ref Unsafe.Add(ref call.Scratch, row * Stride);
                ref float sums = ref Unsafe.Add(ref call.Sums, row * Stride);
                ref float maximum = ref Unsafe.Add(ref call.Maxima, row);
                ref float weights = ref Unsafe.Add(ref call.Weights, row);
                foreach (KeyRange range in call.Ranges)
                {
                    for (int key = range.Low; key < range.High; key++)
                    {{{mask}}
                        nint slot = (nint)call.Layout.Slot(key) * (Stride * {{format.ScalarSize}});
                        float score = RowScalars.Dot(ref queryRow, ref Unsafe.Add(ref call.Keys, slot), HeadDim, KvFormat.{{plan.Spec.Format}});
                        float logit = {{ScalarPrinter.Print(plan.Logit)}};
                        if (logit == float.NegativeInfinity)
                            continue;
                        RowScalars.Add(logit, ref Unsafe.Add(ref call.Values, slot), HeadDim, KvFormat.{{plan.Spec.Format}}, ref maximum, ref weights, ref sums);
                    }
                }
            }
            """);
        writer.Close();
        writer.Close();
    }

    static bool Uses(KernelPlan plan, VariableKind variable) => plan.Logit.DependsOn(variable) || plan.Mask?.DependsOn(variable) == true;
}
