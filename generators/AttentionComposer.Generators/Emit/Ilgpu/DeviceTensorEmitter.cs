using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Emits the device's kernel for many tokens over a cache of 16-bit floats on a card with tensor cores. A warp computes 16 rows of a tile; queries stay in registers, a block's keys and values
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

    bool IsFloat16 => Plan.Spec.Format == KvFormat.Float16;
    string Terms => IsFloat16 ? "Float16Terms" : "BFloat16Terms";
    int TermCount => IsFloat16 ? 2 : 3;
    int StepKeys => IsFloat16 ? TileKeys : TileKeys / 2; // more terms leave registers for fewer keys
    bool HasSteps => StepKeys < TileKeys;
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
    bool LoadsAtOnce => IsFloat16 && IsPlain && !Plan.TestsTiles; // there are registers for it
    bool IsPlain => DeviceScoreEmitter.IsPlain(Plan);
    bool ChecksScores => !IsPlain; // a function may make a number of what is none
    IEnumerable<int> Tiles => Enumerable.Range(0, StepKeys / KeyTile);
    IEnumerable<int> Pairs => Enumerable.Range(0, StepKeys / (2 * KeyTile));
    static IEnumerable<int> Rows => Enumerable.Range(0, 2);

    void Emit()
    {
        Writer.Write($"""
            /// <summary>
            /// Many tokens, on tensor cores. A group of threads takes {TileRows} rows, each one token's one query head of a key/value head, over one split of the keys,
            /// {TileKeys} at a time; 4 neighbouring threads share a row, and the one 8 rows further on. Queries and weights are sums of {(IsFloat16 ? "two float16" : "three bfloat16")} each. A group that meets
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
        if (HasSteps)
            Writer.Open($"for (int step = 0; step < {TileKeys / StepKeys} && firstKey < high; step++)");
        EmitTile();
        EmitScores();
        EmitWeights();
        EmitValues();
        if (HasSteps)
        {
            Writer.Write($"""

                firstKey += {StepKeys};
                seen >>= {4 * Tiles.Count()};
                """);
            Writer.Close();
        }

        Writer.Close();
        Writer.Blank();
        EmitEnd();
        Writer.Close();
        Writer.Blank();
        EmitSeen("TensorSeen", "bit 4t + 2r + k tells whether row 8r sees key 8t + k", TileKeys / 2, "i / 2 % 2 * 8", "i / 4 * 8 + i % 2");
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
        if (IsFloat16)
            Writer.Write("// Divided by a power of 2, and as sums of two float16.");
        foreach (int row in Rows)
        {
            if (IsFloat16)
            {
                Writer.Write($"float size{row} = TensorMath.Size(q{row}a);");
                foreach (int part in Parts.Skip(1))
                    Writer.Write($"size{row} = TensorMath.Max(size{row}, TensorMath.Size(q{row}{Name(part)}));");
                Writer.Write($"float unit{row} = TensorMath.Unit(DeviceMath.LargestOf(size{row}, 4)), inverse{row} = TensorMath.Inverse(unit{row});");
            }

            foreach (int part in Parts)
            {
                string query = $"q{row}{Name(part)}";
                Writer.Write($"{Terms} terms{row}{Name(part)} = {Terms}.Of({(IsFloat16 ? $"Float8.Multiply(inverse{row}, {query})" : query)});");
            }
        }

        Writer.Blank();
    }

    void EmitState()
    {
        Writer.Write($"""
            ArrayView<Chunk> keyTile = SharedMemory.Allocate<Chunk>({StepKeys * KeyStride}); // [{StepKeys} keys, {PaddedChunks} chunks{Spare(KeyStride - PaddedChunks)}]
            ArrayView<Chunk> valueTile = SharedMemory.Allocate<Chunk>({StepKeys / 4 * QuadStride}); // [{StepKeys / 4} fours of keys, {4 * PaddedChunks} chunks{Spare(QuadStride - 4 * PaddedChunks)}]
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
        int keyLoads = StepKeys * PaddedChunks / 128, fours = StepKeys / 4, valueLoads = (fours * PaddedChunks + 127) / 128;
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
            foreach (int tile in Tiles)
                Writer.Write($"s{tile} = {Terms}.Scores(terms0{Name(part)}, terms1{Name(part)}, keyTile[{Sum("ownKey", tile * KeyTile * KeyStride + part * 4)}], s{tile});");
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
            string dots = IsFloat16 ? $"TensorMath.Multiply(unit0, unit1, s{tile})" : $"s{tile}";
            string others = DeviceScoreEmitter.Pass(LogitParameters, new PairNames("", "", Sum("firstOwn", tile * KeyTile), "call.Faults"));
            string logits = IsPlain ? dots : $"TensorLogits({dots}, {Seen(tile)}{DeviceScoreEmitter.Others(others)})";
            if (logits != $"s{tile}")
                Writer.Write($"s{tile} = {logits};");
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
                float pivot{row} = DeviceMath.Pivot(largest{row}), correction{row} = TensorMath.Exp2(maximum{row} - pivot{row});
                maximum{row} = largest{row};
                """);
        }

        if (IsFloat16)
            Writer.Write("float lower0 = pivot0 - TensorMath.WeightExponent, lower1 = pivot1 - TensorMath.WeightExponent; // float16 holds larger weights better");
        string pivots = IsFloat16 ? "lower0, lower1" : "pivot0, pivot1";
        foreach (int tile in Tiles)
            Writer.Write($"s{tile} = TensorMath.Weights(s{tile}, {pivots});");
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
            Writer.Write($"{Terms} weights{pair} = {Terms}.Of(s{2 * pair}, s{2 * pair + 1});");

        foreach (int pair in Pairs)
        {
            foreach (int sums in SumPairs)
            {
                string values = $"v{pair}{Name(sums)}";
                Writer.Write($"""
                    Chunk {values} = valueTile[{Sum("ownValues", pair * 4 * QuadStride + sums * 8)}];
                    o{2 * sums} = {Terms}.Values(weights{pair}, {values}.X, {values}.Y, o{2 * sums});
                    o{2 * sums + 1} = {Terms}.Values(weights{pair}, {values}.Z, {values}.W, o{2 * sums + 1});
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
        if (IsFloat16)
        {
            Writer.Write("// Without the weights' factor.");
            foreach (int row in Rows)
                Writer.Write($"sum{row} *= 1 / TensorMath.WeightUnit;");
            foreach (int sum in Sums)
                Writer.Write($"o{sum} = Float4.Multiply(1 / TensorMath.WeightUnit, o{sum});");
            Writer.Blank();
        }

        Writer.Write("// Rows of padding are nobody's.");
        foreach (int row in Rows)
        {
            Writer.Write($"sum{row} = DeviceMath.SumOf(sum{row}, 4);");
            Writer.Open($"if (firstRow + down{(row == 0 ? "" : " + 8")} < rows)");
            Writer.Write($"ArrayView<Float4> sums{row} = TensorRow(call, row{row}, across, maximum{row}, sum{row});");
            foreach (int pair in SumPairs)
            {
                string first = $"o{2 * pair}", second = $"o{2 * pair + 1}", fields = Fields(row);
                Writer.Guarded(
                    (pair + 1) * 16 <= HeadDim ? null : $"across < {(HeadDim - pair * 16) / 4}",
                    $"sums{row}[{Sum("across", pair * 4)}] = new Float4 {{ X = {first}.{fields[0]}, Y = {second}.{fields[0]}, Z = {first}.{fields[1]}, W = {second}.{fields[1]} }};");
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
