using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the test of masks that no interval expresses, where ranges of positions do not decide a block: a bit for each row and key. It runs before
/// the block's keys are read, so that blocks and tiles of rows without a visible key cost no more than this.
/// </summary>
static class MaskEmitter
{
    /// <summary>How the test is called.</summary>
    public const string Signature = "BlockView SeeKeys(in KernelCall call, int firstKey, int keys, int rows, int rowsPerToken, ref ulong visibleKeys)";

    /// <summary>Emits nothing for masks that intervals express: what is left of those is a comparison or two beside the logits.</summary>
    public static void Emit(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        if (!plan.TestsTiles)
            return;
        var printer = new SimdPrinter(plan, tile.Bits);
        string? visible = plan.Mask is null ? null : printer.Vector(plan.Mask);
        FunctionText[] masks = [.. plan.Hoists.Masks.Select(printer.Function)];
        Expr[] expressions = [.. plan.Mask is null ? [] : new[] { plan.Mask }, .. plan.Hoists.Masks.SelectMany(mask => mask.Expressions)];

        writer.Write("""
            /// <summary>Which of a block's keys each row of the tile sees, a bit for each.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open("public static " + Signature);
        CaptureEmitter.EmitTables(writer, plan, expressions);
        writer.Open("for (int row = 0; row < rows; row++)");
        if (!expressions.Any(expr => expr.DependsOn(VariableKind.Head)))
        {
            writer.Open("if (row % rowsPerToken != 0)");
            writer.Write("""
                // All heads of a token see the same keys.
                Unsafe.Add(ref visibleKeys, row) = Unsafe.Add(ref visibleKeys, row - 1);
                continue;
                """);
            writer.Close();
            writer.Blank();
        }

        SoftmaxEmitter.EmitRow(writer, plan, expressions, "row");
        foreach (string local in printer.RowLocals)
            writer.Write(local);
        writer.Write("ulong bits = 0;");
        EmitSeen(writer, plan, tile, visible, masks, "bits |= (ulong)visible.ExtractMostSignificantBits() << i;");
        writer.Write("Unsafe.Add(ref visibleKeys, row) = bits;");
        writer.Close();
        writer.Blank();
        writer.Write("return KeyBits.View(ref visibleKeys, rows, keys);");
        writer.Close();
        writer.Blank();
    }

    /// <summary>Emits the loop that tests the masks on the keys from firstKey on, and says where one reads outside of a table.</summary>
    /// <param name="keep">The statement that keeps what the lanes of <c>visible</c> say.</param>
    public static void EmitSeen(SourceWriter writer, KernelPlan plan, TilePlan tile, string? visible, FunctionText[] masks, string keep)
    {
        string v = $"Vector{tile.Bits}", lanes = $"Lanes{tile.Bits}";
        SoftmaxEmitter.EmitFaultLocals(writer, masks, v);
        writer.Open($"for (int i = 0; i < keys; i += {tile.Lanes})");
        writer.Write($"{v}<int> key = {lanes}.Ascending(firstKey + i);");
        SoftmaxEmitter.EmitVisible(writer, plan, $"{v}.LessThan(key, {lanes}.Broadcast(firstKey + keys))", visible, masks, v);
        SoftmaxEmitter.EmitFaults(writer, masks, "visible");
        writer.Write(keep);
        writer.Close();
        SoftmaxEmitter.EmitThrows(writer, plan, masks, v);
        writer.Blank();
    }
}
