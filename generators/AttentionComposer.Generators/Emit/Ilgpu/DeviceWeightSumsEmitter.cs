using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Emits the device's kernel that adds up what keys receive from queries whose log-sum-exps are known (H2O): the first product of attention once more, and the final weights, summed over
/// the queries.
/// </summary>
sealed class DeviceWeightSumsEmitter : DeviceProductEmitter
{
    DeviceWeightSumsEmitter(SourceWriter writer, KernelPlan plan, DevicePlan device)
        : base(writer, plan, device)
    {
    }

    public static void Emit(SourceWriter writer, KernelPlan plan, DevicePlan device) => new DeviceWeightSumsEmitter(writer, plan, device).Emit();

    static IEnumerable<int> Keys => Enumerable.Range(0, 4);

    bool NeedsKey => DeviceScoreEmitter.Needs(Plan, VariableKind.Key, masked: HasMask);

    void Emit()
    {
        Writer.Write($"""
            /// <summary>
            /// Adds to each key's score the mean over its group of the weights that the queries give it. A group of threads takes {TileKeys} keys and goes through the rows, each one token's one
            /// query head, {TileRows} at a time. The grid is (blocks of keys, key/value heads, sequences).
            /// </summary>
            """);
        Writer.Open("public static void SumWeights(DeviceCall call, DeviceEviction eviction)");
        EmitPlace();
        Writer.Open($"for (int firstRow = 0; firstRow < rows; firstRow += {TileRows})");
        EmitTile();
        Writer.Close();
        Writer.Blank();
        EmitEnd();
        Writer.Close();
        Writer.Blank();
        EmitKeyAt();
        EmitSeenOf();
        EmitWeightsOf();
    }

    void EmitPlace()
    {
        Writer.Write($"int thread = ThreadGroup.IdxX, across = thread % {Across}, down = thread / {Across};");
        Writer.Write("int keyValueHead = Grid.IdxY, sequence = Grid.IdxZ, pair = sequence * KeyValueHeads + keyValueHead;");
        if (Plan.DependsOn(VariableKind.Batch))
            Writer.Write("int batch = call.FirstSequence + sequence;");
        Writer.Write("int rows = call.LaunchTokens * Group, launchQuery = call.Lengths[sequence] - call.Tokens + call.FirstToken;");
        if (DeviceScoreEmitter.UsesCaptured(Plan))
            Writer.Write("Captured captured = Read(call);");
        Writer.Write($"""

            // The keys of the list, or all up to the last query.
            bool selects = call.Keep > 0;
            ArrayView<int> chosen = call.Chosen.SubView((long)pair * call.Keep, Math.Max(1, call.Keep));
            int keys = selects ? call.ChosenCounts[pair] : launchQuery + call.LaunchTokens, firstKey = Grid.IdxX * {TileKeys};
            if (firstKey >= keys)
                return;
            ArrayView<Chunk> keyRows = call.Keys.SubView((long)pair * call.Capacity * RowChunks, (long)call.Capacity * RowChunks);
            long firstQueryRow = ((long)sequence * call.Tokens + call.FirstToken) * QueryHeads + keyValueHead * Group;
            ArrayView<Float4> queries = call.Queries.Cast<Float4>().SubView(firstQueryRow * {Quarter});
            ArrayView<float> logSums = call.LogSumExp.SubView(firstQueryRow);
            ArrayView<Float4> tile = SharedMemory.Allocate<Float4>({ProductTile});
            ArrayView<float> tileCells = tile.Cast<float>();
            """);
        if (NeedsKey)
        {
            Writer.Write($"int ownKey = firstKey + across * 4, {string.Join(", ", Keys.Select(key => $"key{key} = KeyAt({Sum("ownKey", key)}, keys, selects, chosen)"))};");
        }

        Writer.Write("Float4 sums = default; // of this thread's keys");
    }

    void EmitTile()
    {
        string others = DeviceScoreEmitter.Others(DeviceScoreEmitter.Pass(MaskOthers, new PairNames("", "", "", "call.Faults")));
        string seen = $"SeenOf(firstRow + down * {ThreadRows}, rows, launchQuery, keys - firstKey - across * 4{(HasMask && DeviceScoreEmitter.MasksNeed(Plan, VariableKind.Key) ? ", key0, key1, key2, key3" : "")}{others})";
        Writer.Write($"""
            uint seen = {seen};
            if (!ThreadGroup.BarrierOr(seen != 0))
                continue; // no row sees a key of the block
            """);
        Writer.Blank();
        EmitScores("KeyAt(firstKey + key, keys, selects, chosen)");
        foreach (int row in Rows)
        {
            Writer.Write($"int row{row} = Math.Min({Sum($"firstRow + down * {ThreadRows}", row)}, rows - 1);");
            EmitRowVariables(Literal.Of(row));
            string bits = row == 0 ? "seen" : $"seen >> {4 * row}";
            string rest = DeviceScoreEmitter.Others(DeviceScoreEmitter.Pass(LogitOthers, new PairNames($"query{row}", $"head{row}", "", "call.Faults")));
            Writer.Write($"sums = Float4.Add(sums, WeightsOf(s{row}, {bits}, logSums[row{row} / Group * QueryHeads + row{row} % Group]{LogitKeys("key0, key1, key2, key3")}{rest}));");
        }
    }

    void EmitEnd()
    {
        int down = 128 / Across, count = DeviceScoreEmitter.CheckedFunctions(Plan).Length;
        Writer.Write($"""
            // Threads with the same keys add up their rows.
            ThreadGroup.Barrier();
            tile[thread] = sums;
            ThreadGroup.Barrier();
            """);
        if (count > 0)
            Writer.Write($"bool isFaulty = {string.Join(" || ", Enumerable.Range(0, count).Select(i => $"call.Faults[{i}] != 0"))}; // then the call is refused, and adds nothing");
        Writer.Open($"for (int i = thread; i < Math.Min({TileKeys}, keys - firstKey); i += 128)");
        Writer.Write("float total = tileCells[i];");
        Writer.Nested($"for (int other = 1; other < {down}; other++)", $"total += tileCells[other * {4 * Across} + i];");
        Writer.Write("""
            int key = KeyAt(firstKey + i, keys, selects, chosen), slot = eviction.Numbers[sequence] % EvictionKernel.Undoable;
            long place = (long)pair * call.Capacity + key;
            float score = eviction.Scores[place];
            if (eviction.Saves != 0)
                eviction.Saved[((long)pair * EvictionKernel.Undoable + slot) * call.Capacity + key] = score;
            """);
        string add = "eviction.Scores[place] = score + total / Group;";
        Writer.Guarded(count > 0 ? "!isFaulty" : null, add);
        Writer.Close();
    }

    void EmitKeyAt()
    {
        Writer.Write("/// <summary>The position of a key, counted along the list or from the first; one behind the last repeats it.</summary>");
        Writer.Open("static int KeyAt(int index, int keys, bool selects, ArrayView<int> chosen)");
        Writer.Write("""
            index = Math.Min(index, keys - 1);
            return selects ? chosen[index] : index;
            """);
        Writer.Close();
        Writer.Blank();
    }

    // What the methods take beside rows and keys.
    IEnumerable<PairParameter> MaskOthers
    {
        get
        {
            PairParameter[] all = HasMask ? DeviceScoreEmitter.MaskParameters(Plan) : [];
            var group = new PairParameter("int", "keyValueHead", VariableKind.KeyValueHead);
            IEnumerable<PairParameter> others = all.Where(parameter => parameter.Variable is not (VariableKind.Query or VariableKind.Key or VariableKind.Head));
            return all.Any(parameter => parameter.Variable == VariableKind.Head) && !all.Contains(group) ? others.Prepend(group) : others;
        }
    }

    IEnumerable<PairParameter> LogitOthers => DeviceScoreEmitter.LogitParameters(Plan).Where(parameter => parameter.Variable != VariableKind.Key);

    bool LogitNeedsKey => DeviceScoreEmitter.LogitParameters(Plan).Any(parameter => parameter.Variable == VariableKind.Key);

    string LogitKeys(string keys) => LogitNeedsKey ? ", " + keys : "";

    void EmitSeenOf()
    {
        bool needsKey = HasMask && DeviceScoreEmitter.MasksNeed(Plan, VariableKind.Key);
        Writer.Write("/// <summary>Which keys some rows see: bit 4r + k tells whether row r sees key k, of which there are only so many.</summary>");
        Writer.Open($"static uint SeenOf(int firstRow, int rows, int launchQuery, int count{(needsKey ? ", int key0, int key1, int key2, int key3" : "")}{DeviceScoreEmitter.Others(DeviceScoreEmitter.Declare(MaskOthers))})");
        Writer.Write("uint seen = 0;");
        Writer.Open($"for (int i = 0; i < {ThreadRows} && firstRow + i < rows; i++)");
        if (HasMask && DeviceScoreEmitter.MasksNeed(Plan, VariableKind.Query))
            Writer.Write("int query = launchQuery + (firstRow + i) / Group;");
        if (HasMask && DeviceScoreEmitter.MasksNeed(Plan, VariableKind.Head))
            Writer.Write("int head = keyValueHead * Group + (firstRow + i) % Group;");
        foreach (int key in Keys)
        {
            string visible = $"count > {key}" + (HasMask ? $" && {DeviceScoreEmitter.Sees(Plan, new PairNames("query", "head", $"key{key}", "faults"))}" : "");
            Writer.Nested($"if ({visible})", $"seen |= {1 << key}u << 4 * i;");
        }

        Writer.Close();
        Writer.Blank();
        Writer.Write("return seen;");
        Writer.Close();
        Writer.Blank();
    }

    void EmitWeightsOf()
    {
        string declarations = DeviceScoreEmitter.Others(DeviceScoreEmitter.Declare(LogitOthers));
        Writer.Write("/// <summary>The final weights of a row and four keys, from their dot products; 0 where the row does not see a key, or its weights are not numbers.</summary>");
        Writer.Write($"static Float4 WeightsOf(Float4 dots, uint seen, float logSum{LogitKeys("int key0, int key1, int key2, int key3")}{declarations}) => new()\n{{");
        foreach (int key in Keys)
        {
            string logit = DeviceScoreEmitter.Logit(Plan, $"dots.{"XYZW"[key]}", new PairNames("query", "head", $"key{key}", "faults"));
            Writer.Write($"    {"XYZW"[key]} = (seen & {1 << key}) != 0 ? DeviceMath.FinalWeight({logit}, logSum) : 0,");
        }

        Writer.Write("};");
        Writer.Blank();
    }
}
