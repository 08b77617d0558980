using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>What kernels have in common that multiply tiles of queries with tiles of keys in float32, with sums in registers.</summary>
abstract class DeviceProductEmitter(SourceWriter writer, KernelPlan plan, DevicePlan device) : DeviceTileEmitter(writer, plan, device)
{
    /// <summary>Columns of queries and keys that are in shared memory at once.</summary>
    protected const int Slab = 32;

    const int Padding = 4; // floats between rows of shared memory, so that threads that store a column meet different banks

    protected DeviceRow Row { get; } = DeviceRow.Of(plan.Spec.Format);
    protected int Across => Device.PrefillKeyThreads;
    protected int ThreadRows => Device.PrefillThreadRows;
    protected IEnumerable<int> Rows => Enumerable.Range(0, ThreadRows);

    /// <summary>Vectors of four floats in shared memory that products need.</summary>
    protected int ProductTile => Slab * (QueryStride + KeyStride);

    int QueryStride => (TileRows + Padding) / 4;
    int KeyStride => (TileKeys + Padding) / 4;
    int KeysAt => Slab * QueryStride;

    /// <summary>A loop in which the group's threads share some steps.</summary>
    protected static string Threads(string count) => $"for (int i = thread; i < {count}; i += 128)";

    /// <summary>Emits the dot products of the tile's rows, from <c>firstRow</c> on, with a block of keys.</summary>
    /// <param name="keyRow">Which cached row is that of <c>key</c>, counted in the block.</param>
    protected void EmitScores(string keyRow)
    {
        int slabQuarters = Slab / 4, slabChunks = Slab / Device.ChunkScalars;
        bool ragged = HeadDim % Slab != 0;
        foreach (int row in Rows)
            Writer.Write($"Float4 s{row} = default;");
        Writer.Open($"for (int slab = 0; slab < HeadDim; slab += {Slab})");
        Writer.Write("ThreadGroup.Barrier();");
        Writer.Open(Threads(Literal.Of(TileRows * slabQuarters)));
        Writer.Write($"int row = Math.Min(firstRow + i / 4 % {TileRows}, rows - 1), column = i % 4 + i / {4 * TileRows} * 4;");
        if (ragged)
            Writer.Open("if (slab + column * 4 < HeadDim)");
        Writer.Write($"""
            Float4 query = queries[(row / Group * QueryHeads + row % Group) * {Quarter} + slab / 4 + column];
            Float4.StoreColumn(tileCells, column * {16 * QueryStride} + i / 4 % {TileRows}, {4 * QueryStride}, Float4.Multiply({Literal.Of(Plan.QueryFactor)}, query));
            """);
        if (ragged)
            Writer.Close();
        Writer.Close();
        Writer.Blank();
        Writer.Open(Threads(Literal.Of(TileKeys * slabChunks)));
        string chunk = slabChunks == 4 ? "i % 4" : $"i % 4 + i / {4 * TileKeys} * 4";
        Writer.Write($"int key = i / 4 % {TileKeys}, chunk = {chunk};");
        if (ragged)
            Writer.Open($"if (slab + chunk * {Device.ChunkScalars} < HeadDim)");
        Writer.Write($"""
            Chunk keyChunk = keyRows[{keyRow} * RowChunks + slab / {Device.ChunkScalars} + chunk];
            {Row.Floats}.StoreColumn(tileCells, {4 * KeysAt} + chunk * {4 * KeyStride * Device.ChunkScalars} + key, {4 * KeyStride}, Chunk.{Row.Format}(keyChunk));
            """);
        if (ragged)
            Writer.Close();
        Writer.Close();
        Writer.Blank();
        Writer.Write("ThreadGroup.Barrier();");
        Writer.Open($"for (int column = 0; column < {(ragged ? $"Math.Min({Slab}, HeadDim - slab)" : Literal.Of(Slab))}; column++)");
        for (int i = 0; i * 4 < ThreadRows; i++)
            Writer.Write($"Float4 q{i} = tile[column * {QueryStride} + down * {ThreadRows / 4}{(i == 0 ? "" : $" + {i}")}];");
        Writer.Write($"Float4 key = tile[{KeysAt} + column * {KeyStride} + across];");
        foreach (int row in Rows)
            Writer.Write($"s{row} = Float4.MultiplyAdd({Field("q", row)}, key, s{row});");
        Writer.Close();
        Writer.Close();
        Writer.Blank();
    }
}
