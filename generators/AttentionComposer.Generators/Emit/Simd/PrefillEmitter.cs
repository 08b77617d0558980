using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the kernel for many tokens. It is bound by arithmetic: blocks of keys are transposed once for a tile of queries, and both
/// products run in register tiles of rows × vectors with one broadcast operand.
/// </summary>
static class PrefillEmitter
{
    /// <summary>How the dot products of a tile's queries with a block of keys are called.</summary>
    public const string ScoresSignature = "void PrefillScores(ref float queries, ref float keyPanel, ref float scores)";

    /// <summary>Emits the walk over the keys.</summary>
    public static void EmitKernel(SourceWriter writer, KernelPlan plan) => EmitKernel(writer, plan, sumsWeights: false);

    /// <summary>Emits the products with keys and values.</summary>
    public static void EmitSteps(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        EmitScores(writer, plan, tile);
        ValueSumsEmitter.Emit(
            writer, "PrefillValues", tile.Bits, tile.PrefillRows, tile.PrefillVectors, plan.RowStride,
            RowFormatNames.Of(KvFormat.Float32), prefetch: false);
    }

    /// <summary>
    /// Emits the same walk over the keys once the rows' log-sum-exps are known: a block's weights are final then, and are summed over the rows instead of
    /// going to the values.
    /// </summary>
    public static void EmitWeightSums(SourceWriter writer, KernelPlan plan) => EmitKernel(writer, plan, sumsWeights: true);

    /// <summary>Floats of scratch memory: queries, transposed keys, values, one row tile's scores and what its softmax keeps.</summary>
    public static int ScratchFloats(KernelPlan plan)
    {
        int block = plan.BlockKeys, rows = plan.Tiles.Max(tile => tile.PrefillRows);
        return PaddedRows(plan) * plan.RowStride + 2 * block * plan.RowStride + rows * block + SoftmaxEmitter.ScratchFloats(rows);
    }

    static int PaddedRows(KernelPlan plan) => (plan.PrefillTokens * plan.Spec.GroupSize + 7) / 8 * 8;

    static void EmitKernel(SourceWriter writer, KernelPlan plan, bool sumsWeights)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        bool widens = plan.Spec.Format != KvFormat.Float32;
        float factor = plan.QueryFactor * format.ValueFactor;

        writer.Write(sumsWeights
            ? "/// <summary>Many tokens whose log-sum-exps are known: the weights that each key gets, summed over all rows of the tile.</summary>"
            : "/// <summary>Many tokens: each block of keys is packed once and used by all rows of the tile.</summary>");
        writer.Write(sumsWeights
            ? "public static void SumWeights<TSimd>(in KernelCall call, int firstKey, ref float sums)"
            : "public static void Prefill<TSimd>(in KernelCall call)");
        writer.Open("    where TSimd : ISimd");
        writer.Write($$"""
            ref float queries = ref call.Scratch; // [rows, {{plan.RowStride}}]
            ref float keyPanel = ref Float32Row.At(ref queries, {{PaddedRows(plan) * plan.RowStride}}); // [{{plan.RowStride}}, BlockKeys]
            """);
        writer.Write(sumsWeights
            ? "ref float scores = ref Float32Row.At(ref keyPanel, Stride * BlockKeys); // [PrefillRows, BlockKeys]"
            : $"""
                ref float valuePanel = ref Float32Row.At(ref keyPanel, Stride * BlockKeys); // [BlockKeys, {plan.RowStride}]
                ref float scores = ref Float32Row.At(ref valuePanel, BlockKeys * Stride); // [PrefillRows, BlockKeys]
                """);
        writer.Write($$"""
            ref float corrections = ref Float32Row.At(ref scores, TSimd.PrefillRows * BlockKeys);
            ref {{format.Scalar}} keys = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Keys);
            """);
        if (!sumsWeights)
            writer.Write($"ref {format.Scalar} values = ref Unsafe.As<byte, {format.Scalar}>(ref call.Values);");
        writer.Write($$"""
            int rows = (call.Tokens * Group + TSimd.PrefillRows - 1) / TSimd.PrefillRows * TSimd.PrefillRows;
            Panels.ScaleQueries(call, s_traits.Shape, rowsPerToken: Group, rows, {{Literal.Of(factor)}}, ref queries);
            {{(sumsWeights ? "" : "Panels.Clear(call, rows, Stride);\n")}}
            {{TableCheckEmitter.LongTables(plan)}}{{Views(plan)}}foreach (KeyRange range in call.Ranges)
            {
                for (int key = range.Low, count; key < range.High; key += count)
                {
                    count = int.Min(BlockKeys, int.Min(call.Layout.Run(key), range.High - key));
                    {{BlockRanges(plan)}}{{HoistEmitter.Calls(plan)}}{{Checks(plan)}}{{BlockBits(plan)}}int slot = call.Layout.Slot(key);
                    Panels.TransposeKeys<{{format.Format}}, {{format.Scalar}}>(ref {{format.Format}}.Row(ref keys, slot, Stride), count, Stride, BlockKeys, ref keyPanel);
            """);
        if (!sumsWeights)
        {
            writer.Write(widens
                ? $"        Panels.WidenRows<{format.Format}, {format.Scalar}>(ref {format.Format}.Row(ref values, slot, Stride), count, Stride, ref valuePanel);"
                : "        valuePanel = ref Float32Row.Row(ref values, slot, Stride);");
        }

        writer.Write($$"""
                    for (int row = 0; row < rows; row += TSimd.PrefillRows)
                    {
                        {{RowView(plan)}}
                        if (view == BlockView.Hidden)
                            continue;

                        TSimd.PrefillScores(ref Float32Row.Row(ref queries, row, Stride), ref keyPanel, ref scores);
                        TSimd.Softmax(
                            ref scores, TSimd.PrefillRows, count, key, masked: count % TSimd.Width != 0 || view == BlockView.Partial{{(plan.ChecksScores ? " || checksTables" : "")}}, {{(plan.TestsTiles ? "ref visibleKeys[row], " : "")}}firstRow: row, rowsPerToken: Group, call,
                            ref Float32Row.At(ref call.Maxima, row), ref Float32Row.At(ref call.Weights, row), ref corrections{{(sumsWeights ? SoftmaxEmitter.Scales(plan, valueScales: "Panels.UnitScales") : SoftmaxEmitter.Scales(plan))}});
                        {{(sumsWeights
                            ? $"Panels.AddRows(ref scores, int.Min(TSimd.PrefillRows, call.Tokens * Group - row), BlockKeys, count, {Literal.Of(1 / format.ValueFactor)}, ref Float32Row.At(ref sums, key - firstKey));"
                            : "TSimd.PrefillValues(ref scores, ref corrections, ref valuePanel, count, ref Float32Row.Row(ref call.Sums, row, Stride));")}}
                    }
                }
            }
            """);
        writer.Close();
        writer.Blank();
    }

    // What each tile of rows sees, known before the loop where the intervals say all of the mask.
    static string Views(KernelPlan plan) =>
        plan.TestsTiles
            ? $"""
            Span<ulong> visibleKeys = stackalloc ulong[{PaddedRows(plan)}];


            """
            : $$"""
            // What each tile of rows sees, so that blocks above a diagonal are skipped and blocks below it run without a mask.
            Span<KeyRange> views = stackalloc KeyRange[{{PaddedRows(plan)}} / TSimd.PrefillRows{{Times(plan.Intervals.Count)}}];
            for (int row = 0; row < rows; row += TSimd.PrefillRows)
            {
                int firstQuery = call.FirstQuery + row / Group;
                int lastQuery = call.FirstQuery + int.Min(call.Tokens - 1, (row + TSimd.PrefillRows - 1) / Group);
                SeenBy(firstQuery, lastQuery, call.Length, {{(plan.BoundsCapture ? "call.Batch, (Captured)call.Captured!, " : "")}}{{ViewsOfTile(plan)}});
            }


            """;

    static string ViewsOfTile(KernelPlan plan) => $"views.Slice(row / TSimd.PrefillRows{Times(plan.Intervals.Count)}, {plan.Intervals.Count})";

    static string Times(int factor) => factor == 1 ? "" : $" * {factor}";

    static string BlockRanges(KernelPlan plan) =>
        plan.TestsTiles
            ? """
            var blockKeys = new IntRange(key, key + count - 1);
                    BlockView blockView = See(call, new IntRange(call.FirstQuery, call.FirstQuery + call.Tokens - 1), blockKeys);
                    if (blockView == BlockView.Hidden)
                        continue;


            """ + "        "
            : "";

    // Bounds are checked key by key only where ranges of positions do not prove them for the whole block.
    static string Checks(KernelPlan plan) =>
        plan.ChecksScores
            ? $"""
            bool checksTables = {TableCheckEmitter.ScoresOf(plan, "new IntRange(call.FirstQuery, call.FirstQuery + call.Tokens - 1)", plan.TestsTiles ? "blockKeys" : "new IntRange(key, key + count - 1)")};

            """ + "        "
            : "";

    static string BlockBits(KernelPlan plan) =>
        plan.TestsTiles
            ? $"""
            bool tested = blockView == BlockView.Partial || count % TSimd.Width != 0{(plan.ChecksScores ? " || checksTables" : "")};
                    if (tested && TSimd.SeeKeys(call, key, count, rows, rowsPerToken: Group, ref visibleKeys[0]) == BlockView.Hidden)
                        continue;


            """ + "        "
            : "";

    static string RowView(KernelPlan plan) =>
        plan.TestsTiles
            ? "BlockView view = tested ? KeyBits.View(ref visibleKeys[row], TSimd.PrefillRows, count) : BlockView.Full;"
            : $"BlockView view = KeyRange.View({ViewsOfTile(plan)}, key, key + count);";

    static void EmitScores(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        string v = $"Vector{tile.Bits}";
        int lanes = tile.Lanes, stride = plan.RowStride;
        int[] rows = Enumerable.Range(0, tile.PrefillRows).ToArray();
        int[] vectors = Enumerable.Range(0, tile.PrefillVectors).ToArray();

        writer.Write($"""
            /// <summary>Dot products of {tile.PrefillRows} rows with a transposed block of keys: {tile.PrefillRows} × {tile.PrefillVectors} accumulators.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open("public static " + ScoresSignature);
        writer.Open($"for (int column = 0; column < BlockKeys; column += {tile.PrefillVectors * lanes})");
        writer.Write("ref float keys = ref Float32Row.At(ref keyPanel, column);");
        foreach (int row in rows)
            Accumulators.Declare(writer, v, vectors.Select(vector => Dot(row, vector)));

        writer.Open($"for (int i = 0; i < {stride}; i++)");
        writer.Write("ref float channel = ref Float32Row.At(ref keys, i * BlockKeys);");
        writer.Write("ref float query = ref Float32Row.At(ref queries, i);");
        foreach (int vector in vectors)
            writer.Write($"{v}<float> k{Letter(vector)} = Lanes{tile.Bits}.Load(ref channel, {vector * lanes});");
        foreach (int row in rows)
        {
            writer.Write($"{v}<float> q{row} = Lanes{tile.Bits}.Broadcast(ref query, {row * stride});");
            foreach (int vector in vectors)
                writer.Write($"{Dot(row, vector)} = {v}.FusedMultiplyAdd(q{row}, k{Letter(vector)}, {Dot(row, vector)});");
        }

        writer.Close();
        writer.Blank();
        writer.Write("ref float score = ref Float32Row.At(ref scores, column);");
        foreach (int row in rows)
        {
            foreach (int vector in vectors)
                writer.Write($"Lanes{tile.Bits}.Store({Dot(row, vector)}, ref score, {Offset.OfRow(row, "BlockKeys", vector * lanes)});");
        }

        writer.Close();
        writer.Close();
        writer.Blank();
    }

    static string Dot(int row, int vector) => $"s{row}{Letter(vector)}";

    static char Letter(int vector) => (char)('a' + vector);
}
