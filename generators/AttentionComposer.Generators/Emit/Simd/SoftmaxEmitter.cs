using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the step between dot products and value sums: score stages, mask, and one step of the online softmax
/// (Milakov and Gimelshein, arXiv 1805.02867; FlashAttention, arXiv 2205.14135).
/// </summary>
static class SoftmaxEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        var printer = new SimdPrinter(tile.Bits);
        string logit = printer.Vector(plan.Logit);
        string? visible = plan.Mask is null ? null : printer.Vector(plan.Mask);
        string v = $"Vector{tile.Bits}";
        float valueFactor = RowFormatNames.Of(plan.Spec.Format).ValueFactor;

        writer.Write("""
            /// <summary>
            /// Turns the dot products of some rows with a block of keys into weights 2^(logit - maximum), and brings each row's maximum and
            /// sum of weights up to date. Where a maximum grows, earlier sums shrink by the row's correction.
            /// </summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open($"""
            static void Softmax(
                ref float scores, int rows, int keys, int firstKey, bool masked, int firstRow, int rowsPerToken, in KernelCall call,
                ref float maxima, ref float weights, ref float corrections)
            """);
        writer.Open("for (int row = 0; row < rows; row++)");
        if (Uses(plan, VariableKind.Query))
            writer.Write("int query = call.FirstQuery + (firstRow + row) / rowsPerToken;");
        if (Uses(plan, VariableKind.Head))
            writer.Write("int head = call.KeyValueHead * Group + Math.Min((firstRow + row) % rowsPerToken, Group - 1);");
        foreach (string local in printer.RowLocals)
            writer.Write(local);
        writer.Write($"""
            ref float logits = ref Unsafe.Add(ref scores, row * BlockKeys);
            {v}<float> largest = {v}.Create(float.NegativeInfinity);
            """);

        writer.Open("if (masked)");
        writer.Open($"for (int i = 0; i < keys; i += {tile.Lanes})");
        writer.Write($"""
            {v}<int> key = {v}.Create(firstKey + i) + {v}<int>.Indices;
            {v}<float> logit = {v}.LoadUnsafe(ref logits, (nuint)i);
            """);
        EmitLogit(writer, plan, logit);
        if (visible is not null)
            writer.Write($"// visible: {plan.MaskText}");
        writer.Write($$"""
            {{v}}<int> visible = {{v}}.LessThan(key, {{v}}.Create(firstKey + keys)){{(visible is null ? "" : $"\n    & {visible}")}};
            logit = {{v}}.ConditionalSelect(visible.AsSingle(), logit, {{v}}.Create(float.NegativeInfinity));
            logit.StoreUnsafe(ref logits, (nuint)i);
            largest = {{v}}.MaxNative(largest, logit);
            """);
        writer.Close();
        writer.Close();
        writer.Open("else");
        writer.Open($"for (int i = 0; i < keys; i += {tile.Lanes})");
        if (plan.Logit.DependsOn(VariableKind.Key))
            writer.Write($"{v}<int> key = {v}.Create(firstKey + i) + {v}<int>.Indices;");
        writer.Write($"{v}<float> logit = {v}.LoadUnsafe(ref logits, (nuint)i);");
        EmitLogit(writer, plan, logit);
        if (!IsPlain(plan))
            writer.Write("logit.StoreUnsafe(ref logits, (nuint)i);");
        writer.Write($"largest = {v}.MaxNative(largest, logit);");
        writer.Close();
        writer.Close();

        string scaled = valueFactor == 1 ? "weight" : $"(weight * {Literal.Of(valueFactor)})";
        writer.Blank();
        writer.Write($$"""
            // A row that has seen no key yet keeps its maximum of -infinity; 0 in its place keeps its weights 0 instead of NaN.
            float previous = Unsafe.Add(ref maxima, row);
            float maximum = float.MaxNative(previous, Lanes.Max(largest));
            float pivot = maximum == float.NegativeInfinity ? 0 : maximum;
            {{v}}<float> sum = {{v}}<float>.Zero;
            for (int i = 0; i < keys; i += {{tile.Lanes}})
            {
                {{v}}<float> weight = VectorMath.Exp2({{v}}.LoadUnsafe(ref logits, (nuint)i) - {{v}}.Create(pivot));
                sum += weight;
                {{scaled}}.StoreUnsafe(ref logits, (nuint)i);
            }

            float correction = VectorMath.Exp2(Vector128.Create(previous - pivot)).ToScalar();
            Unsafe.Add(ref maxima, row) = maximum;
            Unsafe.Add(ref weights, row) = Unsafe.Add(ref weights, row) * correction + {{v}}.Sum(sum);
            Unsafe.Add(ref corrections, row) = correction;
            """);
        writer.Close();
        writer.Close();
    }

    static void EmitLogit(SourceWriter writer, KernelPlan plan, string logit)
    {
        if (IsPlain(plan))
            return;
        writer.Write($"""
            // {plan.LogitText}, in units of log2
            logit = {logit};
            """);
    }

    // The query's factor has scaled the dot product already, and no other stage follows.
    static bool IsPlain(KernelPlan plan) => plan.Logit == Expr.Score;

    static bool Uses(KernelPlan plan, VariableKind variable) => plan.Logit.DependsOn(variable) || plan.Mask?.DependsOn(variable) == true;
}
