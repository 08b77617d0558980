using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the step between dot products and value sums: score stages, mask, and one step of the online softmax
/// (Milakov and Gimelshein, arXiv 1805.02867; FlashAttention, arXiv 2205.14135).
/// </summary>
static class SoftmaxEmitter
{
    const int Corrections = 16; // at most so many rows

    /// <summary>Floats of scratch memory from the corrections on: what a step leaves of each row follows them.</summary>
    public static int ScratchFloats(int rows) => Corrections + rows * 16;

    public static void Emit(SourceWriter writer, KernelPlan plan, TilePlan tile) => Emit(writer, plan, tile, selected: false);

    /// <summary>Emits the step for keys from a list; masks are tested where the choice did not see to them.</summary>
    public static void EmitSelected(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        KernelPlan chosen = selection.TestsChosen ? plan : plan.WithoutMasks;
        Emit(writer, chosen with { Hoists = HoistPlan.Without(chosen) }, tile, selected: true);
    }

    /// <summary>How the step is called.</summary>
    public static string SignatureOf(KernelPlan plan, bool selected = false) => $"""
        void {(selected ? "SelectedSoftmax" : "Softmax")}(
            ref float scores, int rows, int keys, {(selected ? "ref int positions" : "int firstKey")}, {(selected && plan.HasMasks ? "" : "bool masked, ")}{(plan.TestsTiles && !selected ? "ref ulong visibleKeys, " : "")}int firstRow, int rowsPerToken, in KernelCall call,
            ref float maxima, ref float weights, ref float corrections{(HasScales(plan) ? ", ref float keyScales, ref float valueScales" : "")})
        """;

    static void Emit(SourceWriter writer, KernelPlan plan, TilePlan tile, bool selected)
    {
        var printer = new SimdPrinter(plan, tile.Bits, listed: selected);
        string logit = printer.Vector(plan.Logit);
        bool tested = plan.TestsTiles && !selected; // the masks were, beforehand
        string? visible = tested || plan.Mask is null ? null : printer.Vector(plan.Mask);
        FunctionText[] masks = tested ? [] : [.. plan.Hoists.Masks.Select(printer.Function)], scores = [.. plan.Hoists.Scores.Select(printer.Function)];
        Expr[] expressions =
        [
            plan.Logit, .. tested || plan.Mask is null ? [] : new[] { plan.Mask },
            .. masks.Concat(scores).SelectMany(function => function.Function.Expressions),
        ];
        FunctionText[] checks = [.. masks, .. scores];
        string v = $"Vector{tile.Bits}", lanes = $"Lanes{tile.Bits}", score = Score(plan, tile);
        string inside = selected ? $"{v}.LessThan({lanes}.Ascending(i), {lanes}.Broadcast(keys))" : $"{v}.LessThan(key, {lanes}.Broadcast(firstKey + keys))";
        bool alwaysMasked = selected && plan.HasMasks;
        string key = selected ? $"{lanes}.Load(ref positions, i)" : $"{lanes}.Ascending(firstKey + i)";

        writer.Write(SummaryOf(plan));
        writer.Write("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open("public static " + SignatureOf(plan, selected));
        CaptureEmitter.EmitTables(writer, plan, expressions);
        writer.Write($"ref float ofRows = ref Unsafe.Add(ref corrections, {Corrections}); // [rows, {tile.Lanes}]: each row's largest logits, then its sum of weights");
        writer.Open("for (int row = 0; row < rows; row++)");
        EmitRow(writer, plan, expressions, "(firstRow + row)");
        foreach (string local in printer.RowLocals)
            writer.Write(local);
        writer.Write($"""
            ref float logits = ref Unsafe.Add(ref scores, row * BlockKeys);
            {v}<float> largest = {lanes}.Broadcast(float.NegativeInfinity);
            """);
        EmitFaultLocals(writer, checks, v);
        if (!alwaysMasked)
            writer.Open("if (masked)");
        writer.Open($"for (int i = 0; i < keys; i += {tile.Lanes})");
        if (expressions.Any(expr => expr.WithParts.Contains(Expr.Key)) || !tested && !selected)
            writer.Write($"{v}<int> key = {key};");
        if (plan.HasFunctions || tested)
        {
            if (tested)
                writer.Write($"{v}<int> visible = {lanes}.Select(Unsafe.Add(ref visibleKeys, row), i);");
            else
                EmitVisible(writer, plan, inside, visible, masks, v);
            writer.Write($"{v}<float> logit = {score};");
            EmitLogit(writer, plan, logit);
            EmitScores(writer, plan, scores, v);
            EmitFaults(writer, checks, "visible");
        }
        else
        {
            writer.Write($"{v}<float> logit = {score};");
            EmitLogit(writer, plan, logit);
            EmitVisible(writer, plan, inside, visible, [], v);
        }

        writer.Write($$"""
            logit = {{v}}.ConditionalSelect(visible.AsSingle(), logit, {{lanes}}.Broadcast(float.NegativeInfinity));
            {{lanes}}.Store(logit, ref logits, i);
            largest = {{v}}.MaxNative(largest, logit);
            """);
        writer.Close();
        if (!alwaysMasked)
        {
            writer.Close();
            EmitUnmasked(writer, plan, tile, v, key, logit, scores);
        }

        EmitThrows(writer, plan, checks, v);
        writer.Blank();
        writer.Write($"{lanes}.Store(largest, ref ofRows, row * {tile.Lanes});");
        writer.Close();
        writer.Blank();
        string maxima = IsSoftmax(plan) ? "Maxima" : "Seen";
        writer.Write($"OnlineSoftmax.{maxima}(ref ofRows, {tile.Lanes}, rows, ref maxima, ref corrections);");
        writer.Blank();
        EmitWeights(writer, plan, tile, v);
        writer.Close();
    }

    // Tables need no check here: they are proven for the block, and rows in which elements are looked up are short.
    static void EmitUnmasked(SourceWriter writer, KernelPlan plan, TilePlan tile, string v, string key, string logit, FunctionText[] scores)
    {
        string lanes = $"Lanes{tile.Bits}";
        writer.Open("else");
        writer.Open($"for (int i = 0; i < keys; i += {tile.Lanes})");
        if (scores.SelectMany(score => score.Function.Spec.Expressions).Append(plan.Logit).Any(expr => expr.WithParts.Contains(Expr.Key)))
            writer.Write($"{v}<int> key = {key};");
        writer.Write($"{v}<float> logit = {Score(plan, tile)};");
        EmitLogit(writer, plan, logit);
        EmitScores(writer, plan, [.. scores.Select(score => score with { Outside = null, Statements = score.ProvenStatements })], v);
        if (!IsPlain(plan) || scores.Length != 0 || plan.LogitFactor != 1 || HasScales(plan))
            writer.Write($"{lanes}.Store(logit, ref logits, i);");
        writer.Write($"largest = {v}.MaxNative(largest, logit);");
        writer.Close();
        writer.Close();
    }

    // A row behind the last token or the last head repeats it, so that functions are asked for nothing else; its results are not read.
    public static void EmitRow(SourceWriter writer, KernelPlan plan, Expr[] parts, string row)
    {
        HoistedLanes[] hoisted = [.. parts.OfType<HoistedLanes>()];
        bool needsQuery = parts.Any(expr => expr.WithParts.Contains(Expr.Query)), needsHead = parts.Any(expr => expr.WithParts.Contains(Expr.Head));
        bool byDistance = hoisted.Any(lanes => lanes.Axis == HoistAxis.Distance);
        string atToken = $"Math.Min({row} / rowsPerToken, call.Tokens - 1)", atHead = $"Math.Min({row} % rowsPerToken, Group - 1)";
        if (byDistance)
            writer.Write($"int token = {atToken};");
        if (needsQuery)
            writer.Write($"int query = call.FirstQuery + {(byDistance ? "token" : plan.HasFunctions ? atToken : $"{row} / rowsPerToken")};");
        if (hoisted.Any(lanes => lanes.PerHead))
            writer.Write($"int headOfGroup = {atHead};");
        if (needsHead)
            writer.Write($"int head = call.KeyValueHead * Group + {(hoisted.Any(lanes => lanes.PerHead) ? "headOfGroup" : atHead)};");
        foreach (HoistedLanes lanes in hoisted)
            writer.Write(HoistEmitter.RowOf(lanes, plan));
    }

    static bool IsSoftmax(KernelPlan plan) => plan.Spec.Normalization is Normalization.Softmax or Normalization.SoftmaxOne;

    static string SummaryOf(KernelPlan plan)
    {
        string scales = HasScales(plan) ? "\n/// Scales of keys go into their dot products, those of values into the weights." : "";
        return IsSoftmax(plan)
            ? $"""
                /// <summary>
                /// Turns the dot products of some rows with a block of keys into weights 2^(logit - maximum), and brings each row's maximum and
                /// sum of weights up to date. Where a maximum grows, earlier sums shrink by the row's correction.{scales}
                /// </summary>
                """
            : $"""
                /// <summary>
                /// Turns the dot products of some rows with a block of keys into weights, each by itself, and adds them to each row's sum. A row's
                /// maximum is 0 as soon as it sees a key.{scales}
                /// </summary>
                """;
    }

    static void EmitWeights(SourceWriter writer, KernelPlan plan, TilePlan tile, string v)
    {
        float valueFactor = RowFormatNames.Of(plan.Spec.Format).ValueFactor;
        string lanes = $"Lanes{tile.Bits}", load = $"{lanes}.Load(ref logits, i)";
        string scaled = HasScales(plan) ? $"weight * {lanes}.Load(ref valueScales, i)" : valueFactor == 1 ? "weight" : $"weight * {Literal.Of(valueFactor)}";
        string weight = plan.Spec.Normalization switch
        {
            Normalization.Relu => $"{v}.Max({load}, {v}<float>.Zero)",
            Normalization.Sigmoid => $"VectorMath.Sigmoid2({load})",
            _ => $"VectorMath.Exp2({load} - {lanes}.Broadcast(pivot))",
        };
        writer.Write("// In a loop of its own: the processor is at several rows at a time when none waits for its maximum.");
        writer.Open("for (int row = 0; row < rows; row++)");
        writer.Write("ref float logits = ref Unsafe.Add(ref scores, row * BlockKeys);");
        if (IsSoftmax(plan))
        {
            writer.Write("""
                // A row that has seen no key yet keeps its maximum of -infinity; 0 in its place keeps its weights 0 instead of NaN.
                float maximum = Unsafe.Add(ref maxima, row);
                float pivot = maximum == float.NegativeInfinity ? 0 : maximum;
                """);
        }

        writer.Write($$"""
            {{v}}<float> sum = {{v}}<float>.Zero;
            for (int i = 0; i < keys; i += {{tile.Lanes}})
            {
                {{v}}<float> weight = {{weight}};
                sum += weight;
                {{lanes}}.Store({{scaled}}, ref logits, i);
            }

            {{lanes}}.Store(sum, ref ofRows, row * {{tile.Lanes}});
            """);
        writer.Close();
        writer.Blank();
        writer.Write($"OnlineSoftmax.Weights(ref ofRows, {tile.Lanes}, rows, ref corrections, ref weights);");
    }

    /// <summary>Emits what a row sees of a vector of keys.</summary>
    /// <param name="writer">The text.</param>
    /// <param name="plan">The pipeline.</param>
    /// <param name="inside">Which lanes hold a key at all.</param>
    /// <param name="visible">The attributes' mask, if any.</param>
    /// <param name="masks">The functions'.</param>
    /// <param name="v">The vector type.</param>
    /// <param name="declares">Whether the local is new here.</param>
    public static void EmitVisible(SourceWriter writer, KernelPlan plan, string inside, string? visible, FunctionText[] masks, string v, bool declares = true)
    {
        if (visible is not null)
            writer.Write($"// visible: {plan.MaskText}");
        writer.Write($"{(declares ? v + "<int> " : "")}visible = {inside}{(visible is null ? "" : $"\n    & {visible}")};");
        foreach (FunctionText mask in masks)
        {
            EmitFunction(writer, mask, v);
            string result = mask.Result.Contains(" | ") || mask.Result.Contains(" ^ ") ? $"({mask.Result})" : mask.Result;
            // A key that is outside of a table counts as visible here, so that only the other masks can excuse it.
            writer.Write(mask.Outside is null ? $"visible &= {mask.Result};" : $"visible &= {mask.OutsideName} | {result};");
        }
    }

    public static void EmitScores(SourceWriter writer, KernelPlan plan, FunctionText[] scores, string v)
    {
        foreach (FunctionText score in scores)
        {
            EmitFunction(writer, score, v);
            writer.Write($"logit = {score.Result};");
        }

        if (plan.LogitFactor != 1)
            writer.Write($"logit *= {Literal.Of(plan.LogitFactor)}; // weights are powers of 2");
    }

    /// <summary>Notes lanes in which functions read outside of a table, of those that are visible.</summary>
    public static void EmitFaults(SourceWriter writer, FunctionText[] functions, string? visible)
    {
        foreach (FunctionText function in functions.Where(function => function.Outside is not null))
            writer.Write($"{function.FaultsName} |= {(visible is null ? "" : visible + " & ")}{function.OutsideName};");
    }

    /// <summary>Declares what <see cref="EmitFaults"/> collects.</summary>
    public static void EmitFaultLocals(SourceWriter writer, FunctionText[] functions, string v)
    {
        foreach (FunctionText function in functions.Where(function => function.Outside is not null))
            writer.Write($"{v}<int> {function.FaultsName} = {v}<int>.Zero;");
    }

    /// <summary>Refuses the call where a fault was noted.</summary>
    public static void EmitThrows(SourceWriter writer, KernelPlan plan, FunctionText[] functions, string v)
    {
        foreach (FunctionText function in functions.Where(function => function.Outside is not null))
        {
            writer.Blank();
            writer.Nested(
                $"if ({function.FaultsName} != {v}<int>.Zero)",
                $"TableLoad.ThrowOutside(\"{plan.Spec.Name}.{function.Function.Spec.Name}\");");
        }
    }

    static void EmitFunction(SourceWriter writer, FunctionText text, string v)
    {
        EmitQuote(writer, text.Function.Spec);
        foreach (string statement in text.Statements)
            writer.Write(statement);
        if (text.Outside is not null)
            writer.Write($"{v}<int> {text.OutsideName} = {text.Outside};");
    }

    /// <summary>Emits a function as the user wrote it, above its vector form.</summary>
    public static void EmitQuote(SourceWriter writer, FunctionSpec function)
    {
        if (function.Text.Count == 1)
        {
            writer.Write($"// {function.Name}: {function.Text[0]}");
            return;
        }

        writer.Write($"// {function.Name}:");
        foreach (string line in function.Text)
            writer.Write($"//   {line}");
    }

    public static void EmitLogit(SourceWriter writer, KernelPlan plan, string logit)
    {
        if (IsPlain(plan))
            return;
        writer.Write($"""
            // {plan.LogitText}{(plan.FoldedFactor == 1 ? "" : ", in units of log2")}
            logit = {logit};
            """);
    }

    /// <summary>A vector of dot products, times the keys' scales where they have some.</summary>
    public static string Score(KernelPlan plan, TilePlan tile) =>
        $"Lanes{tile.Bits}.Load(ref logits, i)" + (HasScales(plan) ? $" * Lanes{tile.Bits}.Load(ref keyScales, i)" : "");

    /// <summary>The scales of a block's keys and values as last arguments, where they have some.</summary>
    /// <param name="plan">The pipeline.</param>
    /// <param name="keyScales">Where those of the keys begin.</param>
    /// <param name="valueScales">Where those of the values begin.</param>
    public static string Scales(KernelPlan plan, string keyScales = "Float32Row.At(ref call.KeyScales, slot)", string valueScales = "Float32Row.At(ref call.ValueScales, slot)") =>
        HasScales(plan) ? $", ref {keyScales}, ref {valueScales}" : "";

    static bool HasScales(KernelPlan plan) => RowFormatNames.Of(plan.Spec.Format).HasScales;

    // The query's factor has scaled the dot product already, and no other stage follows.
    static bool IsPlain(KernelPlan plan) => plan.Logit == Expr.Score;
}
