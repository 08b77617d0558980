using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Emits the device's kernel for many tokens over a cache of float16 on a card with tensor cores. A warp computes 16 rows of a tile; queries stay in registers, a block's keys and values
/// pass through shared memory as they are in the cache.
/// </summary>
sealed class DeviceTensorEmitter : DeviceTileEmitter
{
    const int KeyTile = 8; // keys of a product of queries and keys
    const int Part = 32; // columns of a row that such a product takes: 8 each of a row's 4 threads

    DeviceTensorEmitter(SourceWriter writer, KernelPlan plan, DevicePlan device)
        : base(writer, plan, device)
    {
    }

    public static void Emit(SourceWriter writer, KernelPlan plan, DevicePlan device) => new DeviceTensorEmitter(writer, plan, device).Emit();

    int Chunks => HeadDim / 8;
    bool IsRagged => HeadDim % Part != 0;
    int PaddedChunks => 4 * Parts.Count();

    // Chunks between rows of keys, and of fours of values: threads that read side by side meet different banks.
    int KeyStride => PaddedChunks % 8 == 0 ? PaddedChunks + 4 : PaddedChunks;
    int QuadStride => 4 * PaddedChunks + 2;
    int RowsAtOnce => 128 / PaddedChunks; // rows of chunks that the group's threads load at once
    bool IsEven => 128 % PaddedChunks == 0;

    IEnumerable<int> Parts => Enumerable.Range(0, (HeadDim + Part - 1) / Part);
    IEnumerable<int> Sums => Enumerable.Range(0, 4 * Parts.Count()); // each of 8 columns
    IEnumerable<int> SumPairs => Enumerable.Range(0, 2 * Parts.Count());
    bool LoadsAtOnce => !ChecksScores && !Plan.TestsTiles; // there are registers for it
    bool IsPlain => DeviceScoreEmitter.IsPlain(Plan);
    bool ChecksScores => !IsPlain; // a function may make a number of what is none
    IEnumerable<int> Tiles => Enumerable.Range(0, TileKeys / KeyTile);
    IEnumerable<int> Pairs => Enumerable.Range(0, TileKeys / (2 * KeyTile));
    static IEnumerable<int> Rows => Enumerable.Range(0, 2);

    void Emit()
    {
        Writer.Write($"""
            /// <summary>
            /// Many tokens, on tensor cores. A group of threads takes {TileRows} rows, each one token's one query head of a key/value head, over one split of the keys,
            /// {TileKeys} at a time; 4 neighbouring threads share a row, and the one 8 rows further on. Queries and weights are sums of two float16 each. A group that meets
            /// anything that is not finite leaves its work to Prefill, whose grid is the same.
            /// </summary>
            """);
        Writer.Open("public static void TensorPrefill(DeviceCall call)");
        EmitPlace("int thread = ThreadGroup.IdxX, lane = thread % 32, across = lane % 4, down = thread / 32 * 16 + lane / 4;");
        EmitBlocks();
        EmitQueries();
        EmitState();
        Writer.Open("for (int block = begin; block < end; block++)");
        EmitBlock("TensorSeen(firstRow + down, rows, launchQuery, firstKey + across * 2", "0xffffffffu");
        EmitTile();
        EmitScores();
        EmitWeights();
        EmitValues();
        Writer.Close();
        Writer.Blank();
        EmitEnd();
        Writer.Close();
        Writer.Blank();
        EmitSeen("TensorSeen", "bit 4t + 2r + k tells whether row 8r sees key 8t + k", 4 * Tiles.Count(), "i / 2 % 2 * 8", "i / 4 * 8 + i % 2");
        if (!IsPlain)
            EmitLogits();
        EmitStoreRow();
    }

    void EmitQueries()
    {
        Writer.Write("// This thread's columns of its two rows' queries, scaled.");
        Writer.Write("int row0 = Math.Min(firstRow + down, rows - 1), row1 = Math.Min(firstRow + down + 8, rows - 1);");
        foreach (int row in Rows)
            EmitRowVariables(Literal.Of(row));
        foreach (int row in Rows)
            Writer.Write($"int first{row} = (row{row} / Group * QueryHeads + row{row} % Group) * {Quarter} + across * 2;");
        foreach (int row in Rows)
            foreach (int part in Parts)
            {
                string load = $"Float8.Multiply({Literal.Of(Plan.QueryFactor)}, Float8.Load(queries, {Sum($"first{row}", part * Part / 4)}))";
                Writer.Write($"Float8 q{row}{Name(part)} = {(IsBehind(part) is { } behind ? $"{behind} ? default : {load}" : load)};");
            }

        Writer.Blank();
        Writer.Write("// Divided by a power of 2, as float16 and what that leaves.");
        foreach (int row in Rows)
        {
            Writer.Write($"float size{row} = TensorMath.Size(q{row}a);");
            foreach (int part in Parts.Skip(1))
                Writer.Write($"size{row} = TensorMath.Max(size{row}, TensorMath.Size(q{row}{Name(part)}));");
            Writer.Write($"float unit{row} = TensorMath.Unit(DeviceMath.LargestOf(size{row}, 4)), inverse{row} = TensorMath.Inverse(unit{row});");
            foreach (int part in Parts)
                Writer.Write($"q{row}{Name(part)} = Float8.Multiply(inverse{row}, q{row}{Name(part)});");
            foreach (int part in Parts)
            {
                string name = row + Name(part);
                Writer.Write($"Chunk halves{name} = TensorMath.Halves(q{name}), rest{name} = TensorMath.Rest(halves{name}, q{name});");
            }
        }

        Writer.Blank();
    }

    void EmitState()
    {
        Writer.Write($"""
            ArrayView<Chunk> keyTile = SharedMemory.Allocate<Chunk>({TileKeys * KeyStride}); // [{TileKeys} keys, {PaddedChunks} chunks{Spare(KeyStride - PaddedChunks)}]
            ArrayView<Chunk> valueTile = SharedMemory.Allocate<Chunk>({TileKeys / 4 * QuadStride}); // [{TileKeys / 4} fours of keys, {4 * PaddedChunks} chunks{Spare(QuadStride - 4 * PaddedChunks)}]
            int ownKey = lane / 4 * {KeyStride} + across, ownValues = across * {QuadStride} + lane / 4;
            """);
        if (IsEven)
            Writer.Write($"int ownRow = thread / {PaddedChunks}, ownChunk = thread % {PaddedChunks};{(IsRagged ? "\nbool isInside = ownChunk < RowChunks;" : "")}");
        if (ChecksScores)
            Writer.Write("bool finite = true;");
        foreach (int row in Rows)
            Writer.Write($"float maximum{row} = float.NegativeInfinity, sum{row} = 0;");
        foreach (int part in Parts)
            Writer.Write($"Float4 {string.Join(", ", Enumerable.Range(4 * part, 4).Select(sum => $"o{sum} = default"))};");
        Writer.Blank();
    }

    static string Spare(int chunks) => chunks == 0 ? "" : $" and {chunks} to spare";

    void EmitTile()
    {
        if (LoadsAtOnce)
            Writer.Write("// The block's keys and values are all on their way at once, before the other warps have done with the last block.");
        int keyLoads = TileKeys * PaddedChunks / 128, fours = TileKeys / 4, valueLoads = (fours * PaddedChunks + 127) / 128;
        string Row(int load) => IsEven ? Sum("ownRow", load * RowsAtOnce) : $"{Factor(Sum("thread", 128 * load))} / {PaddedChunks}";
        string Place(int load) => IsEven ? "ownChunk" : $"{Factor(Sum("thread", 128 * load))} % {PaddedChunks}";
        string Inside(int load) => IsEven ? "isInside" : $"{Place(load)} < RowChunks";
        string Load(string rows, string key, int load, bool inside) =>
            (IsRagged ? $"{Inside(load)}{(inside ? "" : $" && thread < {fours * PaddedChunks - 128 * load}")} ? " : inside ? "" : $"thread < {fours * PaddedChunks - 128 * load} ? ") +
            $"{rows}[Math.Min(firstKey + {key}, high - 1) * RowChunks + {Place(load)}]" + (IsRagged || !inside ? " : default" : "");
        bool IsFull(int load) => (load + 1) * 128 <= fours * PaddedChunks;

        foreach (int i in Enumerable.Range(0, keyLoads))
            Writer.Write($"Chunk key{i} = {Load("keyRows", Row(i), i, inside: true)};");
        if (!LoadsAtOnce)
            StoreKeys();
        foreach (int i in Enumerable.Range(0, valueLoads))
        {
            // Keys 2a, 2a + 1, 2a + 8 and 2a + 9 of 16 are the ones that a thread multiplies at once.
            Writer.Write($"int four{i} = {Row(i)}, first{(char)('A' + i)} = four{i} / 4 * 16 + four{i} % 4 * 2;");
            foreach ((string name, int key) in new[] { ("a", 0), ("b", 1), ("c", 8), ("d", 9) })
                Writer.Write($"Chunk {name}{i} = {Load("valueRows", Sum($"first{(char)('A' + i)}", key), i, IsFull(i))};");
        }

        if (LoadsAtOnce)
            StoreKeys();
        foreach (int i in Enumerable.Range(0, valueLoads))
            Writer.Guarded(IsFull(i) ? null : $"thread < {fours * PaddedChunks - 128 * i}", $"TensorMath.StoreValues(valueTile, four{i} * {QuadStride} + {Factor(Place(i))} * 4, a{i}, b{i}, c{i}, d{i});");
        Writer.Write("ThreadGroup.Barrier();");
        Writer.Blank();

        void StoreKeys()
        {
            Writer.Write("ThreadGroup.Barrier();");
            foreach (int i in Enumerable.Range(0, keyLoads))
                Writer.Write($"keyTile[{Factor(Row(i))} * {KeyStride} + {Place(i)}] = key{i};");
        }
    }

    void EmitScores()
    {
        foreach (int tile in Tiles)
            Writer.Write($"Float4 s{tile} = default;");
        foreach (int part in Parts)
        {
            string queries = $"halves0{Name(part)}, rest0{Name(part)}, halves1{Name(part)}, rest1{Name(part)}";
            foreach (int tile in Tiles)
                Writer.Write($"s{tile} = TensorMath.Scores({queries}, keyTile[{Sum("ownKey", tile * KeyTile * KeyStride + part * 4)}], s{tile});");
        }

        Writer.Blank();
    }

    void EmitWeights()
    {
        if (DeviceScoreEmitter.Needs(Plan, VariableKind.Key, masked: false))
            Writer.Write("int firstOwn = firstKey + across * 2;");
        if (ChecksScores)
            Writer.Write($"finite &= {string.Join(" & ", Tiles.Select(tile => $"Float4.IsFinite(s{tile})"))};");
        foreach (int tile in Tiles)
        {
            string dots = $"TensorMath.Multiply(unit0, unit1, s{tile})";
            string others = DeviceScoreEmitter.Pass(LogitParameters, new PairNames("", "", Sum("firstOwn", tile * KeyTile), "call.Faults"));
            Writer.Write($"s{tile} = {(IsPlain ? dots : $"TensorLogits({dots}, {Seen(tile)}{DeviceScoreEmitter.Others(others)})")};");
        }

        if (IsPlain)
            Writer.Guarded(Plan.TestsTiles ? null : "!full", [.. Tiles.Select(tile => $"s{tile} = TensorMath.Visible(s{tile}, {Seen(tile)});")]);

        Writer.Blank();
        string scores = string.Join(", ", Tiles.Select(tile => $"s{tile}"));
        Writer.Write($"Float4 most = TensorMath.Largest({scores});");
        foreach (int row in Rows)
        {
            Writer.Write($"""
                float largest{row} = TensorMath.Max(maximum{row}, DeviceMath.LargestOf(TensorMath.Max(most.{Fields(row)[0]}, most.{Fields(row)[1]}), 4));
                float pivot{row} = DeviceMath.Pivot(largest{row}), lower{row} = pivot{row} - TensorMath.WeightExponent, correction{row} = TensorMath.Exp2(maximum{row} - pivot{row});
                maximum{row} = largest{row};
                """);
        }

        foreach (int tile in Tiles)
            Writer.Write($"s{tile} = TensorMath.Weights(s{tile}, lower0, lower1);");
        Writer.Write($"Float4 total = TensorMath.Sum({scores});");
        foreach (int row in Rows)
            Writer.Write($"sum{row} = sum{row} * correction{row} + total.{Fields(row)[0]} + total.{Fields(row)[1]};");
        foreach (int sum in Sums)
            Writer.Write($"o{sum} = TensorMath.Multiply(correction0, correction1, o{sum});");
        Writer.Blank();
    }

    static string Seen(int tile) => tile == 0 ? "seen" : $"seen >> {4 * tile}";

    void EmitValues()
    {
        foreach (int pair in Pairs)
        {
            string weights = $"s{2 * pair}, s{2 * pair + 1}";
            Writer.Write($"Chunk weights{pair} = TensorMath.Halves({weights}), restOf{pair} = TensorMath.Rest(weights{pair}, {weights});");
        }

        foreach (int pair in Pairs)
        {
            foreach (int sums in SumPairs)
            {
                string values = $"v{pair}{Name(sums)}";
                Writer.Write($"""
                    Chunk {values} = valueTile[{Sum("ownValues", pair * 4 * QuadStride + sums * 8)}];
                    o{2 * sums} = TensorMath.Values(weights{pair}, restOf{pair}, {values}.X, {values}.Y, o{2 * sums});
                    o{2 * sums + 1} = TensorMath.Values(weights{pair}, restOf{pair}, {values}.Z, {values}.W, o{2 * sums + 1});
                    """);
            }
        }
    }

    void EmitEnd()
    {
        Writer.Write($"""
            // What is not finite shows in the sums, even of keys that are hidden: 0 · NaN is NaN.
            {(ChecksScores ? "finite &=" : "bool finite =")} {string.Join("\n    & ", Parts.Select(part => string.Join(" & ", Enumerable.Range(4 * part, 4).Select(sum => $"Float4.IsFinite(o{sum})"))))};
            bool leaves = ThreadGroup.BarrierOr(!finite);
            """);
        Writer.Guarded("thread == 0", "call.Unfinished[((long)Grid.IdxZ * Grid.DimY + Grid.IdxY) * Grid.DimX + Grid.IdxX] = leaves ? 1 : 0;");
        Writer.Blank();
        Writer.Write("// Without the weights' factor; rows of padding are nobody's.");
        foreach (int row in Rows)
        {
            Writer.Write($"sum{row} = DeviceMath.SumOf(sum{row}, 4) * (1 / TensorMath.WeightUnit);");
            Writer.Open($"if (firstRow + down{(row == 0 ? "" : " + 8")} < rows)");
            Writer.Write($"ArrayView<Float4> sums{row} = TensorRow(call, row{row}, across, maximum{row}, sum{row});");
            foreach (int pair in SumPairs)
            {
                string first = $"o{2 * pair}", second = $"o{2 * pair + 1}", fields = Fields(row);
                Writer.Guarded(
                    (pair + 1) * 16 <= HeadDim ? null : $"across < {(HeadDim - pair * 16) / 4}",
                    $"sums{row}[{Sum("across", pair * 4)}] = TensorMath.Sums({first}.{fields[0]}, {second}.{fields[0]}, {first}.{fields[1]}, {second}.{fields[1]});");
            }

            Writer.Close();
            Writer.Blank();
        }

        Writer.TrimBlank();
    }

    void EmitLogits()
    {
        string declarations = DeviceScoreEmitter.Declare(LogitParameters);
        Writer.Write("/// <summary>The logits of two rows and two neighbouring keys, from their dot products; negative infinity where a row does not see a key.</summary>");
        Writer.Write($"static Float4 TensorLogits(Float4 dots, uint seen{DeviceScoreEmitter.Others(declarations)}) => new()\n{{");
        for (int i = 0; i < 4; i++)
        {
            var names = new PairNames($"query{i / 2}", $"head{i / 2}", i % 2 == 0 ? "key" : "key + 1", "faults");
            Writer.Write($"    {"XYZW"[i]} = (seen & {1 << i}) != 0 ? {DeviceScoreEmitter.Logit(Plan, $"dots.{"XYZW"[i]}", names)} : float.NegativeInfinity,");
        }

        Writer.Write("};");
        Writer.Blank();
    }

    void EmitStoreRow()
    {
        Writer.Write("""
            /// <summary>Stores a row's maximum and sum of weights; returns where its sums of values belong.</summary>
            """);
        Writer.Open("static ArrayView<Float4> TensorRow(DeviceCall call, int row, int across, float maximum, float sum)");
        Writer.Write("""
            long outputRow = ((long)Grid.IdxZ * call.LaunchTokens + row / Group) * QueryHeads + Grid.IdxY * Group + row % Group;
            long partial = outputRow * call.Splits + Grid.IdxX % call.Splits;
            """);
        Writer.Guarded("across == 0", "call.Maxima[partial] = maximum;", "call.Weights[partial] = sum;");
        Writer.Blank();
        Writer.Write($"return call.Sums.Cast<Float4>().SubView(partial * {Quarter}, {Quarter});");
        Writer.Close();
        Writer.Blank();
    }

    // What logits depend on: a row's variables once for each row.
    IEnumerable<PairParameter> LogitParameters => DeviceScoreEmitter.LogitParameters(Plan).SelectMany(parameter =>
        parameter.Variable is VariableKind.Query or VariableKind.Head
            ? Rows.Select(row => new PairParameter(parameter.Type, $"{parameter.Name}{row}", null))
            : [parameter]);

    static string Name(int part) => ((char)('a' + part)).ToString();

    // The floats of four that belong to a thread's first or second row.
    static string Fields(int row) => row == 0 ? "XY" : "ZW";

    // Whether some threads' columns of a part are behind the row's end: the condition, if there is one.
    string? IsBehind(int part) => (part + 1) * Part > HeadDim ? $"across * 8 + {part * Part} >= HeadDim" : null;
}
