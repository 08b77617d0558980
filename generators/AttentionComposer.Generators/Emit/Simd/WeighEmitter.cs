using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits what becomes of a chunk's approximate dot products: score stages and mask, as for exact ones, then the group's sum or the softmax's
/// weights, whichever the selection goes by.
/// </summary>
static class WeighEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        var printer = new SimdPrinter(plan, tile.Bits);
        string logit = printer.Vector(plan.Logit);
        bool pages = selection.Scorer == Scorer.Pages, stores = selection.Softmax || selection.PerHead;
        string? visible = plan.Mask is null || pages ? null : printer.Vector(plan.Mask);
        string v = $"Vector{tile.Bits}", lanes = $"Lanes{tile.Bits}";
        bool plain = plan.Logit == Expr.Score;

        writer.Write($"""
            /// <summary>{(selection.Softmax ? "Turns a chunk's scores into weights 2^(score - maximum), and brings maxima and sums of weights up to date."
                : selection.PerHead ? "Finishes a chunk's scores." : "Sums a chunk's scores over the group.")}</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open(pages
            ? "static void Weigh(ref float scores, int pages, int firstPage, in SelectionCall selection, in Candidates candidates)"
            : "static void Weigh(ref float scores, int keys, int firstKey, bool masked, in KernelCall call, in Candidates candidates)");
        string call = pages ? "selection.Call" : "call";
        bool sums = selection is { ByProbability: false, PerHead: false };
        if (sums)
            writer.Write("ref float groupScores = ref candidates.GroupScores;");
        writer.Open("for (int row = 0; row < Group; row++)");
        if (plan.Logit.DependsOn(VariableKind.Query) || visible is not null)
            writer.Write($"int query = {call}.FirstQuery;");
        if (plan.Logit.DependsOn(VariableKind.Head))
            writer.Write($"int head = {call}.KeyValueHead * Group + row;");
        foreach (string local in printer.RowLocals)
            writer.Write(local);
        writer.Write("ref float logits = ref Unsafe.Add(ref scores, row * Candidates.ChunkKeys);");
        if (selection.Softmax)
            writer.Write($"{v}<float> largest = {lanes}.Broadcast(float.NegativeInfinity);");
        string count = pages ? "pages" : "keys";
        writer.Open($"for (int i = 0; i < {count}; i += {tile.Lanes})");
        if (!pages)
            writer.Write($"{v}<int> key = {lanes}.Ascending(firstKey + i);");
        else if (plan.Logit.DependsOn(VariableKind.Key))
        {
            writer.Write($"""
                // A page's bound is that of its newest key.
                {v}<int> key = {v}.Min(
                    {lanes}.Ascending(firstPage + i + 1) * {selection.PageSize}, {lanes}.Broadcast(selection.Call.Length)) - {v}<int>.One;
                """);
        }

        writer.Write($"""
            {v}<float> logit = {lanes}.Load(ref logits, i);
            """);
        if (!plain)
        {
            writer.Write($"""
                // {plan.LogitText}, in units of log2
                logit = {logit};
                """);
        }

        if (!pages)
            writer.Open("if (masked)");
        if (visible is not null)
            writer.Write($"// visible: {plan.MaskText}");
        writer.Write($$"""
            {{v}}<int> visible = {{v}}.LessThan({{(pages ? $"{lanes}.Ascending(i)" : "key")}}, {{lanes}}.Broadcast({{(pages ? "pages" : "firstKey + keys")}})){{(visible is null ? "" : $"\n    & {visible}")}};
            logit = {{v}}.ConditionalSelect(visible.AsSingle(), logit, {{lanes}}.Broadcast(float.NegativeInfinity));
            """);
        if (!pages)
            writer.Close();
        writer.Blank();
        if (stores)
            writer.Write($"{lanes}.Store(logit, ref logits, i);");
        if (selection.Softmax)
        {
            writer.Write($"""
                largest = {v}.MaxNative(largest, logit);
                """);
        }

        if (sums)
        {
            writer.Write(plan.Spec.GroupSize == 1
                ? $"{lanes}.Store(logit, ref groupScores, i);"
                : $"{lanes}.Store(row == 0 ? logit : logit + {lanes}.Load(ref groupScores, i), ref groupScores, i);");
        }

        writer.Close();
        if (selection.Softmax)
        {
            writer.Blank();
            writer.Write($$"""
                // A row that has seen no key yet keeps its maximum of -infinity; 0 in its place keeps its weights 0 instead of NaN.
                float previous = Unsafe.Add(ref candidates.Maxima, row);
                float maximum = float.MaxNative(previous, Lanes.Max(largest));
                float pivot = maximum == float.NegativeInfinity ? 0 : maximum;
                {{v}}<float> sum = {{v}}<float>.Zero;
                for (int i = 0; i < keys; i += {{tile.Lanes}})
                {
                    {{v}}<float> weight = VectorMath.Exp2({{lanes}}.Load(ref logits, i) - {{lanes}}.Broadcast(pivot));
                    sum += weight;
                    {{lanes}}.Store(weight, ref logits, i);
                }

                float correction = VectorMath.Exp2(previous - pivot);
                Unsafe.Add(ref candidates.Maxima, row) = maximum;
                Unsafe.Add(ref candidates.ChunkMaxima, row) = maximum;
                Unsafe.Add(ref candidates.Sums, row) = Unsafe.Add(ref candidates.Sums, row) * correction + {{v}}.Sum(sum);
                """);
        }

        writer.Close();
        writer.Close();
        writer.Blank();
    }
}
