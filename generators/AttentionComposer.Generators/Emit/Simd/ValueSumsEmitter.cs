using System;
using System.Linq;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the sums of weighted value rows: a register tile of query rows × vectors of a value row, walked over the keys of a block.
/// </summary>
static class ValueSumsEmitter
{
    /// <summary>Emits one method that goes through all columns.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="name">The method's name.</param>
    /// <param name="bits">Vector width.</param>
    /// <param name="rows">Query rows in the tile.</param>
    /// <param name="maxVectors">Vectors in the tile, at most.</param>
    /// <param name="stride">Scalars in a value row.</param>
    /// <param name="format">How value rows are read.</param>
    /// <param name="prefetch">Whether to prefetch the next block's keys meanwhile.</param>
    /// <param name="selected">Whether the rows are those in the slots of a list; neighbours otherwise.</param>
    public static void Emit(
        SourceWriter writer, string name, int bits, int rows, int maxVectors, int stride, RowFormatNames format, bool prefetch, bool selected = false)
    {
        int lanes = bits / 32;
        int vectors = stride / lanes;
        int passes = (vectors + maxVectors - 1) / maxVectors;
        int wide = vectors / passes + 1, widePasses = vectors % passes, narrow = vectors / passes;

        string next = prefetch ? $", ref {format.Scalar} nextKeys" : "";
        writer.Write($"""
            /// <summary>Adds the block's values, times their weights, to the sums of {rows} row{(rows == 1 ? "" : "s")}: {Tile(rows, narrow)}.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open($"static void {name}(ref float weights, ref float corrections, ref {format.Scalar} values{next}{(selected ? ", ref int slots" : "")}, int keys, ref float sums)");
        if (widePasses > 0)
            EmitColumns(writer, bits, rows, wide, 0, widePasses * wide * lanes, stride, format, prefetch, selected);
        if (widePasses > 0 && widePasses < passes)
            writer.Blank();
        if (widePasses < passes)
            EmitColumns(writer, bits, rows, narrow, widePasses * wide * lanes, stride, stride, format, prefetch, selected);
        writer.Close();
        writer.Blank();
    }

    static string Tile(int rows, int vectors) => $"{rows} × {vectors} accumulators";

    static void EmitColumns(
        SourceWriter writer, int bits, int rows, int vectors, int begin, int end, int stride, RowFormatNames format, bool prefetch, bool selected)
    {
        string v = $"Vector{bits}";
        int lanes = bits / 32;
        int[] rowNumbers = Enumerable.Range(0, rows).ToArray();
        int[] vectorNumbers = Enumerable.Range(0, vectors).ToArray();

        writer.Open($"for (nuint column = {begin}; column < {end}; column += {vectors * lanes})");
        foreach (int row in rowNumbers)
        {
            writer.Write($"{v}<float> correction{row} = {v}.Create(Unsafe.Add(ref corrections, {row}));");
            writer.Write($"ref float sums{row} = ref Unsafe.Add(ref sums, {Offset.Of("column", row * stride)});");
            foreach (int vector in vectorNumbers)
                writer.Write($"{v}<float> s{row}{Letter(vector)} = {v}.LoadUnsafe(ref sums{row}, {vector * lanes}) * correction{row};");
        }

        writer.Blank();
        writer.Open("for (nuint key = 0; key < (nuint)keys; key++)");
        string valueRow = selected ? "(nuint)Unsafe.Add(ref slots, key)" : "key";
        writer.Write($"nuint value = {valueRow} * {stride} + column;");
        foreach (int vector in vectorNumbers)
            writer.Write($"{v}<float> v{Letter(vector)} = {format.Format}.Load{bits}(ref values, {Offset.Of("value", vector * lanes)});");
        if (prefetch)
        {
            // As many scalars as are read here, but in the order of addresses: the passes over columns cover the next block once.
            writer.Write(selected
                ? $"nuint next = (nuint)Unsafe.Add(ref slots, key + BlockKeys) * {stride} + column;"
                : $"nuint next = column * (nuint)keys + key * {vectors * lanes};");
            for (int scalar = 0; scalar < vectors * lanes; scalar += 64 / format.ScalarSize)
                writer.Write($"Prefetch.Line(ref nextKeys, {Offset.Of("next", scalar)});");
        }

        foreach (int row in rowNumbers)
        {
            writer.Write($"{v}<float> w{row} = {v}.Create(Unsafe.Add(ref weights, {Offset.Of("key", row, "BlockKeys")}));");
            foreach (int vector in vectorNumbers)
                writer.Write($"s{row}{Letter(vector)} = {v}.FusedMultiplyAdd(w{row}, v{Letter(vector)}, s{row}{Letter(vector)});");
        }

        writer.Close();
        writer.Blank();
        foreach (int row in rowNumbers)
        {
            foreach (int vector in vectorNumbers)
                writer.Write($"s{row}{Letter(vector)}.StoreUnsafe(ref sums{row}, {vector * lanes});");
        }

        writer.Close();
    }

    static char Letter(int vector) => (char)('a' + vector);
}
