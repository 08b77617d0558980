using System.Linq;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the kernel for one or a few tokens. It is bound by reading the cache, so each block of keys is read once for all heads of
/// the group, and while one of keys and values is in use the other is prefetched.
/// </summary>
static class DecodeEmitter
{
    /// <summary>Emits the products with keys and values.</summary>
    public static void EmitSteps(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        EmitScores(writer, tile, ScoredRows.Block(plan));
        ValueSumsEmitter.Emit(
            writer, "DecodeValues", tile.Bits, tile.DecodeRows, tile.DecodeVectors, plan.RowStride, RowFormatNames.Of(plan.Spec.Format));
    }

    /// <summary>Floats of scratch memory: scaled queries, one tile's scores and what its softmax keeps, and scales of chosen rows.</summary>
    public static int ScratchFloats(KernelPlan plan)
    {
        int scales = plan.Selection is not null && RowFormatNames.Of(plan.Spec.Format).HasScales ? 2 * plan.BlockKeys : 0;
        return plan.DecodeTokens * plan.DecodeRows * plan.RowStride
            + plan.DecodeTileRows * plan.BlockKeys + SoftmaxEmitter.ScratchFloats(plan.DecodeTileRows) + scales;
    }

    /// <summary>Emits the walk over the keys.</summary>
    public static void EmitKernel(SourceWriter writer, KernelPlan plan)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        float factor = plan.QueryFactor * format.ValueFactor;
        writer.Write("/// <summary>One or a few tokens: every block of keys is scored, weighed and summed by all rows while it is in cache.</summary>");
        writer.Write("public static void Decode<TSimd>(in KernelCall call)");
        writer.Open("    where TSimd : ISimd");
        writer.Write($$"""
            ref float queries = ref call.Scratch; // [tokens, {{plan.DecodeRows}}, {{plan.RowStride}}]
            ref float scores = ref Float32Row.At(ref queries, {{plan.DecodeTokens * plan.DecodeRows * plan.RowStride}}); // [{{plan.DecodeTileRows}}, BlockKeys]
            ref float corrections = ref Float32Row.At(ref scores, {{plan.DecodeTileRows}} * BlockKeys);
            ref {{format.Scalar}} keys = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Keys);
            ref {{format.Scalar}} values = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Values);
            int rows = call.Tokens * {{plan.DecodeRows}};{{(plan.TestsTiles ? $"\nSpan<ulong> visibleKeys = stackalloc ulong[{plan.DecodeTokens * plan.DecodeRows}];" : "")}}

            // The first keys are on their way while the queries are prepared.
            KeyRange newest = call.Ranges[^1];
            if (newest.Count > 0)
                Prefetch.Lines(ref {{format.Format}}.Row(ref keys, call.Layout.Slot(newest.Low), Stride), int.Min(newest.Count, DecodeBlock) * Stride);

            Panels.ScaleQueries(call, s_traits.Shape, rowsPerToken: {{plan.DecodeRows}}, rows, {{Literal.Of(factor)}}, ref queries);
            Panels.Clear(call, rows, Stride);

            {{TableCheckEmitter.LongTables(plan)}}foreach (KeyRange range in call.Ranges)
            {
                for (int key = range.Low, count; key < range.High; key += count)
                {
                    count = int.Min(DecodeBlock, int.Min(call.Layout.Run(key), range.High - key));
            {{Masked(plan)}}
                    {{HoistEmitter.Calls(plan)}}{{Bits(plan)}}int slot = call.Layout.Slot(key);
                    ref {{format.Scalar}} keyRows = ref {{format.Format}}.Row(ref keys, slot, Stride);
                    ref {{format.Scalar}} valueRows = ref {{format.Format}}.Row(ref values, slot, Stride);
                    ref {{format.Scalar}} nextKeys = ref {{format.Format}}.Row(ref keys, key + count < range.High ? slot + count : slot, Stride);{{(format.HasScales ? "\n        Panels.PrefetchScales(call, slot + count, DecodeBlock);" : "")}}
                    for (int row = 0; row < rows; row += {{plan.DecodeTileRows}})
                    {
                        TSimd.DecodeScores(ref Float32Row.Row(ref queries, row, Stride), ref keyRows, ref valueRows, count, ref scores);
                        TSimd.Softmax(
                            ref scores, {{plan.DecodeTileRows}}, count, key, masked, {{(plan.TestsTiles ? "ref visibleKeys[row], " : "")}}firstRow: row, rowsPerToken: {{plan.DecodeRows}}, call,
                            ref Float32Row.At(ref call.Maxima, row), ref Float32Row.At(ref call.Weights, row), ref corrections{{SoftmaxEmitter.Scales(plan)}});
                        TSimd.DecodeValues(ref scores, ref corrections, ref valueRows, ref nextKeys, count, ref Float32Row.Row(ref call.Sums, row, Stride));
                    }
                }
            }
            """);
        writer.Close();
        writer.Blank();
    }

    // Keys are tested one by one where some may be hidden, or outside of a table.
    static string Masked(KernelPlan plan)
    {
        const string Queries = "new IntRange(call.FirstQuery, call.FirstQuery + call.Tokens - 1)", Keys = "new IntRange(key, key + count - 1)";
        string unproven = plan.ChecksScores ? $" || {TableCheckEmitter.ScoresOf(plan, Queries, Keys)}" : "";
        return plan.TestsTiles
            ? $"""
                            BlockView view = See(call, {Queries}, {Keys});
                            if (view == BlockView.Hidden)
                                continue;
                            bool masked = count % TSimd.Width != 0 || view != BlockView.Full{unproven};
                    """
            : $"        bool masked = count % TSimd.Width != 0 || KeyRange.View(call.Ranges, key, key + count) != BlockView.Full{unproven};";
    }

    static string Bits(KernelPlan plan) =>
        plan.TestsTiles
            ? $"""
            if (masked && TSimd.SeeKeys(call, key, count, rows, rowsPerToken: {plan.DecodeRows}, ref visibleKeys[0]) == BlockView.Hidden)
                        continue;


            """ + "        "
            : "";

    /// <summary>How the dot products of a tile's queries with some rows are called.</summary>
    public static string SignatureOf(ScoredRows scored)
    {
        string scalar = scored.Format.Scalar, values = scored.PrefetchValues ? $"ref {scalar} values, " : "", list = scored.Listed ? "ref int slots, " : "";
        return $"void {scored.Method}(ref float queries, ref {scalar} keys, {values}{list}int count, ref float scores)";
    }

    /// <summary>Emits the dot products of a tile's queries with some rows.</summary>
    public static void EmitScores(SourceWriter writer, TilePlan tile, ScoredRows scored)
    {
        RowFormatNames format = scored.Format;
        string v = $"Vector{tile.Bits}", scalar = format.Scalar, at = format.Format;
        int lanes = tile.Lanes, stride = scored.Stride;
        int[] rows = Enumerable.Range(0, tile.DecodeRows).ToArray();
        int[] keys = Enumerable.Range(0, tile.DecodeKeys).ToArray();

        writer.Write($"""
            /// <summary>Dot products of {tile.DecodeRows} row{(tile.DecodeRows == 1 ? "" : "s")} with {scored.What}, {tile.DecodeKeys} {scored.Noun} at a time{(scored.PrefetchValues ? "; prefetches the block's values" : "")}.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open($"public static {SignatureOf(scored)}");
        if (!scored.Listed)
            writer.Write("int last = count - 1;");
        writer.Open($"for (int key = 0; key < count; key += {tile.DecodeKeys})");
        writer.Write(scored.Listed
            ? "// The list repeats its last slot behind its end; such scores are masked."
            : $"// {char.ToUpperInvariant(scored.Noun[0])}{scored.Noun.Substring(1)} behind the last one repeat it; their scores are masked.");
        foreach (int key in keys)
        {
            string row = scored.Listed ? $"Unsafe.Add(ref slots, {Offset.Of("key", key)})" : key == 0 ? "key" : $"int.Min(key + {key}, last)";
            writer.Write($"ref {scalar} key{key} = ref {at}.Row(ref keys, {row}, {stride});");
            if (scored.PrefetchValues && (scored.Listed || key == 0))
                writer.Write($"ref {scalar} value{key} = ref {at}.Row(ref values, {row}, {stride});");
        }

        writer.Write("ref float score = ref Float32Row.At(ref scores, key);");

        foreach (int row in rows)
            Accumulators.Declare(writer, v, keys.Select(key => Dot(row, key)));

        writer.Open($"for (int i = 0; i < {stride}; i += {lanes})");
        foreach (int key in keys)
            writer.Write($"{v}<float> k{key} = {at}.Load{tile.Bits}(ref key{key}, i);");
        EmitPrefetch(writer, tile, scored);
        writer.Write("ref float query = ref Float32Row.At(ref queries, i);");
        foreach (int row in rows)
        {
            writer.Write($"{v}<float> q{row} = Lanes{tile.Bits}.Load(ref query, {row * stride});");
            foreach (int key in keys)
                writer.Write($"{Dot(row, key)} = {v}.FusedMultiplyAdd(q{row}, k{key}, {Dot(row, key)});");
        }

        writer.Close();
        writer.Blank();
        EmitReduction(writer, tile, v, scored.RowLength);
        writer.Close();
        writer.Close();
        writer.Blank();
    }

    static void EmitPrefetch(SourceWriter writer, TilePlan tile, ScoredRows scored)
    {
        int line = 64 / scored.Format.ScalarSize;
        if (!scored.PrefetchValues)
            return;
        if (!scored.Listed)
        {
            // As many scalars as are read here, but in the order of addresses.
            writer.Write($"ref {scored.Format.Scalar} ahead = ref {scored.Format.Format}.At(ref value0, {tile.DecodeKeys} * i);");
            for (int scalar = 0; scalar < tile.DecodeKeys * tile.Lanes; scalar += line)
                writer.Write($"Prefetch.Line(ref ahead, {scalar});");
            return;
        }

        bool everyTime = tile.Lanes >= line;
        if (!everyTime)
            writer.Open($"if (i % {line} == 0)");
        for (int key = 0; key < tile.DecodeKeys; key++)
            writer.Write($"Prefetch.Line(ref value{key}, i);");
        if (everyTime)
            return;
        writer.Close();
        writer.Blank();
    }

    /// <summary>
    /// Adds up the accumulators' lanes, four accumulators at a time and then as many quads as a vector has 128-bit lanes: the lanes of the result are
    /// the dot products in the order of rows and keys.
    /// </summary>
    static void EmitReduction(SourceWriter writer, TilePlan tile, string v, string rowLength)
    {
        int dots = tile.DecodeRows * tile.DecodeKeys, quadsPerVector = tile.Lanes / 4;
        string Accumulator(int index) => index < dots ? Dot(index / tile.DecodeKeys, index % tile.DecodeKeys) : $"{v}<float>.Zero";
        string Quad(int first) => first < dots
            ? $"Lanes.SumQuads({string.Join(", ", Enumerable.Range(first, 4).Select(Accumulator))})"
            : $"{v}<float>.Zero";

        for (int first = 0; first < dots; first += tile.Lanes)
        {
            string name = dots <= tile.Lanes ? "dots" : $"dots{first / tile.Lanes}";
            string[] quads = Enumerable.Range(0, quadsPerVector).Select(quad => Quad(first + quad * 4)).ToArray();
            writer.Write(quads.Length == 1
                ? $"{v}<float> {name} = {quads[0]};"
                : $"{v}<float> {name} = Lanes.SumLanes(\n    {string.Join(",\n    ", quads)});");
            EmitStores(writer, tile, name, first, rowLength);
        }
    }

    // A row's dot products lie side by side, in vectors of their own or in a part of one.
    static void EmitStores(SourceWriter writer, TilePlan tile, string name, int first, string rowLength)
    {
        int parts = System.Math.Max(1, tile.Lanes / tile.DecodeKeys), together = tile.Lanes / parts;
        for (int part = 0; part < parts && first + part * together < tile.DecodeRows * tile.DecodeKeys; part++)
        {
            int dot = first + part * together, row = dot / tile.DecodeKeys, key = dot % tile.DecodeKeys;
            string what = parts == 1 ? $"Store({name}" : $"Store{(parts == 2 ? "Half" : "Quarter")}({name}, {part}";
            writer.Write($"Lanes{tile.Bits}.{what}, ref score, {Offset.OfRow(row, rowLength, key)});");
        }
    }

    static string Dot(int row, int key) => $"s{row}k{key}";
}
