using System.Linq;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the kernel for one or a few tokens. It is bound by reading the cache, so each block of keys is read once for all heads of
/// the group, and while one of keys and values is in use the other is prefetched.
/// </summary>
static class DecodeEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        EmitDriver(writer, plan, tile);
        EmitScores(writer, plan, tile);
        ValueSumsEmitter.Emit(
            writer, "DecodeValues", tile.Bits, tile.DecodeRows, tile.DecodeVectors, plan.RowStride, RowFormatNames.Of(plan.Spec.Format), prefetch: true);
    }

    /// <summary>Floats of scratch memory: scaled queries, one tile's scores, corrections.</summary>
    public static int ScratchFloats(KernelPlan plan) =>
        plan.DecodeTokens * plan.DecodeRows * plan.RowStride + plan.Tiles.Max(tile => tile.DecodeRows * tile.BlockKeys) + 16;

    static void EmitDriver(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        float factor = plan.QueryFactor * format.ValueFactor;
        writer.Write("/// <summary>One or a few tokens: every block of keys is scored, weighed and summed by all rows while it is in cache.</summary>");
        writer.Open("public static void Decode(in KernelCall call)");
        writer.Write($$"""
            ref float queries = ref call.Scratch; // [tokens, {{plan.DecodeRows}}, {{plan.RowStride}}]
            ref float scores = ref Unsafe.Add(ref queries, {{plan.DecodeTokens * plan.DecodeRows * plan.RowStride}}); // [{{tile.DecodeRows}}, BlockKeys]
            ref float corrections = ref Unsafe.Add(ref scores, {{tile.DecodeRows}} * BlockKeys);
            ref {{format.Scalar}} keys = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Keys);
            ref {{format.Scalar}} values = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Values);
            int rows = call.Tokens * {{plan.DecodeRows}};

            // The first keys are on their way while the queries are prepared.
            KeyRange newest = call.Ranges[^1];
            if (newest.Count > 0)
                Prefetch.Lines(ref Unsafe.Add(ref keys, (nint)call.Layout.Slot(newest.Low) * Stride), Math.Min(newest.Count, DecodeBlock) * Stride);

            Panels.ScaleQueries(call, s_traits.Shape, rowsPerToken: {{plan.DecodeRows}}, rows, {{Literal.Of(factor)}}, ref queries);
            Panels.Clear(call, rows, Stride);

            foreach (KeyRange range in call.Ranges)
            {
                for (int key = range.Low, count; key < range.High; key += count)
                {
                    count = Math.Min(DecodeBlock, Math.Min(call.Layout.Run(key), range.High - key));
                    nint slot = (nint)call.Layout.Slot(key) * Stride;
                    nint next = key + count < range.High ? slot + count * Stride : slot;
                    bool masked = count % {{tile.Lanes}} != 0 || KeyRange.View(call.Ranges, key, key + count) != BlockView.Full;
                    for (int row = 0; row < rows; row += {{tile.DecodeRows}})
                    {
                        DecodeScores(ref Unsafe.Add(ref queries, row * Stride), ref Unsafe.Add(ref keys, slot), ref Unsafe.Add(ref values, slot), count, ref scores);
                        Softmax(
                            ref scores, {{tile.DecodeRows}}, count, key, masked, firstRow: row, rowsPerToken: {{plan.DecodeRows}}, call,
                            ref Unsafe.Add(ref call.Maxima, row), ref Unsafe.Add(ref call.Weights, row), ref corrections);
                        DecodeValues(
                            ref scores, ref corrections, ref Unsafe.Add(ref values, slot), ref Unsafe.Add(ref keys, next), count,
                            ref Unsafe.Add(ref call.Sums, row * Stride));
                    }
                }
            }
            """);
        writer.Close();
        writer.Blank();
    }

    static void EmitScores(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        string v = $"Vector{tile.Bits}";
        int lanes = tile.Lanes, stride = plan.RowStride;
        int[] rows = Enumerable.Range(0, tile.DecodeRows).ToArray();
        int[] keys = Enumerable.Range(0, tile.DecodeKeys).ToArray();

        writer.Write($"""
            /// <summary>Dot products of {tile.DecodeRows} row{(tile.DecodeRows == 1 ? "" : "s")} with a block of keys, {tile.DecodeKeys} keys at a time; prefetches the block's values.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open($"static void DecodeScores(ref float queries, ref {format.Scalar} keys, ref {format.Scalar} values, int count, ref float scores)");
        writer.Write("nint last = count - 1;");
        writer.Open($"for (nint key = 0; key < count; key += {tile.DecodeKeys})");
        writer.Write("// Keys behind the last one repeat it; their scores are masked.");
        foreach (int key in keys)
        {
            writer.Write(key == 0
                ? $"nint row0 = key * {stride};"
                : $"nint row{key} = nint.Min(key + {key}, last) * {stride};");
        }

        foreach (int row in rows)
        {
            foreach (int key in keys)
                writer.Write($"{v}<float> {Dot(row, key)} = {v}<float>.Zero;");
        }

        writer.Open($"for (nint i = 0; i < {stride}; i += {lanes})");
        foreach (int key in keys)
            writer.Write($"{v}<float> k{key} = {format.Format}.Load{tile.Bits}(ref keys, (nuint)(row{key} + i));");
        // As many scalars as are read here, but in the order of addresses.
        for (int scalar = 0; scalar < tile.DecodeKeys * lanes; scalar += 64 / format.ScalarSize)
            writer.Write($"Prefetch.Line(ref values, (nuint)({Offset.Of($"row0 + {tile.DecodeKeys} * i", scalar)}));");
        foreach (int row in rows)
        {
            writer.Write($"{v}<float> q{row} = {v}.LoadUnsafe(ref queries, {Offset.Cast("i", row * stride)});");
            foreach (int key in keys)
                writer.Write($"{Dot(row, key)} = {v}.FusedMultiplyAdd(q{row}, k{key}, {Dot(row, key)});");
        }

        writer.Close();
        writer.Blank();
        EmitReduction(writer, tile, v);
        writer.Close();
        writer.Close();
        writer.Blank();
    }

    /// <summary>
    /// Adds up the accumulators' lanes. Quads of keys of one row first, then as many quads as a vector has 128-bit lanes: the result's lanes are the
    /// sums in the order of the quads.
    /// </summary>
    static void EmitReduction(SourceWriter writer, TilePlan tile, string v)
    {
        int quadsPerRow = tile.DecodeKeys / 4, quadsPerVector = tile.Lanes / 4;
        int quads = tile.DecodeRows * quadsPerRow;
        string Quad(int index)
        {
            int row = index / quadsPerRow, key = index % quadsPerRow * 4;
            return index < quads
                ? $"Lanes.SumQuads({Dot(row, key)}, {Dot(row, key + 1)}, {Dot(row, key + 2)}, {Dot(row, key + 3)})"
                : $"{v}<float>.Zero";
        }

        for (int first = 0; first < quads; first += quadsPerVector)
        {
            string name = quads <= quadsPerVector ? "dots" : $"dots{first / quadsPerVector}";
            string[] parts = Enumerable.Range(first, quadsPerVector).Select(Quad).ToArray();
            writer.Write(parts.Length == 1
                ? $"{v}<float> {name} = {parts[0]};"
                : $"{v}<float> {name} = Lanes.SumLanes(\n    {string.Join(",\n    ", parts)});");
            EmitStores(writer, tile, name, first, System.Math.Min(quadsPerVector, quads - first), quadsPerRow);
        }
    }

    // Neighbouring quads of one row are stored together.
    static void EmitStores(SourceWriter writer, TilePlan tile, string name, int first, int count, int quadsPerRow)
    {
        int together = System.Math.Min(quadsPerRow, count);
        for (int quad = 0; quad < count; quad += together)
        {
            int row = (first + quad) / quadsPerRow, key = (first + quad) % quadsPerRow * 4;
            string part = (tile.Bits / 128, together) switch
            {
                (4, 4) or (2, 2) or (1, 1) => name,
                (4, 2) => $"{name}.Get{(quad == 0 ? "Lower" : "Upper")}()",
                (4, 1) => $"{name}.Get{(quad < 2 ? "Lower" : "Upper")}().Get{(quad % 2 == 0 ? "Lower" : "Upper")}()",
                _ => $"{name}.Get{(quad == 0 ? "Lower" : "Upper")}()",
            };
            string offset = Offset.Of(Offset.Of("key", row, "BlockKeys"), key);
            writer.Write($"{part}.StoreUnsafe(ref scores, {(offset == "key" ? "(nuint)key" : $"(nuint)({offset})")});");
        }
    }

    static string Dot(int row, int key) => $"s{row}k{key}";
}
