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
    public static void Emit(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        EmitDriver(writer, plan, tile, sumsWeights: false);
        EmitScores(writer, plan, tile);
        ValueSumsEmitter.Emit(
            writer, "PrefillValues", tile.Bits, tile.PrefillRows, tile.PrefillVectors, plan.RowStride,
            RowFormatNames.Of(KvFormat.Float32), prefetch: false);
    }

    /// <summary>
    /// Emits the same walk over the keys once the rows' log-sum-exps are known: a block's weights are final then, and are summed over the rows instead of
    /// going to the values.
    /// </summary>
    public static void EmitWeightSums(SourceWriter writer, KernelPlan plan, TilePlan tile) => EmitDriver(writer, plan, tile, sumsWeights: true);

    /// <summary>Floats of scratch memory: queries, transposed keys, values, one row tile's scores and what its softmax keeps.</summary>
    public static int ScratchFloats(KernelPlan plan)
    {
        int block = plan.Tiles.Max(tile => tile.BlockKeys), rows = plan.Tiles.Max(tile => tile.PrefillRows);
        return PaddedRows(plan) * plan.RowStride + 2 * block * plan.RowStride + rows * block + SoftmaxEmitter.ScratchFloats(rows);
    }

    static int PaddedRows(KernelPlan plan) => (plan.PrefillTokens * plan.Spec.GroupSize + 7) / 8 * 8;

    static void EmitDriver(SourceWriter writer, KernelPlan plan, TilePlan tile, bool sumsWeights)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        bool widens = plan.Spec.Format != KvFormat.Float32;
        float factor = plan.QueryFactor * format.ValueFactor;
        int tiles = PaddedRows(plan) / tile.PrefillRows, ranges = plan.Intervals.Count;

        writer.Write(sumsWeights
            ? "/// <summary>Many tokens whose log-sum-exps are known: the weights that each key gets, summed over all rows of the tile.</summary>"
            : "/// <summary>Many tokens: each block of keys is packed once and used by all rows of the tile.</summary>");
        writer.Open(sumsWeights
            ? "public static void SumWeights(in KernelCall call, int firstKey, ref float sums)"
            : "public static void Prefill(in KernelCall call)");
        writer.Write($$"""
            ref float queries = ref call.Scratch; // [rows, {{plan.RowStride}}]
            ref float keyPanel = ref Unsafe.Add(ref queries, {{PaddedRows(plan) * plan.RowStride}}); // [{{plan.RowStride}}, BlockKeys]
            """);
        writer.Write(sumsWeights
            ? $"ref float scores = ref Unsafe.Add(ref keyPanel, Stride * BlockKeys); // [{tile.PrefillRows}, BlockKeys]"
            : $"""
                ref float valuePanel = ref Unsafe.Add(ref keyPanel, Stride * BlockKeys); // [BlockKeys, {plan.RowStride}]
                ref float scores = ref Unsafe.Add(ref valuePanel, BlockKeys * Stride); // [{tile.PrefillRows}, BlockKeys]
                """);
        writer.Write($$"""
            ref float corrections = ref Unsafe.Add(ref scores, {{tile.PrefillRows}} * BlockKeys);
            ref {{format.Scalar}} keys = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Keys);
            """);
        if (!sumsWeights)
            writer.Write($"ref {format.Scalar} values = ref Unsafe.As<byte, {format.Scalar}>(ref call.Values);");
        writer.Write($$"""
            int rows = (call.Tokens * Group + {{tile.PrefillRows - 1}}) / {{tile.PrefillRows}} * {{tile.PrefillRows}};
            Panels.ScaleQueries(call, s_traits.Shape, rowsPerToken: Group, rows, {{Literal.Of(factor)}}, ref queries);
            {{(sumsWeights ? "" : "Panels.Clear(call, rows, Stride);\n")}}
            {{TableCheckEmitter.LongTables(plan, tile)}}{{Views(plan, tile)}}foreach (KeyRange range in call.Ranges)
            {
                for (int key = range.Low, count; key < range.High; key += count)
                {
                    count = Math.Min(BlockKeys, Math.Min(call.Layout.Run(key), range.High - key));
                    {{BlockRanges(plan)}}{{HoistEmitter.Calls(plan)}}{{Checks(plan)}}{{BlockBits(plan, tile)}}{{DecodeEmitter.Slot(format)}}
                    Panels.TransposeKeys<{{format.Format}}, {{format.Scalar}}>(ref Unsafe.Add(ref keys, slot), count, Stride, BlockKeys, ref keyPanel);
            """);
        if (!sumsWeights)
        {
            writer.Write(widens
                ? $"        Panels.WidenRows<{format.Format}, {format.Scalar}>(ref Unsafe.Add(ref values, slot), count, Stride, ref valuePanel);"
                : "        valuePanel = ref Unsafe.Add(ref values, slot);");
        }

        writer.Write($$"""
                    for (int row = 0; row < rows; row += {{tile.PrefillRows}})
                    {
                        {{RowView(plan, tile)}}
                        if (view == BlockView.Hidden)
                            continue;

                        PrefillScores(ref Unsafe.Add(ref queries, row * Stride), ref keyPanel, ref scores);
                        Softmax(
                            ref scores, {{tile.PrefillRows}}, count, key, masked: count % {{tile.Lanes}} != 0 || view == BlockView.Partial{{(plan.ChecksScores ? " || checksTables" : "")}}, {{(plan.TestsTiles ? "ref visibleKeys[row], " : "")}}firstRow: row, rowsPerToken: Group, call,
                            ref Unsafe.Add(ref call.Maxima, row), ref Unsafe.Add(ref call.Weights, row), ref corrections{{(sumsWeights ? SoftmaxEmitter.Scales(plan, valueScales: "Panels.UnitScales") : SoftmaxEmitter.Scales(plan))}});
                        {{(sumsWeights
                            ? $"Panels.AddRows(ref scores, Math.Min({tile.PrefillRows}, call.Tokens * Group - row), BlockKeys, count, {Literal.Of(1 / format.ValueFactor)}, ref Unsafe.Add(ref sums, key - firstKey));"
                            : "PrefillValues(ref scores, ref corrections, ref valuePanel, count, ref Unsafe.Add(ref call.Sums, row * Stride));")}}
                    }
                }
            }
            """);
        writer.Close();
        writer.Blank();
    }

    // What each tile of rows sees, known before the loop where the intervals say all of the mask.
    static string Views(KernelPlan plan, TilePlan tile)
    {
        int tiles = PaddedRows(plan) / tile.PrefillRows, ranges = plan.Intervals.Count;
        return plan.TestsTiles
            ? $"""
            Span<ulong> visibleKeys = stackalloc ulong[{PaddedRows(plan)}];


            """
            : $$"""
            // What each tile of rows sees, so that blocks above a diagonal are skipped and blocks below it run without a mask.
            Span<KeyRange> views = stackalloc KeyRange[{{tiles * ranges}}];
            for (int row = 0; row < rows; row += {{tile.PrefillRows}})
            {
                int firstQuery = call.FirstQuery + row / Group;
                int lastQuery = call.FirstQuery + Math.Min(call.Tokens - 1, (row + {{tile.PrefillRows - 1}}) / Group);
                SeenBy(firstQuery, lastQuery, call.Length, {{(plan.BoundsCapture ? "call.Batch, (Captured)call.Captured!, " : "")}}views.Slice(row / {{tile.PrefillRows}} * {{ranges}}, {{ranges}}));
            }


            """;
    }

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

    static string BlockBits(KernelPlan plan, TilePlan tile) =>
        plan.TestsTiles
            ? $"""
            bool tested = blockView == BlockView.Partial || count % {tile.Lanes} != 0{(plan.ChecksScores ? " || checksTables" : "")};
                    if (tested && SeeKeys(call, key, count, rows, rowsPerToken: Group, ref visibleKeys[0]) == BlockView.Hidden)
                        continue;


            """ + "        "
            : "";

    static string RowView(KernelPlan plan, TilePlan tile)
    {
        int ranges = plan.Intervals.Count;
        return plan.TestsTiles
            ? $"BlockView view = tested ? KeyBits.View(ref visibleKeys[row], {tile.PrefillRows}, count) : BlockView.Full;"
            : $"BlockView view = KeyRange.View(views.Slice(row / {tile.PrefillRows} * {ranges}, {ranges}), key, key + count);";
    }

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
        writer.Open("static void PrefillScores(ref float queries, ref float keyPanel, ref float scores)");
        writer.Open($"for (int column = 0; column < BlockKeys; column += {tile.PrefillVectors * lanes})");
        writer.Write("ref float keys = ref Float32Row.At(ref keyPanel, column);");
        foreach (int row in rows)
        {
            foreach (int vector in vectors)
                writer.Write($"{v}<float> {Dot(row, vector)} = {v}<float>.Zero;");
        }

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
