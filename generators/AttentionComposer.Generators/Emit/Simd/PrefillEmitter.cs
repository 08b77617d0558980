using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the kernel for many tokens. It is bound by arithmetic: blocks of keys are transposed once for a tile of queries, and the
/// runtime's products (<c>Products512</c>) run in register tiles of rows × vectors with one broadcast operand.
/// </summary>
static class PrefillEmitter
{
    const int MostRows = 8; // in a tile, of the widest vectors

    /// <summary>Emits the walk over the keys.</summary>
    public static void EmitKernel(SourceWriter writer, KernelPlan plan) => EmitKernel(writer, plan, sumsWeights: false);

    /// <summary>
    /// Emits the same walk over the keys once the rows' log-sum-exps are known: a block's weights are final then, and are summed over the rows instead of
    /// going to the values.
    /// </summary>
    public static void EmitWeightSums(SourceWriter writer, KernelPlan plan) => EmitKernel(writer, plan, sumsWeights: true);

    /// <summary>Floats of scratch memory: queries, transposed keys, values, one row tile's scores and what its softmax keeps.</summary>
    public static int ScratchFloats(KernelPlan plan)
    {
        int block = plan.BlockKeys, rows = MostRows;
        return PaddedRows(plan) * plan.RowStride + 2 * block * plan.RowStride + rows * block + SoftmaxEmitter.ScratchFloats(rows);
    }

    static int PaddedRows(KernelPlan plan) => (plan.PrefillTokens * plan.Spec.GroupSize + MostRows - 1) / MostRows * MostRows;

    static void EmitKernel(SourceWriter writer, KernelPlan plan, bool sumsWeights)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        bool widens = plan.Spec.Format != KvFormat.Float32;
        float factor = plan.QueryFactor * format.ValueFactor;

        writer.Write(sumsWeights
            ? "/// <summary>Many tokens whose log-sum-exps are known: the weights that each key gets, summed over all rows of the tile.</summary>"
            : "/// <summary>Many tokens: each block of keys is packed once and used by all rows of the tile.</summary>");
        writer.Write(sumsWeights
            ? "public static void SumWeights<TSimd, TProducts>(in KernelCall call, int firstKey, ref float sums)"
            : "public static void Prefill<TSimd, TProducts>(in KernelCall call)");
        writer.Write("    where TSimd : ISimd");
        writer.Open("    where TProducts : IPrefillProducts");
        writer.Write($$"""
            ref float queries = ref call.Scratch; // [rows, {{plan.RowStride}}]
            ref float keyPanel = ref Float32Row.At(ref queries, {{PaddedRows(plan) * plan.RowStride}}); // [{{plan.RowStride}}, BlockKeys]
            """);
        writer.Write(sumsWeights
            ? "ref float scores = ref Float32Row.At(ref keyPanel, Stride * BlockKeys); // [Rows, BlockKeys]"
            : $"""
                ref float valuePanel = ref Float32Row.At(ref keyPanel, Stride * BlockKeys); // [BlockKeys, {plan.RowStride}]
                ref float scores = ref Float32Row.At(ref valuePanel, BlockKeys * Stride); // [Rows, BlockKeys]
                """);
        writer.Write($$"""
            ref float corrections = ref Float32Row.At(ref scores, TProducts.Rows * BlockKeys);
            ref {{format.Scalar}} keys = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Keys);
            """);
        if (!sumsWeights)
            writer.Write($"ref {format.Scalar} values = ref Unsafe.As<byte, {format.Scalar}>(ref call.Values);");
        writer.Write($$"""
            int rows = (call.Tokens * Group + TProducts.Rows - 1) / TProducts.Rows * TProducts.Rows;
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
                    for (int row = 0; row < rows; row += TProducts.Rows)
                    {
                        {{RowView(plan)}}
                        if (view == BlockView.Hidden)
                            continue;

                        TProducts.Scores<PanelSizes>(ref Float32Row.Row(ref queries, row, Stride), ref keyPanel, ref scores);
                        TSimd.Softmax(
                            ref scores, TProducts.Rows, count, key, masked: count % TSimd.Width != 0 || view == BlockView.Partial{{(plan.ChecksScores ? " || checksTables" : "")}}, {{(plan.TestsTiles ? "ref visibleKeys[row], " : "")}}firstRow: row, rowsPerToken: Group, call,
                            ref Float32Row.At(ref call.Maxima, row), ref Float32Row.At(ref call.Weights, row), ref corrections{{(sumsWeights ? SoftmaxEmitter.Scales(plan, valueScales: "Panels.UnitScales") : SoftmaxEmitter.Scales(plan))}});
                        {{(sumsWeights
                            ? $"Panels.AddRows(ref scores, int.Min(TProducts.Rows, call.Tokens * Group - row), BlockKeys, count, {Literal.Of(1 / format.ValueFactor)}, ref Float32Row.At(ref sums, key - firstKey));"
                            : "TProducts.AddValues<PanelSizes>(ref scores, ref corrections, ref valuePanel, count, ref Float32Row.Row(ref call.Sums, row, Stride));")}}
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
            Span<KeyRange> views = stackalloc KeyRange[{{PaddedRows(plan)}} / TProducts.Rows{{Times(plan.Intervals.Count)}}];
            for (int row = 0; row < rows; row += TProducts.Rows)
            {
                int firstQuery = call.FirstQuery + row / Group;
                int lastQuery = call.FirstQuery + int.Min(call.Tokens - 1, (row + TProducts.Rows - 1) / Group);
                SeenBy(firstQuery, lastQuery, call.Length, {{(plan.BoundsCapture ? "call.Batch, (Captured)call.Captured!, " : "")}}{{ViewsOfTile(plan)}});
            }


            """;

    static string ViewsOfTile(KernelPlan plan) => $"views.Slice(row / TProducts.Rows{Times(plan.Intervals.Count)}, {plan.Intervals.Count})";

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
            ? "BlockView view = tested ? KeyBits.View(ref visibleKeys[row], TProducts.Rows, count) : BlockView.Full;"
            : $"BlockView view = KeyRange.View({ViewsOfTile(plan)}, key, key + count);";
}
