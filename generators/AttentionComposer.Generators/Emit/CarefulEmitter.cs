using System.Collections.Generic;
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
    /// <summary>The pipeline's object as a first argument where the loop calls its methods; otherwise nothing.</summary>
    public static string Receiver(KernelPlan plan, string name) => plan.Functions.Any(function => !function.IsStatic) ? name + ", " : "";

    /// <remarks>It calls the user's functions as they are: nothing is translated here, so nothing can differ.</remarks>
    public static void Emit(SourceWriter writer, KernelPlan plan)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        writer.Write("/// <summary>The pipeline as a plain loop over rows and keys, in which a hidden key touches nothing.</summary>");
        writer.Open("static class CarefulKernel");
        writer.Open($"public static void Run({Receiver(plan, PipelineName(plan) + " pipeline")}in KernelCall call)");
        writer.Write($$"""
            int rows = call.Tokens * call.RowsPerToken;
            Panels.ScaleQueries(call, s_traits.Shape, call.RowsPerToken, rows, {{Literal.Of(plan.QueryFactor)}}, ref call.Scratch);
            Panels.Clear(call, rows, Stride);
            for (int row = 0; row < rows; row++)
            {
                if (row % call.RowsPerToken >= Group)
                    continue; // padding

            """);
        if (plan.DependsOn(VariableKind.Query) || Takes(plan, VariableKind.Query))
            writer.Write("    int query = call.FirstQuery + row / call.RowsPerToken;");
        if (plan.DependsOn(VariableKind.Head) || Takes(plan, VariableKind.Head))
            writer.Write("    int head = call.KeyValueHead * Group + row % call.RowsPerToken;");
        string mask = string.Concat(Masks(plan).Select(visible => $$"""

                        if (!{{visible}})
                            continue;
            """));
        string scores = string.Concat(plan.Spec.Scores.Select(score => $$"""

                        logit = {{Call(plan, score)}};
            """)) + (plan.LogitFactor == 1 ? "" : $"\n            logit *= {Literal.Of(plan.LogitFactor)};") + plan.Spec.Normalization switch
            {
                Normalization.Sigmoid => "\n            logit = -MathF.Log2(1 + float.Exp2(-logit));",
                Normalization.Relu => "\n            logit = MathF.Log2(MathF.Max(logit, 0));",
                _ => "",
            };
        writer.Write($$"""
                ref float queryRow = ref Unsafe.Add(ref call.Scratch, row * Stride);
                ref float sums = ref Unsafe.Add(ref call.Sums, row * Stride);
                ref float maximum = ref Unsafe.Add(ref call.Maxima, row);
                ref float weights = ref Unsafe.Add(ref call.Weights, row);
                foreach (KeyRange range in call.Ranges)
                {
                    for (int key = range.Low; key < range.High; key++)
                    {{{mask}}
                        {{Slot(format)}}
                        float score = RowScalars.Dot(ref queryRow, ref Unsafe.Add(ref call.Keys, slot), HeadDim, KvFormat.{{plan.Spec.Format}}{{Scale(format, "KeyScales")}});
                        float logit = {{ScalarPrinter.Print(plan.Logit)}};{{scores}}
                        if (logit == float.NegativeInfinity)
                            continue;
                        RowScalars.Add(logit, ref Unsafe.Add(ref call.Values, slot), HeadDim, KvFormat.{{plan.Spec.Format}}, ref maximum, ref weights, ref sums{{Scale(format, "ValueScales")}});
                    }
                }
            }
            """);
        writer.Close();
        writer.Close();
    }

    /// <summary>The local that holds where a key's row lies, in bytes; of a format with scales also where its scale does.</summary>
    public static string Slot(RowFormatNames format) => format.HasScales
        ? "nint place = call.Layout.Slot(key), slot = place * Stride; // of scales, and of rows"
        : $"nint slot = (nint)call.Layout.Slot(key) * (Stride * {format.ScalarSize});";

    /// <summary>A row's scale as a last argument, where it has one.</summary>
    public static string Scale(RowFormatNames format, string scales) => format.HasScales ? $", Unsafe.Add(ref call.{scales}, place)" : "";

    /// <summary>The conditions that a visible key fulfils.</summary>
    public static IEnumerable<string> Masks(KernelPlan plan) =>
    [
        .. plan.Mask is null ? [] : new[] { $"({ScalarPrinter.Print(plan.Mask)})" },
        .. plan.Spec.Masks.Select(mask => Call(plan, mask)),
    ];

    /// <summary>Whether some function takes a variable as a parameter.</summary>
    public static bool Takes(KernelPlan plan, VariableKind variable) =>
        plan.Functions.Any(function => function.Parameters.Any(parameter => parameter.Kind == variable));

    /// <summary>The call of a function for the key in hand.</summary>
    public static string Call(KernelPlan plan, FunctionSpec function)
    {
        string arguments = string.Join(", ", function.Parameters.Select(parameter => parameter.Kind switch
        {
            VariableKind.Score => "logit",
            var variable => ScalarPrinter.Name(variable),
        }));
        string receiver = function.IsStatic ? PipelineName(plan) : "pipeline";
        return $"{receiver}.{PipelineEmitter.Identifier(function.Name)}({arguments})";
    }

    public static string PipelineName(KernelPlan plan) => PipelineEmitter.Identifier(plan.Spec.Name);
}
