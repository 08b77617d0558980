using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit;

/// <summary>
/// Emits the proof that functions stay inside of their tables: indices over ranges of positions, of a block or of a whole call. Where it fails
/// nothing is refused yet; then keys are checked one by one, and a call's outputs are kept to be brought back.
/// </summary>
static class TableCheckEmitter
{
    const string Parameters = "object? fields, IntRange query, IntRange key, IntRange keyValueHead, IntRange batch";

    public static void Emit(SourceWriter writer, KernelPlan plan)
    {
        if (!plan.ChecksTables)
            return;
        (FunctionSpec, Expr)[] masks = Checks(plan.Spec.Masks, plan), scores = Checks(plan.Spec.Scores, plan);
        string[] asked = [.. masks.Length == 0 ? [] : new[] { "MasksMayReadOutside" }, .. scores.Length == 0 ? [] : new[] { "ScoresMayReadOutside" }];
        writer.Write($$"""
            bool IFusedKernels.MayReadOutside(object? captured, int firstQuery, int lastQuery, int length, int batches)
            {
                IntRange query = new(firstQuery, lastQuery), key = new(0, length - 1), heads = new(0, {{plan.Spec.KeyValueHeads - 1}}), batch = new(0, batches - 1);
                return {{string.Join(" || ", asked.Select(method => $"{method}(captured, query, key, heads, batch)"))}};
            }

            """);
        EmitProof(writer, plan, masks, "Masks", "might read outside of their tables for some pair of these queries and keys", distance: null);
        EmitProof(writer, plan, scores, "Scores", "might read outside of their tables for some visible pair of these queries and keys", Distance(plan));
    }

    /// <summary>The question for a block: are its keys to be tested one by one for what scores read?</summary>
    public static string ScoresOf(KernelPlan plan, string queries, string keys) => $"{(TableLookups.OfScores(plan).Any() ? "longTables || " : "")}ScoresMayReadOutside(call.Captured, {queries}, {keys}, call.KeyValueHead, call.Batch)";

    /// <summary>Whether a row in which scores look elements up is too long for registers, as a local of a kernel; nothing where they look none up.</summary>
    public static string LongTables(KernelPlan plan)
    {
        string[] lengths = [.. TableLookups.OfScores(plan).Select(table => $"{CaptureEmitter.LastLength(table)} > 2 * TSimd.Width")];
        return lengths.Length == 0 ? "" : $"""
            var captured = (Captured)call.Captured!;
            bool longTables = {string.Join(" || ", lengths)}; // whose rows two vectors do not hold


            """;
    }

    static (FunctionSpec Function, Expr Outside)[] Checks(IEnumerable<FunctionSpec> functions, KernelPlan plan) =>
        [.. from function in functions let outside = TableChecks.Of(function, plan) where outside is not null select (function, outside)];

    static void EmitProof(SourceWriter writer, KernelPlan plan, (FunctionSpec Function, Expr Outside)[] checks, string whose, string what, string? distance)
    {
        if (checks.Length == 0)
            return;
        LocalDefinition[] locals = [.. checks.SelectMany(check => check.Function.Needed(check.Outside))];
        Expr[] expressions = [.. locals.Select(local => local.Value), .. checks.Select(check => check.Outside)];
        bool bounded = distance is not null && expressions.Any(expr => expr.WithParts.Contains(RangePrinter.QueryMinusKey));
        writer.Write($"/// <summary>Whether {whose.ToLowerInvariant()} {what}: the indices, computed over ranges.</summary>");
        writer.Open($"static bool {whose}MayReadOutside({Parameters})");
        CaptureEmitter.EmitTables(writer, plan, expressions, "fields!");
        if (expressions.Any(expr => expr.WithParts.Contains(Expr.Head)))
            writer.Write("IntRange head = keyValueHead * Group + new IntRange(0, Group - 1);");
        if (bounded)
            writer.Write($"IntRange apart = {distance}; // in the intervals of keys that a query sees");
        foreach (LocalDefinition local in locals)
            writer.Write(RangePrinter.Declaration(local, bounded ? "apart" : null));
        writer.Write($"Truth outside = {string.Join("\n    | ", checks.Select(check => RangePrinter.Print(check.Outside, bounded ? "apart" : null)))};");
        writer.Write("return outside.View != BlockView.Hidden;");
        writer.Close();
        writer.Blank();
    }

    // How far a visible key can be from its query, by the intervals; null when they do not say.
    static string? Distance(KernelPlan plan)
    {
        int? least = Extreme(plan, interval => interval.Highs, offset => unchecked(1 - offset), Math.Max, Math.Min);
        int? most = Extreme(plan, interval => interval.Lows, offset => unchecked(-offset), Math.Min, Math.Max);
        return least is null && most is null
            ? null
            : $"(query - key).Within({(least is null ? "int.MinValue" : Literal.Of(least.Value))}, {(most is null ? "int.MaxValue" : Literal.Of(most.Value))})";
    }

    // All of an interval's bounds hold, but one of a choice's is enough, and the key may be in any of the intervals.
    static int? Extreme(
        KernelPlan plan, Func<KeyInterval, EquatableArray<BoundChoice>> bounds, Func<int, int> distance, Func<int, int, int> tighter, Func<int, int, int> looser)
    {
        int? OfChoice(BoundChoice choice) =>
            choice.Bounds.All(bound => bound is { Slope: 1, Captured: null }) ? choice.Bounds.Select(bound => distance(bound.Offset)).Aggregate(looser) : null;

        int? OfInterval(KeyInterval interval)
        {
            int[] known = [.. bounds(interval).Select(OfChoice).OfType<int>()];
            return known.Length == 0 ? null : known.Aggregate(tighter);
        }

        int?[] each = [.. plan.Intervals.Select(OfInterval)];
        return each.Contains(null) ? null : each.Select(extreme => extreme!.Value).Aggregate(looser);
    }
}
