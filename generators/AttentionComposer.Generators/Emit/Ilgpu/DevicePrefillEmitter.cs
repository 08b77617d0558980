using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Emits the device's kernel for many tokens: products of tiles of queries and tiles of keys and values, which pass through shared memory, with
/// sums in registers.
/// </summary>
sealed class DevicePrefillEmitter : DeviceProductEmitter
{
    DevicePrefillEmitter(SourceWriter writer, KernelPlan plan, DevicePlan device)
        : base(writer, plan, device)
    {
    }

    public static void Emit(SourceWriter writer, KernelPlan plan, DevicePlan device) => new DevicePrefillEmitter(writer, plan, device).Emit();

    int ThreadColumns => (Quarter + Across - 1) / Across;
    bool IsSoftmax => Plan.Spec.Normalization is Normalization.Softmax or Normalization.SoftmaxOne;

    IEnumerable<int> Columns => Enumerable.Range(0, ThreadColumns);

    string Column(int column) => Part(column, ThreadColumns);

    void Emit()
    {
        Writer.Write($"""
            /// <summary>
            /// Many tokens. A group of threads takes {TileRows} rows, each one token's one query head of a key/value head, over one split of the keys,
            /// {TileKeys} at a time. A thread computes {ThreadRows} rows × 4 keys of scores, then {ThreadRows} rows × {4 * ThreadColumns} columns of the result.
            /// The grid is (splits × tiles of rows, key/value heads, sequences).
            /// </summary>
            """);
        Writer.Open("public static void Prefill(DeviceCall call)");
        EmitPlace($"int thread = ThreadGroup.IdxX, across = thread % {Across}, down = thread / {Across};");
        if (Device.HasTensorPrefill)
        {
            Writer.Write("""
                if (call.OnlyUnfinished != 0 && call.Unfinished[((long)Grid.IdxZ * Grid.DimY + Grid.IdxY) * Grid.DimX + Grid.IdxX] == 0)
                    return; // the tensor cores have done it

                """);
        }

        EmitBlocks();
        EmitState();
        Writer.Open("for (int block = begin; block < end; block++)");
        EmitBlock($"Seen(firstRow + down * {ThreadRows}, rows, launchQuery, firstKey + across * 4", ThreadRows == 8 ? "0xffffffffu" : "0xffffu");
        EmitScores("Math.Min(firstKey + key, high - 1)");
        EmitWeights();
        EmitValues();
        Writer.Close();
        Writer.Blank();
        EmitEnd();
        Writer.Close();
        Writer.Blank();
        EmitSeen("Seen", "bit 4r + k tells whether row r sees key k", 4 * ThreadRows, "i / 4", "i % 4");
        EmitLogits();
        EmitStoreRow();
    }

    void EmitState()
    {
        int tile = System.Math.Max(ProductTile, TileKeys * Quarter);
        Writer.Write($"""
            // Shared memory holds {Slab} columns of the queries and the keys, one behind the other, then the values; and the weights.
            ArrayView<Float4> tile = SharedMemory.Allocate<Float4>({tile});
            ArrayView<float> tileCells = tile.Cast<float>();
            ArrayView<Float4> weights = SharedMemory.Allocate<Float4>({TileKeys * TileRows / 4}); // [{TileKeys} keys, {TileRows} rows]
            """);
        foreach (int row in Rows)
            EmitRow(Literal.Of(row), Sum($"firstRow + down * {ThreadRows}", row));
        foreach (int row in Rows)
            Writer.Write($"float maximum{row} = float.NegativeInfinity, sum{row} = 0;");
        foreach (int row in Rows)
            Writer.Write($"Float4 {string.Join(", ", Columns.Select(column => $"o{row}{Column(column)} = default"))};");
        Writer.Blank();
    }

    void EmitWeights()
    {
        if (DeviceScoreEmitter.Needs(Plan, VariableKind.Key, masked: false))
            Writer.Write("int ownKey = firstKey + across * 4;");
        foreach (int row in Rows)
        {
            var names = new PairNames($"query{row}", $"head{row}", "ownKey", "call.Faults");
            string bits = row == 0 ? "seen" : $"seen >> {4 * row}";
            string others = DeviceScoreEmitter.Pass(DeviceScoreEmitter.LogitParameters(Plan), names);
            Writer.Write($"s{row} = Logits(s{row}, {bits}{DeviceScoreEmitter.Others(others)});");
        }

        Writer.Blank();
        foreach (int row in Rows)
        {
            if (IsSoftmax)
            {
                Writer.Write($"""
                    float largest{row} = DeviceMath.Max(maximum{row}, DeviceMath.LargestOf(Float4.Largest(s{row}), {Across}));
                    float pivot{row} = DeviceMath.Pivot(largest{row}), correction{row} = XMath.Exp2(maximum{row} - pivot{row});
                    maximum{row} = largest{row};
                    s{row} = Float4.Weights(s{row}, pivot{row});
                    sum{row} = sum{row} * correction{row} + Float4.Sum(s{row});
                    {string.Join(" ", Columns.Select(column => $"o{row}{Column(column)} = Float4.Multiply(correction{row}, o{row}{Column(column)});"))}

                    """);
            }
            else
            {
                Writer.Write($"""
                    maximum{row} = Float4.Largest(s{row}) == float.NegativeInfinity ? maximum{row} : 0;
                    s{row} = Float4.{Plan.Spec.Normalization}Weights(s{row});
                    sum{row} += Float4.Sum(s{row});

                    """);
            }
        }

        Writer.Write($"""
            // Key k of this thread's goes to row k · {Across} + across of the weights, in which the places of rows are exchanged so that threads side by side
            // meet different banks.
            """);
        for (int key = 0; key < 4; key++)
        {
            string slot = Sum("across", key * Across);
            for (int i = 0; i * 4 < ThreadRows; i++)
            {
                string cells = string.Join(", ", Enumerable.Range(0, 4).Select(j => $"{"XYZW"[j]} = s{4 * i + j}.{"XYZW"[key]}"));
                Writer.Write($"weights[{Factor(slot)} * {TileRows / 4} + {Place(i, slot, below16: key * Across % 16 == 0 ? "across" : null)}] = new Float4 {{ {cells} }};");
            }
        }

        Writer.Blank();
    }

    // Where four rows of a slot are: exchanged by the slot's number below 16.
    string Place(int i, string slot, string? below16 = null)
    {
        string rows = ThreadRows == 4 ? "down" : $"({Sum("down * 2", i)})";
        return $"({rows} ^ {below16 ?? Factor(slot) + " % 16"})";
    }

    void EmitValues()
    {
        int keys = TileKeys;
        Writer.Write($"""
            // Values, in the order of the weights.
            ThreadGroup.Barrier();
            bool finite = true;
            """);
        Writer.Open(Threads($"{keys} * RowChunks"));
        Writer.Write($$"""
            int key = i / RowChunks, chunk = i % RowChunks;
            {{Row.Floats}} value = Chunk.{{Row.Format}}(valueRows[Math.Min(firstKey + key, high - 1) * RowChunks + chunk]);
            {{Row.Floats}}.Store(tile, (key % 4 * {{Across}} + key / 4) * {{Quarter}} + chunk{{(Device.ChunkScalars == 8 ? " * 2" : "")}}, value);
            finite &= {{Row.Floats}}.IsFinite(value);
            """);
        Writer.Close();
        Writer.Blank();
        Writer.Open("if (!ThreadGroup.BarrierOr(!finite))");
        EmitSums(guarded: false);
        Writer.Close();
        Writer.Open("else");
        Writer.Write("// A hidden value may hold anything, and 0 · NaN is NaN: it is left out.");
        EmitSums(guarded: true);
        Writer.Close();
    }

    void EmitSums(bool guarded)
    {
        Writer.Open($"for (int slot = 0; slot < {TileKeys}; slot++)");
        for (int i = 0; i * 4 < ThreadRows; i++)
            Writer.Write($"Float4 w{i} = weights[slot * {TileRows / 4} + {Place(i, "slot")}];");
        foreach (int column in Columns)
            Writer.Write($"Float4 v{Column(column)} = tile[slot * {Quarter} + {ColumnOf(column)}];");
        foreach (int row in Rows)
        {
            string weight = Field("w", row);
            string[] sums = [.. Columns.Select(column => $"o{row}{Column(column)} = Float4.MultiplyAdd({weight}, v{Column(column)}, o{row}{Column(column)});")];
            Writer.Guarded(guarded ? $"!DeviceMath.IsHidden({weight})" : null, sums);
            if (guarded && ThreadColumns > 1)
                Writer.Blank();
        }

        Writer.TrimBlank();
        Writer.Close();
    }

    bool IsRagged(int column) => (column + 1) * Across > Quarter;

    // A thread behind the row's end repeats its last columns.
    string ColumnOf(int column)
    {
        string own = Sum("across", column * Across);
        return IsRagged(column) ? $"Math.Min({own}, {Quarter - 1})" : own;
    }

    void EmitEnd()
    {
        foreach (int row in Rows)
        {
            if (!IsSoftmax)
                Writer.Write($"maximum{row} = DeviceMath.LargestOf(maximum{row}, {Across});");
            Writer.Write($"sum{row} = DeviceMath.SumOf(sum{row}, {Across});");
        }

        Writer.Write("""

            // Rows of padding are nobody's.
            """);
        foreach (int row in Rows)
        {
            string sums = string.Concat(Columns.Select(column => $", o{row}{Column(column)}"));
            Writer.Write($"StoreRow(call, {Sum($"firstRow + down * {ThreadRows}", row)}, rows, across{sums}, maximum{row}, sum{row});");
        }
    }

    void EmitStoreRow()
    {
        string columns = string.Join("", Columns.Select(column => $", Float4 o{Column(column)}"));
        Writer.Write($"/// <summary>Stores a row's part of the result: each of {Across} threads its columns.</summary>");
        Writer.Open($"static void StoreRow(DeviceCall call, int row, int rows, int across{columns}, float maximum, float sum)");
        Writer.Nested("if (row >= rows)", "return;");
        Writer.Write($"""
            long outputRow = ((long)Grid.IdxZ * call.LaunchTokens + row / Group) * QueryHeads + Grid.IdxY * Group + row % Group;
            long partial = outputRow * call.Splits + Grid.IdxX % call.Splits;
            ArrayView<Float4> sums = call.Sums.Cast<Float4>();
            """);
        foreach (int column in Columns)
        {
            string own = Sum("across", column * Across), store = $"sums[partial * {Quarter} + {own}] = o{Column(column)};";
            Writer.Guarded(IsRagged(column) ? $"{own} < {Quarter}" : null, store);
        }

        Writer.Guarded("across == 0", "call.Maxima[partial] = maximum;", "call.Weights[partial] = sum;");
        Writer.Close();
        Writer.Blank();
    }

    void EmitLogits()
    {
        string declarations = DeviceScoreEmitter.Declare(DeviceScoreEmitter.LogitParameters(Plan));
        Writer.Write("/// <summary>The logits of a row and four keys, from their dot products; negative infinity where the row does not see a key.</summary>");
        Writer.Write($"static Float4 Logits(Float4 dots, uint seen{DeviceScoreEmitter.Others(declarations)}) => new()\n{{");
        for (int key = 0; key < 4; key++)
        {
            var names = new PairNames("query", "head", key == 0 ? "key" : $"key + {key}", "faults");
            Writer.Write($"    {"XYZW"[key]} = (seen & {1 << key}) != 0 ? {DeviceScoreEmitter.Logit(Plan, $"dots.{"XYZW"[key]}", names)} : float.NegativeInfinity,");
        }

        Writer.Write("};");
        Writer.Blank();
    }
}
