using System.Linq;
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
        bool pages = selection.Scorer == Scorer.Pages;
        writer.Write($"""
            /// <summary>{(selection.Softmax ? "Turns a chunk's scores into weights 2^(score - maximum), and brings maxima and sums of weights up to date."
                : selection.PerHead ? "Finishes a chunk's scores." : "Sums a chunk's scores over the group.")}</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        if (pages)
            EmitPages(writer, plan, selection, tile);
        else
            EmitKeys(writer, plan, selection, tile);
        writer.Blank();
    }

    // Where intervals say all of the mask, every key of a chunk is visible: only lanes behind the last one are not.
    static void EmitKeys(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        string v = $"Vector{tile.Bits}", lanes = $"Lanes{tile.Bits}";
        KernelPlan stages = (plan.TestsTiles ? plan : plan.WithoutMasks) with { LogitFactor = selection.Softmax ? plan.LogitFactor : 1 };
        var printer = new SimdPrinter(plan, tile.Bits);
        string logit = printer.Vector(plan.Logit);
        string? visible = stages.Mask is null ? null : printer.Vector(stages.Mask);
        HoistPlan functions = HoistPlan.Without(stages);
        FunctionText[] masks = [.. functions.Masks.Select(printer.Function)], scores = [.. functions.Scores.Select(printer.Function)];
        string inside = $"{v}.LessThan(key, {lanes}.Broadcast(firstKey + keys))";

        bool prefetches = ChannelScoresEmitter.LeavesRest(plan, selection, tile);
        string ahead = prefetches ? $", ref {RowFormatNames.Of(plan.Spec.Format).Scalar} nextColumns, nint stride" : "";
        writer.Open($"static void Weigh(ref float scores, int keys, int firstKey, bool masked, in KernelCall call, in Candidates candidates{ahead})");
        if (SumsGroup(selection))
            writer.Write("ref float groupScores = ref candidates.GroupScores;");
        CaptureEmitter.EmitTables(writer, plan, masks.Concat(scores).SelectMany(function => function.Function.Expressions));
        if (RowFormatNames.Of(plan.Spec.Format).HasScales)
            writer.Write("ref float keyScales = ref Unsafe.Add(ref call.KeyScales, call.Layout.Slot(firstKey));");
        writer.Open("for (int row = 0; row < Group; row++)");
        EmitRow(writer, stages, printer);
        if (selection.Softmax)
            writer.Write($"{v}<float> largest = {lanes}.Broadcast(float.NegativeInfinity);");
        SoftmaxEmitter.EmitFaultLocals(writer, [.. masks, .. scores], v);
        writer.Open($"for (int i = 0; i < keys; i += {tile.Lanes})");
        writer.Write($"{v}<int> key = {lanes}.Ascending(firstKey + i);");
        if (stages.HasFunctions)
        {
            writer.Write($"{v}<int> visible = {v}<int>.AllBitsSet;");
            if (!plan.TestsTiles)
                writer.Nested("if (masked)", $"visible = {inside};");
            else
            {
                writer.Open("if (masked)");
                SoftmaxEmitter.EmitVisible(writer, stages, inside, visible, masks, v, declares: false);
                SoftmaxEmitter.EmitFaults(writer, masks, "visible");
                writer.Close();
            }

            writer.Blank();
        }

        writer.Write($"{v}<float> logit = {SoftmaxEmitter.Score(plan, tile)};");
        SoftmaxEmitter.EmitLogit(writer, stages, logit);
        SoftmaxEmitter.EmitScores(writer, stages, scores, v);
        SoftmaxEmitter.EmitFaults(writer, scores, "visible");
        if (scores.Length > 0)
        {
            writer.Write($"""
                // A score that is not finite is the best one, unless it is negative infinity, which hides the key.
                logit = {v}.ConditionalSelect({v}.LessThan(logit, {lanes}.Broadcast(Candidates.Best)), logit, {lanes}.Broadcast(Candidates.Best));
                """);
        }

        if (!stages.HasFunctions)
        {
            writer.Open("if (masked)");
            writer.Write($"{v}<int> visible = {inside};");
        }

        writer.Write($"logit = {v}.ConditionalSelect(visible.AsSingle(), logit, {lanes}.Broadcast(float.NegativeInfinity));");
        if (!stages.HasFunctions)
        {
            writer.Close();
            writer.Blank();
        }

        EmitResult(writer, plan, selection, tile);
        writer.Close();
        SoftmaxEmitter.EmitThrows(writer, plan, [.. masks, .. scores], v);
        if (selection.Softmax)
        {
            writer.Blank();
            EmitWeights(writer, plan, selection, tile);
        }

        writer.Close();
        writer.Close();
    }

    // A page's bound is not a key's score, and goes through the attributes' stages only.
    static void EmitPages(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        string v = $"Vector{tile.Bits}", lanes = $"Lanes{tile.Bits}";
        var printer = new SimdPrinter(plan, tile.Bits);
        string logit = printer.Vector(plan.Logit);
        bool byHead = plan.TestsTiles && plan.Spec.Masks.Any(mask => mask.DependsOn(VariableKind.Head));
        writer.Open($"static void Weigh(ref float scores, int pages, int firstPage, {(plan.TestsTiles ? "bool masked, " : "")}in KernelCall call, in Candidates candidates)");
        if (SumsGroup(selection))
            writer.Write("ref float groupScores = ref candidates.GroupScores;");
        if (plan.TestsTiles)
        {
            writer.Write("""
                Span<int> seen = stackalloc int[Candidates.ChunkKeys];
                seen.Fill(-1);
                """);
            if (!byHead)
                writer.Nested("if (masked)", "SeePages(call, firstPage, seen.Slice(0, pages));");
            writer.Blank();
        }

        writer.Open("for (int row = 0; row < Group; row++)");
        EmitRow(writer, plan with { Mask = null, Spec = plan.Spec with { Scores = default, Masks = byHead ? plan.Spec.Masks : default } }, printer);
        if (byHead)
        {
            writer.Nested("if (masked)", "SeePages(call, head, firstPage, seen.Slice(0, pages));");
            writer.Blank();
        }

        writer.Open($"for (int i = 0; i < pages; i += {tile.Lanes})");
        if (plan.Logit.DependsOn(VariableKind.Key))
        {
            writer.Write($"""
                // A page's bound is that of its newest key.
                {v}<int> key = {v}.Min(
                    {lanes}.Ascending(firstPage + i + 1) * {selection.PageSize}, {lanes}.Broadcast(call.Length)) - {v}<int>.One;
                """);
        }

        writer.Write($"{v}<float> logit = {lanes}.Load(ref logits, i);");
        SoftmaxEmitter.EmitLogit(writer, plan, logit);
        writer.Write($"""
            {v}<int> visible = {v}.LessThan({lanes}.Ascending(i), {lanes}.Broadcast(pages)){(plan.TestsTiles ? $" & {lanes}.Load(ref seen[0], i)" : "")};
            logit = {v}.ConditionalSelect(visible.AsSingle(), logit, {lanes}.Broadcast(float.NegativeInfinity));

            """);
        EmitResult(writer, plan, selection, tile);
        writer.Close();
        writer.Close();
        writer.Close();
        if (!plan.TestsTiles)
            return;
        writer.Blank();
        EmitSeePages(writer, plan, selection, tile, byHead);
    }

    static void EmitSeePages(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile, bool byHead)
    {
        string v = $"Vector{tile.Bits}";
        KernelPlan masks = plan with { Logit = Expr.Score, Spec = plan.Spec with { Scores = default } };
        var printer = new SimdPrinter(plan, tile.Bits);
        string? visible = plan.Mask is null ? null : printer.Vector(plan.Mask);
        FunctionText[] functions = [.. HoistPlan.Without(plan).Masks.Select(printer.Function)];
        writer.Write($"""
            /// <summary>Finds the pages of which {(byHead ? "a head" : "the heads")} see{(byHead ? "s" : "")} a key: all bits set for each, 0 for the others.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open($"static void SeePages(in KernelCall call, {(byHead ? "int head, " : "")}int firstPage, Span<int> seen)");
        CaptureEmitter.EmitTables(writer, plan, functions.SelectMany(function => function.Function.Expressions));
        if (masks.DependsOn(VariableKind.Query))
            writer.Write("int query = call.FirstQuery;");
        foreach (string local in printer.RowLocals)
            writer.Write(local);
        writer.Open("for (int page = 0; page < seen.Length; page++)");
        writer.Write($"""
            int firstKey = (firstPage + page) * {selection.PageSize}, keys = Math.Min({selection.PageSize}, call.Length - firstKey);
            {v}<int> any = {v}<int>.Zero;
            """);
        MaskEmitter.EmitSeen(writer, plan, tile, visible, functions, "any |= visible;");
        writer.Write($"seen[page] = any == {v}<int>.Zero ? 0 : -1;");
        writer.Close();
        writer.Close();
    }

    static void EmitRow(SourceWriter writer, KernelPlan stages, SimdPrinter printer)
    {
        if (stages.DependsOn(VariableKind.Query))
            writer.Write("int query = call.FirstQuery;");
        if (stages.DependsOn(VariableKind.Head))
            writer.Write("int head = call.KeyValueHead * Group + row;");
        foreach (string local in printer.RowLocals)
            writer.Write(local);
        writer.Write("ref float logits = ref Unsafe.Add(ref scores, row * Candidates.ChunkKeys);");
    }

    // What the group ranks by, and what the softmax starts from.
    static void EmitResult(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        string v = $"Vector{tile.Bits}", lanes = $"Lanes{tile.Bits}";
        if (selection.Softmax || selection.PerHead)
            writer.Write($"{lanes}.Store(logit, ref logits, i);");
        if (selection.Softmax)
            writer.Write($"largest = {v}.MaxNative(largest, logit);");
        if (!SumsGroup(selection))
            return;
        if (plan.Spec.GroupSize == 1)
            writer.Write($"{lanes}.Store(logit, ref groupScores, i);");
        else if (!selection.HidesByHead)
            writer.Write($"{lanes}.Store(row == 0 ? logit : logit + {lanes}.Load(ref groupScores, i), ref groupScores, i);");
        else
        {
            writer.Write($$"""
                if (row > 0)
                {
                    // A head that does not see a key has no say on it.
                    {{v}}<float> others = {{lanes}}.Load(ref groupScores, i), hidden = {{lanes}}.Broadcast(float.NegativeInfinity);
                    {{v}}<float> both = {{v}}.ConditionalSelect({{v}}.Equals(others, hidden), logit, logit + others);
                    logit = {{v}}.ConditionalSelect({{v}}.Equals(logit, hidden), others, both);
                }

                {{lanes}}.Store(logit, ref groupScores, i);
                """);
        }
    }

    static void EmitWeights(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        string v = $"Vector{tile.Bits}", lanes = $"Lanes{tile.Bits}";
        bool prefetches = ChannelScoresEmitter.LeavesRest(plan, selection, tile);
        writer.Write($"""
            // A row that has seen no key yet keeps its maximum of -infinity; 0 in its place keeps its weights 0 instead of NaN.
            float previous = Unsafe.Add(ref candidates.Maxima, row);
            float maximum = float.MaxNative(previous, Lanes.Max(largest));
            float pivot = maximum == float.NegativeInfinity ? 0 : maximum;
            {v}<float> sum = {v}<float>.Zero;
            """);
        if (prefetches)
            ChannelScoresEmitter.EmitRestAhead(writer, plan, tile);
        writer.Open($"for (int i = 0; i < keys; i += {tile.Lanes})");
        if (prefetches)
            ChannelScoresEmitter.EmitRestPrefetch(writer, plan, tile);
        string logit = $"{lanes}.Load(ref logits, i)";
        writer.Write(selection.HidesCandidates
            ? $"{v}<float> logit = {logit}, weight = VectorMath.Exp2(logit - {lanes}.Broadcast(pivot));"
            : $"{v}<float> weight = VectorMath.Exp2({logit} - {lanes}.Broadcast(pivot));");
        writer.Write("sum += weight;");
        if (selection.HidesCandidates)
        {
            writer.Write($"""
                // The sign of its 0 tells a hidden key from one that is only far behind.
                weight = {v}.ConditionalSelect({v}.Equals(logit, {lanes}.Broadcast(float.NegativeInfinity)), {lanes}.Broadcast(-0f), weight);
                """);
        }

        writer.Write($"{lanes}.Store(weight, ref logits, i);");
        writer.Close();
        writer.Blank();
        writer.Write($$"""
            float correction = VectorMath.Exp2(previous - pivot);
            Unsafe.Add(ref candidates.Maxima, row) = maximum;
            Unsafe.Add(ref candidates.ChunkMaxima, row) = maximum;
            Unsafe.Add(ref candidates.Sums, row) = Unsafe.Add(ref candidates.Sums, row) * correction + {{v}}.Sum(sum);
            """);
    }

    static bool SumsGroup(SelectionPlan selection) => selection is { ByProbability: false, PerHead: false };
}
