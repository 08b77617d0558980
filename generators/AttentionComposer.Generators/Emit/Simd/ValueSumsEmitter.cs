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
    /// <param name="selected">Whether the rows are those in the slots of a list; neighbours otherwise.</param>
    public static void Emit(
        SourceWriter writer, string name, int bits, int rows, int maxVectors, int stride, RowFormatNames format, bool selected = false)
    {
        int lanes = bits / 32;
        int vectors = stride / lanes;
        int passes = (vectors + maxVectors - 1) / maxVectors;
        int wide = vectors / passes + 1, widePasses = vectors % passes, narrow = vectors / passes;

        writer.Write($"""
            /// <summary>Adds the block's values, times their weights, to the sums of {rows} row{(rows == 1 ? "" : "s")}: {Tile(rows, narrow)}.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open("public static " + SignatureOf(name, format, selected));
        if (widePasses > 0)
            EmitColumns(writer, bits, rows, wide, 0, widePasses * wide * lanes, stride, format, selected);
        if (widePasses > 0 && widePasses < passes)
            writer.Blank();
        if (widePasses < passes)
            EmitColumns(writer, bits, rows, narrow, widePasses * wide * lanes, stride, stride, format, selected);
        writer.Close();
        writer.Blank();
    }

    /// <summary>How the method is called.</summary>
    public static string SignatureOf(string name, RowFormatNames format, bool selected = false)
    {
        string list = selected ? ", ref int slots" : "";
        return $"void {name}(ref float weights, ref float corrections, ref {format.Scalar} values, ref {format.Scalar} nextKeys{list}, int keys, ref float sums)";
    }

    static string Tile(int rows, int vectors) => $"{rows} × {vectors} accumulators";

    static void EmitColumns(
        SourceWriter writer, int bits, int rows, int vectors, int begin, int end, int stride, RowFormatNames format, bool selected)
    {
        string v = $"Vector{bits}", at = format.Format;
        int lanes = bits / 32;
        int[] rowNumbers = Enumerable.Range(0, rows).ToArray();
        int[] vectorNumbers = Enumerable.Range(0, vectors).ToArray();

        writer.Open($"for (int column = {begin}; column < {end}; column += {vectors * lanes})");
        writer.Write($"ref {format.Scalar} columns = ref {at}.At(ref values, column);");
        foreach (int row in rowNumbers)
            Accumulators.Declare(writer, v, vectorNumbers.Select(vector => $"s{row}{Letter(vector)}"));
        writer.Open("for (int key = 0; key < keys; key++)");
        writer.Write($"ref {format.Scalar} value = ref {at}.Row(ref columns, {(selected ? "Unsafe.Add(ref slots, key)" : "key")}, {stride});");
        writer.Write("ref float weight = ref Float32Row.At(ref weights, key);");
        foreach (int vector in vectorNumbers)
            writer.Write($"{v}<float> v{Letter(vector)} = {at}.Load{bits}(ref value, {vector * lanes});");
        // As many scalars as are read here, but in the order of addresses: the passes over columns cover the next block once.
        writer.Write(selected
            ? $"ref {format.Scalar} next = ref {at}.At(ref {at}.Row(ref nextKeys, Unsafe.Add(ref slots, key + BlockKeys), {stride}), column);"
            : $"ref {format.Scalar} next = ref {at}.At(ref nextKeys, column * keys + key * {vectors * lanes});");
        for (int scalar = 0; scalar < vectors * lanes; scalar += 64 / format.ScalarSize)
            writer.Write($"Prefetch.Line(ref next, {scalar});");

        foreach (int row in rowNumbers)
        {
            writer.Write($"{v}<float> w{row} = Lanes{bits}.Broadcast(ref weight, {Offset.OfRow(row, "BlockKeys")});");
            foreach (int vector in vectorNumbers)
                writer.Write($"s{row}{Letter(vector)} = {v}.FusedMultiplyAdd(w{row}, v{Letter(vector)}, s{row}{Letter(vector)});");
        }

        writer.Close();
        writer.Blank();
        foreach (int row in rowNumbers)
        {
            writer.Write($"{v}<float> correction{row} = Lanes{bits}.Broadcast(ref corrections, {row});");
            writer.Write($"ref float sums{row} = ref Float32Row.At(ref sums, {Offset.Of("column", row * stride)});");
            foreach (int vector in vectorNumbers)
                writer.Write($"Lanes{bits}.Accumulate(s{row}{Letter(vector)}, correction{row}, ref sums{row}, {vector * lanes});");
        }

        writer.Close();
    }

    static char Letter(int vector) => (char)('a' + vector);
}
