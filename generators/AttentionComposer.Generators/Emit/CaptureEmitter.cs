using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit;

/// <summary>
/// Emits the copy of what functions read of the pipeline. All threads of a call see the same arrays whatever becomes of the fields
/// meanwhile, and a table's length is checked against the very array that is read.
/// </summary>
static class CaptureEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan)
    {
        if (!plan.Captures)
            return;
        PipelineSpec spec = plan.Spec;
        writer.Write("""
            object? IFusedKernels.Capture()
            {
                Captured captured = System.Threading.Interlocked.Exchange(ref _idleCaptured, null) ?? new Captured();
            """.Replace("System.Threading", "global::System.Threading"));
        foreach (Capture capture in spec.Captures)
            writer.Write($"    captured.{ScalarPrinter.FieldOf(capture)} = {Copy(capture, spec)};");
        foreach (string check in LengthChecks(plan))
            writer.Write("    " + check);
        if (spec.SinkLogits is not null)
            writer.Write($"    captured.SinkLogits = TableLoad.SinkLogits({spec.SinkLogits}, {Literal.Of(spec.QueryHeads)}, \"{spec.Name}.{spec.SinkLogits}\");");
        writer.Write($$"""
                return captured;
            }

            void IFusedKernels.Release(object? captured)
            {
                ((Captured)captured!).Clear();
                global::System.Threading.Volatile.Write(ref _idleCaptured, (Captured)captured);
            }

            """);
        if (spec.SinkLogits is not null)
        {
            writer.Write("""
                ReadOnlySpan<float> IFusedKernels.SinkLogits(object? captured) => ((Captured)captured!).SinkLogits;

                """);
        }
        else if (spec.Normalization == Normalization.SoftmaxOne)
        {
            writer.Write($"""
                ReadOnlySpan<float> IFusedKernels.SinkLogits(object? captured) => [{string.Join(", ", Enumerable.Repeat("0", spec.QueryHeads))}];

                """);
        }

        EmitClass(writer, plan);
    }

    /// <summary>The tables in some expressions, as locals.</summary>
    public static void EmitTables(SourceWriter writer, KernelPlan plan, IEnumerable<Expr> expressions, string fields = "call.Captured!")
    {
        Expr[] parts = [.. expressions.SelectMany(expr => expr.WithParts)];
        Capture[] tables =
        [
            .. parts.Select(TableOf).OfType<Capture>().Select(table => table.Name).Distinct()
                .Select(name => plan.Spec.Captures.First(capture => capture.Name == name)),
        ];
        if (tables.Length != 0 || parts.OfType<CapturedScalar>().Any())
            writer.Write($"var captured = (Captured){fields};");
        foreach (Capture table in tables)
        {
            string field = $"captured.{ScalarPrinter.FieldOf(table)}";
            string elements = IsMemory(table) ? field + ".Span" : table.Rank == 1 ? field : $"TableLoad.Elements({field})";
            writer.Write($"ReadOnlySpan<{ScalarPrinter.TypeName(table.Type)}> {table.Name} = {elements};");
            for (int dimension = 0; table.Rank > 1 && dimension < table.Rank; dimension++)
                writer.Write($"int {ScalarPrinter.LengthName(table, dimension)} = {field}.GetLength({Literal.Of(dimension)});");
        }
    }

    /// <summary>How many elements follow one another in a row of a captured table.</summary>
    public static string LastLength(Capture table) =>
        $"captured.{ScalarPrinter.FieldOf(table)}.{(table.Rank == 1 ? "Length" : $"GetLength({Literal.Of(table.Rank - 1)})")}";

    static void EmitClass(SourceWriter writer, KernelPlan plan)
    {
        writer.Write("""
            // A copy that no call is using.
            Captured? _idleCaptured;

            /// <summary>What the functions read of the pipeline, as it was when the call began.</summary>
            """);
        writer.Open("sealed class Captured");
        foreach (Capture capture in plan.Spec.Captures)
        {
            writer.Write($"public {TypeOf(capture)} {ScalarPrinter.FieldOf(capture)}{(capture.Rank == 0 || IsMemory(capture) ? "" : " = null!")};");
            if (IsWidened(capture))
                writer.Write($"public int[]? {MemoryOf(capture)}; // the elements as ints");
        }

        if (plan.Spec.SinkLogits is not null)
            writer.Write("public float[] SinkLogits = null!;");
        writer.Blank();
        writer.Write("/// <summary>Lets go of the arrays: the pipeline may have replaced them.</summary>");
        writer.Open("public void Clear()");
        foreach (Capture capture in plan.Spec.Captures.Where(capture => capture.Rank != 0))
            writer.Write($"{ScalarPrinter.FieldOf(capture)} = {(IsMemory(capture) ? "default" : "null!")};");
        if (plan.Spec.SinkLogits is not null)
            writer.Write("SinkLogits = null!;");
        writer.Close();
        writer.Close();
        writer.Blank();
    }

    static string Copy(Capture capture, PipelineSpec spec)
    {
        string name = $"\"{spec.Name}: {capture.Access}\"";
        string value = capture.Rank == 0 && capture.Stored is { ConvertsByItself: false } ? $"unchecked((int){capture.Access})" : capture.Access;
        if (capture.IsDivisor)
            return $"TableLoad.NotZero({value}, {name})";
        if (capture.Rank == 0)
            return value;
        string table = capture.IsMemory ? capture.Access : $"TableLoad.NotNull({capture.Access}, {name})";
        return IsWidened(capture) ? $"TableLoad.Widen<{capture.Stored!.Name}, {capture.Stored.Keyword}>({table}{(capture.IsMemory ? ".Span" : "")}, ref captured.{MemoryOf(capture)})" : table;
    }

    // Elements of smaller integers become ints when a call begins, in memory that is kept for the next one.
    static bool IsWidened(Capture capture) => capture.Rank != 0 && capture.Stored is not null;

    /// <summary>Whether the copy of a table is a ReadOnlyMemory and not an array.</summary>
    public static bool IsMemory(Capture capture) => capture.IsMemory || IsWidened(capture);

    static string MemoryOf(Capture capture) => ScalarPrinter.FieldOf(capture) + "Elements";

    static IEnumerable<string> LengthChecks(KernelPlan plan) =>
        (from function in plan.Functions
         from element in function.Elements
         where plan.IsCheckedAtCall(element)
         let field = $"captured.{ScalarPrinter.FieldOf(element.Capture)}.Length"
         select $"if ({field} <= {Literal.Of(plan.LargestIndex(element))})\n        TableLoad.ThrowOutside(\"{plan.Spec.Name}.{function.Name}\");").Distinct();

    static string TypeOf(Capture capture)
    {
        string element = ScalarPrinter.TypeName(capture.Type);
        return IsMemory(capture) ? $"ReadOnlyMemory<{element}>"
            : capture.Rank == 0 ? element
            : $"{element}[{new string(',', capture.Rank - 1)}]";
    }

    /// <summary>An expression and everything in it.</summary>
    public static IEnumerable<Expr> WithOperands(Expr expr) =>
        expr.Operands.SelectMany(WithOperands).Concat((expr as CapturedElement)?.Reached is { } reached ? WithOperands(reached) : []).Append(expr);

    static Capture? TableOf(Expr expr) => expr switch
    {
        CapturedElement element => element.Capture,
        CapturedLength length => length.Capture,
        OutsideOf outside => outside.Capture,
        _ => null,
    };
}
