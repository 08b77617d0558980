using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Emits the device's kernel for one or a few tokens. It is bound by reading the cache: each row is read once, in loads of 16 bytes that all
/// threads of a warp issue side by side, and the query heads of its group share it. While scores are summed up the values are on their way, and
/// while values are summed up the next keys are.
/// </summary>
sealed partial class DeviceDecodeEmitter
{
    readonly SourceWriter _writer;
    readonly KernelPlan _plan;
    readonly DevicePlan _device;
    readonly DeviceRow _row;
    readonly bool _onlyScores; // whether the kernel ends with the logits
    readonly int _keyLevels, _rowLevels, _levels; // of the sum over a team's threads: which halve the keys, then the rows; and all

    DeviceDecodeEmitter(SourceWriter writer, KernelPlan plan, DevicePlan device, bool onlyScores)
    {
        _writer = writer;
        _plan = plan;
        _device = device;
        _row = DeviceRow.Of(plan.Spec.Format);
        _onlyScores = onlyScores;
        for (_levels = 0; 1 << _levels < device.TeamThreads; _levels++)
        {
            if (device.TeamKeys >> _keyLevels > 1)
                _keyLevels++;
            else if ((device.Rows >> _rowLevels) % 2 == 0)
                _rowLevels++;
        }
    }

    public static void Emit(SourceWriter writer, KernelPlan plan, DevicePlan device) => new DeviceDecodeEmitter(writer, plan, device, onlyScores: false).Emit();

    int HeadDim => _plan.Spec.HeadDim;
    int Group => _plan.Spec.GroupSize;
    int OwnKeys => _device.TeamKeys >> _keyLevels;
    int OwnRows => _device.Rows >> _rowLevels;
    int TeamFloats => RoundUp(_device.TeamKeys * _device.Rows);
    int BufferFloats => _device.Teams * TeamFloats + (IsSoftmax ? RoundUp(_device.Rows) : 0);
    bool IsSoftmax => _plan.Spec.Normalization is Normalization.Softmax or Normalization.SoftmaxOne;
    bool HasIdleThreads => _device.Chunks % _device.TeamThreads != 0;
    bool HasPadding => _device.GroupRows * _device.RowTiles > Group;

    IEnumerable<int> Rows => Enumerable.Range(0, _device.Rows);
    IEnumerable<int> Keys => Enumerable.Range(0, _device.TeamKeys);
    IEnumerable<int> Chunks => Enumerable.Range(0, _device.ThreadChunks);

    void Emit()
    {
        EmitSummary();
        _writer.Open("public static void Decode(DeviceCall call)");
        EmitPlace();
        EmitKeys();
        EmitQueries();
        EmitState();
        _writer.Open("if (begin < end)");
        EmitFirstKeys();
        _writer.Open($"for (int front = {Front}; front < end; front += {_device.GroupKeys})");
        EmitScores();
        EmitWeights();
        EmitValues();
        _writer.Close();
        _writer.Close();
        _writer.Blank();
        EmitEnd();
        _writer.Close();
        _writer.Blank();
    }

    string Front => _device.KeyWarps == 1 ? "begin" : $"begin + {KeyWarp} * {_device.WarpKeys}";

    string KeyWarp => _device.RowWarps == 1 ? "warp" : "keyWarp";

    string Chunk(int chunk) => Part(chunk, _device.ThreadChunks);

    void EmitSummary()
    {
        string rows = _device.Rows == 1 ? "one query head" : $"{_device.Rows} query heads";
        _writer.Write($"""
            /// <summary>
            /// One or a few tokens. A group of threads takes one token's query heads of a key/value head over one split of the keys, in
            /// {DevicePlan.Warps} warps{(_device.RowWarps == 1 ? "" : $", {_device.RowWarps} for different heads and {_device.KeyWarps} for different keys")}. In a warp {_device.TeamThreads} threads are a team and read a row together{(_device.Teams == 1 ? "" : $", {_device.Teams} teams side by side")};
            /// {_device.WarpKeys} keys at a time are scored by {rows}, weighed and their values summed. The grid is (splits, {(_device.RowTiles == 1 ? "" : $"{_device.RowTiles} × ")}key/value heads, sequences × tokens).
            /// </summary>
            """);
    }

    void EmitPlace()
    {
        _writer.Write("int thread = ThreadGroup.IdxX, warp = thread / 32, lane = thread % 32;");
        if (_device.Teams > 1)
            _writer.Write($"int team = lane / {_device.TeamThreads}, part = lane % {_device.TeamThreads}; // which key, and which {(_device.ThreadChunks == 1 ? "16 bytes" : "chunks")} of its row");
        else
            _writer.Write($"int part = lane; // which {(_device.ThreadChunks == 1 ? "16 bytes" : "chunks")} of a row");
        if (HasIdleThreads)
        {
            int idle = (_device.ThreadChunks - 1) * _device.TeamThreads;
            _writer.Write($"bool active = part < {_device.Chunks - idle}; // a row ends before the last thread's part");
        }

        if (_device.RowWarps > 1)
            _writer.Write($"int keyWarp = warp / {_device.RowWarps}, rowWarp = warp % {_device.RowWarps};");
        _writer.Write(_device.RowTiles == 1
            ? "int keyValueHead = Grid.IdxY;"
            : $"int keyValueHead = Grid.IdxY / {_device.RowTiles}, firstRow = Grid.IdxY % {_device.RowTiles}{(_device.GroupRows == 1 ? "" : $" * {_device.GroupRows}")};");
        _writer.Write(_onlyScores
            ? "int sequence = Grid.IdxZ;"
            : "int sequence = Grid.IdxZ / call.LaunchTokens, token = call.FirstToken + Grid.IdxZ % call.LaunchTokens;");
        if (_plan.DependsOn(VariableKind.Batch))
            _writer.Write("int batch = call.FirstSequence + sequence;");
        _writer.Write($"int length = call.Lengths[sequence], query = {(_onlyScores ? "length - 1" : "length - call.Tokens + token")};");
        if (DeviceScoreEmitter.UsesCaptured(_plan))
            _writer.Write("Captured captured = Read(call);");
        _writer.Blank();
    }

    void EmitKeys()
    {
        int intervals = _plan.Intervals.Count;
        _writer.Write("// The keys that the query sees, and this split's share of them.");
        for (int i = 0; i < intervals; i++)
        {
            _writer.Write($"int low{i} = {DevicePrinter.Intervals.Low(_plan, i, "query", "query")}, high{i} = {DevicePrinter.Intervals.High(_plan, i, "query", "query")};");
            if (intervals > 1)
                _writer.Write($"int keys{i} = Math.Max(0, high{i} - low{i});");
        }

        string keys = intervals == 1 ? "Math.Max(0, high0 - low0)" : string.Join(" + ", Enumerable.Range(0, intervals).Select(i => $"keys{i}"));
        if (IsListed)
        {
            string pair = "sequence * KeyValueHeads + keyValueHead", list = _plan.Selection!.PerHead ? $"({pair}) * Group + firstRow" : pair;
            _writer.Write($"""
                bool selects = call.Keep > 0; // then a list tells the keys
                int list = {list};
                ArrayView<int> chosen = call.Chosen.SubView((long)list * call.Keep, Math.Max(1, call.Keep));
                """);
            keys = $"selects ? call.ChosenCounts[list] : {keys}";
        }

        _writer.Write($"""
            int keys = {keys};
            int begin = (int)((long)keys * Grid.IdxX / call.Splits), end = (int)((long)keys * (Grid.IdxX + 1) / call.Splits);
            long firstChunk = ((long)sequence * KeyValueHeads + keyValueHead) * call.Capacity * RowChunks;
            ArrayView<Chunk> keyRows = call.Keys.SubView(firstChunk, (long)call.Capacity * RowChunks);
            """);
        if (!_onlyScores)
            _writer.Write("ArrayView<Chunk> valueRows = call.Values.SubView(firstChunk, (long)call.Capacity * RowChunks);");
        _writer.Blank();
    }

    void EmitQueries()
    {
        int rows = _device.GroupRows, quarter = HeadDim / 4;
        string row = _device.RowTiles == 1 ? "i / HeadDim" : "firstRow + i / HeadDim";
        // A row of padding computes what the last one does; nobody reads it.
        string source = HasPadding ? $"Math.Min({row}, Group - 1) * HeadDim + i % HeadDim" : _device.RowTiles == 1 ? "i" : "firstRow * HeadDim + i";
        string token = _onlyScores ? "(long)sequence" : "((long)sequence * call.Tokens + token)", slots = _onlyScores ? "" : $"{_device.KeyWarps * _device.Teams}, ";
        _writer.Write($"""
            // The group's queries, scaled, pass through shared memory{(_onlyScores ? "" : "; it holds the teams' sums in the end")}.
            long firstQuery = ({token} * KeyValueHeads + keyValueHead) * (Group * HeadDim);
            ArrayView<float> queries = call.Queries.SubView(firstQuery, Group * HeadDim);
            ArrayView<Float4> parts = SharedMemory.Allocate<Float4>({(_onlyScores ? 1 : _device.KeyWarps * _device.Teams) * rows * quarter}); // [{slots}{rows}, HeadDim / 4]
            ArrayView<float> scaled = parts.Cast<float>();
            for (int i = thread; i < {rows} * HeadDim; i += 128)
                scaled[i] = queries[{source}] * {Literal.Of(_plan.QueryFactor)};
            ThreadGroup.Barrier();
            """);
        foreach (int own in Rows)
        {
            string first = Sum(_device.RowWarps == 1 ? null : $"rowWarp * {_device.Rows}", own);
            string place = first == "0" ? "" : int.TryParse(first, out int number) ? $"{number * quarter} + " : $"{Factor(first)} * {quarter} + ";
            foreach (int chunk in Chunks)
                _writer.Write($"{_row.Floats} q{own}{Chunk(chunk)} = {_row.Floats}.Load(parts, {place}{(_device.ChunkScalars == 4 ? PartOf(chunk) : Factor(PartOf(chunk)) + " * 2")});");
        }

        _writer.Blank();
    }

    // The warp's first row among the group's heads; null for 0.
    string? FirstRow => (_device.RowTiles, _device.RowWarps) switch
    {
        (1, 1) => null,
        (1, _) => $"rowWarp * {_device.Rows}",
        (_, 1) => "firstRow",
        _ => $"firstRow + rowWarp * {_device.Rows}",
    };

    // Which of the row's chunks is a thread's; an idle thread repeats the last one.
    string PartOf(int chunk)
    {
        string part = chunk == 0 ? "part" : $"part + {chunk * _device.TeamThreads}";
        return HasIdleThreads && chunk == _device.ThreadChunks - 1 ? $"Math.Min({part}, {_device.Chunks - 1})" : part;
    }

    void EmitState()
    {
        EmitOwn();
        for (int row = 0; row < OwnRows; row++)
            _writer.Write($"float maximum{row} = float.NegativeInfinity, sum{row} = 0;");
        foreach (int row in Rows)
            _writer.Write(string.Join(" ", Chunks.Select(chunk => $"{_row.Floats} o{row}{Chunk(chunk)} = default;")));
        _writer.Write($"""

            // A warp passes weights on to its threads in two buffers by turns, so that none is overwritten while it is read.
            ArrayView<Float4> weights = SharedMemory.Allocate<Float4>({DevicePlan.Warps * 2 * BufferFloats / 4});
            ArrayView<float> weightCells = weights.Cast<float>();
            int buffer = warp * {2 * BufferFloats}, turn = 0;

            """);
    }

    void EmitOwn()
    {
        string held = (OwnKeys, OwnRows) switch
        {
            (1, 1) => "its own key and row",
            (1, _) => $"its own key and {OwnRows} rows",
            (_, 1) => $"{OwnKeys} keys and its own row",
            _ => $"{OwnKeys} keys and {OwnRows} rows",
        };
        _writer.Write($"// After the team's sum over its threads, this thread holds the products of {held}.");
        if (_keyLevels + _rowLevels > 0)
            _writer.Write($"bool {string.Join(", ", Enumerable.Range(0, _keyLevels + _rowLevels).Select(i => $"bit{i} = (lane & {1 << i}) != 0"))};");
        _writer.Write($"int ownKey = {Own(0, _keyLevels, _device.TeamKeys)}{(_rowLevels == 0 ? "" : $", ownRow = {Own(_keyLevels, _rowLevels, _device.Rows)}")};");
        if (DeviceScoreEmitter.Needs(_plan, VariableKind.Head, DeviceScoreEmitter.TestsInDecode(_plan)))
        {
            for (int row = 0; row < OwnRows; row++)
            {
                string added = HasPadding ? $" + Math.Min({InGroup(row)}, Group - 1)" : InGroup(row) == "0" ? "" : " + " + InGroup(row);
                _writer.Write($"int head{row} = keyValueHead * Group{added};");
            }
        }
    }

    // One of this thread's own rows, as the warp counts them.
    string OwnRow(int row) => Sum(_rowLevels == 0 ? null : "ownRow", row);

    // The same row, as the group of heads counts it.
    string InGroup(int row) => FirstRow is null ? OwnRow(row) : OwnRow(row) == "0" ? FirstRow : $"{FirstRow} + {OwnRow(row)}";

    // The bits of the lane as the number of a key or row: the first level parts the lower half from the upper one.
    static string Own(int firstLevel, int levels, int count) => string.Join(" + ",
        Enumerable.Range(0, levels).Select(i => $"(bit{firstLevel + i} ? {count >> (i + 1)} : 0)"));

    string Position(string index)
    {
        string text = $"low0 + {index}";
        return _plan.Intervals.Count == 1 && !IsListed ? text : $"Position({index}, {(IsListed ? "selects, chosen, " : "")}{PositionArguments(_plan, "")})";
    }

    static string PositionArguments(KernelPlan plan, string type) =>
        string.Join(", ", Enumerable.Range(0, plan.Intervals.Count).Select(i => $"{type}low{i}{(i == plan.Intervals.Count - 1 ? "" : $", {type}keys{i}")}"));

    // Whether a selection may give a list of the keys.
    bool IsListed => _plan.Selection is not null && !_onlyScores;

    /// <summary>Emits where the i-th of the keys in several intervals is, and of those that a selection may list.</summary>
    public static void EmitPosition(SourceWriter writer, KernelPlan plan)
    {
        int intervals = plan.Intervals.Count;
        if (plan.Selection is not null)
        {
            writer.Write("/// <summary>The position of one of the keys that a query attends to: of the list, or counted along the intervals that it sees.</summary>");
            writer.Write($"static int Position(int index, bool selects, ArrayView<int> chosen, {PositionArguments(plan, "int ")}) =>");
            writer.Write($"    selects ? chosen[index] : {(intervals == 1 ? "low0 + index" : $"Position(index, {PositionArguments(plan, "")})")};");
            writer.Blank();
        }

        if (intervals == 1)
            return;
        writer.Write("/// <summary>The position of one of the keys that a query sees, counted along the intervals.</summary>");
        writer.Open($"static int Position(int index, {PositionArguments(plan, "int ")})");
        for (int i = 0; i + 1 < intervals; i++)
        {
            writer.Nested($"if (index < keys{i})", $"return low{i} + index;");
            writer.Write($"index -= keys{i};");
        }

        writer.Write($"return low{intervals - 1} + index;");
        writer.Close();
        writer.Blank();
    }

    string TeamIndex(string front, int key)
    {
        string index = Sum(front, key * _device.Teams);
        return _device.Teams == 1 ? index : index + " + team";
    }

    void EmitFirstKeys()
    {
        _writer.Write($"// Keys behind the split's last one repeat it and {(_onlyScores ? "get no score" : "count as hidden")}.");
        _writer.Write($"int last = end - 1, next = {Front};");
        EmitKeyLoads(declare: true);
    }

    void EmitKeyLoads(bool declare)
    {
        string type = declare ? "int " : "", chunkType = declare ? "Chunk " : "";
        foreach (int key in Keys)
        {
            string position = Position($"Math.Min({TeamIndex("next", key)}, last)");
            _writer.Write($"{type}row{key} = {(position.StartsWith("low", System.StringComparison.Ordinal) ? $"({position})" : position)} * RowChunks;");
        }

        foreach (int key in Keys)
            _writer.Write(string.Join(" ", Chunks.Select(chunk => $"{chunkType}k{key}{Chunk(chunk)} = keyRows[row{key} + {PartOf(chunk)}];")));
    }

    void EmitScores()
    {
        foreach (int key in Keys)
            _writer.Write(string.Join(" ", Chunks.Select(chunk => $"Chunk v{key}{Chunk(chunk)} = valueRows[row{key} + {PartOf(chunk)}];")));
        _writer.Blank();
        EmitDots();
        EmitNextKeys("values are summed");
        EmitTeamSums();
    }

    void EmitDots()
    {
        foreach (int key in Keys)
        {
            foreach (int chunk in Chunks)
                _writer.Write($"{_row.Floats} key{key}{Chunk(chunk)} = Chunk.{_row.Format}(k{key}{Chunk(chunk)});");
            foreach (int row in Rows)
                _writer.Write($"float s{key}{row} = {string.Join(" + ", Chunks.Select(chunk => Dot(key, row, chunk)))};");
        }

        _writer.Blank();
    }

    void EmitNextKeys(string meanwhile)
    {
        _writer.Write($"""
            // The next keys are on their way while the {meanwhile}.
            next = front + {_device.GroupKeys};
            """);
        EmitKeyLoads(declare: false);
        _writer.Blank();
    }

    string Dot(int key, int row, int chunk)
    {
        string dot = $"{_row.Floats}.Dot(q{row}{Chunk(chunk)}, key{key}{Chunk(chunk)})";
        return HasIdleThreads && chunk == _device.ThreadChunks - 1 ? $"DeviceMath.OnlyIf(active, {dot})" : dot;
    }

    void EmitTeamSums()
    {
        if (_levels == 0)
            return;
        _writer.Write("// Sums over the team's threads. In each step two threads share the values that they hold between them.");
        int keys = _device.TeamKeys, rows = _device.Rows;
        for (int level = 0; level < _levels; level++)
        {
            bool halvesKeys = level < _keyLevels, halvesRows = !halvesKeys && level < _keyLevels + _rowLevels;
            keys = halvesKeys ? keys / 2 : keys;
            rows = halvesRows ? rows / 2 : rows;
            for (int key = 0; key < keys; key++)
            {
                for (int row = 0; row < rows; row++)
                {
                    string value = $"s{key}{row}", upper = halvesKeys ? $"s{key + keys}{row}" : $"s{key}{row + rows}";
                    _writer.Write(halvesKeys || halvesRows
                        ? $"{value} = DeviceMath.Share(bit{level}, {value}, {upper}, {1 << level});"
                        : $"{value} += Warp.ShuffleXor({value}, {1 << level});");
                }
            }
        }

        _writer.Blank();
    }

    // The lanes that differ in these bits hold other keys of the same rows.
    IEnumerable<int> KeyDistances => Enumerable.Range(0, _keyLevels).Concat(Enumerable.Range(0, 5).Where(bit => 1 << bit >= _device.TeamThreads)).Select(bit => 1 << bit);

    void EmitWeights()
    {
        bool tests = DeviceScoreEmitter.TestsInDecode(_plan);
        for (int key = 0; key < OwnKeys; key++)
        {
            EmitOwnKey(key, tests);
            for (int row = 0; row < OwnRows; row++)
            {
                var names = new PairNames("query", $"head{row}", $"position{key}", "call.Faults");
                string visible = $"index{key} < end" + (tests ? $" && {DeviceScoreEmitter.Sees(_plan, names)}" : "");
                string logit = DeviceScoreEmitter.Logit(_plan, $"s{key}{row}", names);
                _writer.Write($"float logit{key}{row} = {visible} ? {logit} : float.NegativeInfinity;");
            }
        }

        for (int row = 0; row < OwnRows; row++)
            EmitRowWeights(row);
        _writer.Write("Warp.Barrier();");
    }

    // Which of the keys is this thread's, and where it is, if anything asks.
    void EmitOwnKey(int key, bool tests)
    {
        string offset = Sum("ownKey", key);
        _writer.Write($"int index{key} = front + {(_device.Teams == 1 ? offset : $"{Factor(offset)} * {_device.Teams} + team")};");
        if (DeviceScoreEmitter.Needs(_plan, VariableKind.Key, tests))
            _writer.Write($"int position{key} = {Position($"Math.Min(index{key}, last)")};");
    }

    void EmitRowWeights(int row)
    {
        int[] keys = [.. Enumerable.Range(0, OwnKeys)];
        if (IsSoftmax)
        {
            string largest = $"largest{row}";
            _writer.Write($"float {largest} = {keys.Select(key => $"logit{key}{row}").Aggregate((x, y) => $"DeviceMath.Max({x}, {y})")};");
            foreach (int distance in KeyDistances)
                _writer.Write($"{largest} = DeviceMath.Max({largest}, Warp.ShuffleXor({largest}, {distance}));");
            _writer.Write($"""
                {largest} = DeviceMath.Max(maximum{row}, {largest});
                float pivot{row} = DeviceMath.Pivot({largest}), correction{row} = XMath.Exp2(maximum{row} - pivot{row});
                maximum{row} = {largest};
                """);
        }

        foreach (int key in keys)
        {
            string name = $"{key}{row}";
            _writer.Write($"float weight{name} = {WeightOf(name, row)};");
        }

        string sum = string.Join(" + ", keys.Select(key => $"weight{key}{row}"));
        _writer.Write(IsSoftmax ? $"sum{row} = sum{row} * correction{row} + {sum};" : $"sum{row} += {sum};");
        foreach (int key in keys)
        {
            if (!IsSoftmax)
                _writer.Nested($"if (logit{key}{row} != float.NegativeInfinity)", $"maximum{row} = 0;");
            _writer.Write($"weightCells[buffer + turn + {Cell(key, row)}] = weight{key}{row};");
        }

        if (IsSoftmax)
            _writer.Write($"weightCells[buffer + turn + {(_rowLevels == 0 ? Literal.Of(_device.Teams * TeamFloats + row) : $"{_device.Teams * TeamFloats} + {OwnRow(row)}")}] = correction{row};");
    }

    string WeightOf(string name, int row) => _plan.Spec.Normalization switch
    {
        Normalization.Sigmoid => $"DeviceMath.SigmoidWeight(logit{name})",
        Normalization.Relu => $"DeviceMath.ReluWeight(logit{name})",
        _ => $"DeviceMath.Weight(logit{name}, pivot{row})",
    };

    string Cell(int key, int row)
    {
        string team = _device.Teams == 1 ? "" : $"team * {TeamFloats} + ";
        int constant = key * _device.Rows + row;
        string own = $"{team}ownKey{(_device.Rows == 1 ? "" : $" * {_device.Rows}")}{(_rowLevels == 0 ? "" : " + ownRow")}";
        return Sum(own, constant);
    }

    void EmitValues()
    {
        _writer.Write($"int read = (buffer + turn) / 4;");
        _writer.Write($"turn = {BufferFloats} - turn;");
        if (IsSoftmax)
        {
            int first = _device.Teams * TeamFloats / 4;
            for (int i = 0; i * 4 < _device.Rows; i++)
                _writer.Write($"Float4 c{i} = weights[read + {first + i}];");
            _writer.Open($"if ({string.Join(" * ", Rows.Select(row => Field("c", row)))} != 1)");
            foreach (int row in Rows)
            {
                foreach (int chunk in Chunks)
                    _writer.Write($"o{row}{Chunk(chunk)} = {_row.Floats}.Multiply({Field("c", row)}, o{row}{Chunk(chunk)});");
            }

            _writer.Close();
            _writer.Blank();
        }

        string team = _device.Teams == 1 ? "" : $" + team * {TeamFloats / 4}";
        for (int i = 0; i * 4 < TeamFloats; i++)
            _writer.Write($"Float4 w{i} = weights[read{team}{(i == 0 ? "" : $" + {i}")}];");
        foreach (int key in Keys)
        {
            if (key > 0)
                _writer.Blank();
            EmitKeyValues(key);
        }
    }

    // A hidden value may hold anything, and 0 · NaN is NaN: it is left out. Unless a function hides keys, only those behind the split's end are
    // hidden, and from every row.
    void EmitKeyValues(int key)
    {
        bool differs = DeviceScoreEmitter.DiffersByRow(_plan);
        foreach (int chunk in Chunks)
            _writer.Write($"{_row.Floats} value{key}{Chunk(chunk)} = Chunk.{_row.Format}(v{key}{Chunk(chunk)});");
        var all = new List<string>();
        foreach (int row in Rows)
        {
            string weight = Field("w", key * _device.Rows + row);
            string[] sums = [.. Chunks.Select(chunk => $"o{row}{Chunk(chunk)} = {_row.Floats}.MultiplyAdd({weight}, value{key}{Chunk(chunk)}, o{row}{Chunk(chunk)});")];
            if (differs)
                _writer.Guarded($"!DeviceMath.IsHidden({weight})", sums);
            all.AddRange(sums);
        }

        if (!differs)
            _writer.Guarded($"{TeamIndex("front", key)} < end", [.. all]);
    }

    void EmitEnd()
    {
        int rows = _device.GroupRows, quarter = HeadDim / 4, slots = _device.KeyWarps * _device.Teams;
        for (int row = 0; row < OwnRows; row++)
        {
            foreach (int distance in KeyDistances)
            {
                if (!IsSoftmax)
                    _writer.Write($"maximum{row} = DeviceMath.Max(maximum{row}, Warp.ShuffleXor(maximum{row}, {distance}));");
                _writer.Write($"sum{row} += Warp.ShuffleXor(sum{row}, {distance});");
            }
        }

        _writer.Write($"""

            // What the group's teams have summed is added up through shared memory.
            ArrayView<float> warpMaxima = SharedMemory.Allocate<float>({DevicePlan.Warps * _device.Rows});
            ArrayView<float> warpWeights = SharedMemory.Allocate<float>({DevicePlan.Warps * _device.Rows});
            """);
        for (int row = 0; row < OwnRows; row++)
        {
            string place = $"warp * {_device.Rows}{(OwnRow(row) is var own and not "0" ? " + " + own : "")}";
            _writer.Write($"warpMaxima[{place}] = maximum{row};");
            _writer.Write($"warpWeights[{place}] = sum{row};");
        }

        _writer.Write("ThreadGroup.Barrier();");
        _writer.Blank();
        EmitParts(rows, quarter);
        string firstRow = _device.RowTiles == 1 ? "" : " + firstRow";
        string? inside = HasPadding ? $"{(_device.RowTiles == 1 ? "row" : "firstRow + row")} < Group" : null;
        _writer.Write($"""
            ThreadGroup.Barrier();

            long partial = ((long)Grid.IdxZ * QueryHeads + keyValueHead * Group{firstRow}) * call.Splits + Grid.IdxX;
            ArrayView<Float4> sums = call.Sums.Cast<Float4>();
            """);
        _writer.Open($"for (int i = thread; i < {rows * quarter}; i += 128)");
        _writer.Write("Float4 total = parts[i];");
        if (slots > 1)
            _writer.Nested($"for (int slot = 1; slot < {slots}; slot++)", $"total = Float4.Add(total, parts[slot * {rows * quarter} + i]);");
        _writer.Write($"int row = i / {quarter}, quad = i % {quarter};");
        _writer.Guarded(inside, $"sums[(partial + (long)row * call.Splits) * {quarter} + quad] = total;");
        _writer.Close();
        _writer.Blank();
        _writer.Open($"for (int row = thread; row < {rows}; row += 128)");
        if (_device.KeyWarps == 1)
            _writer.Write("float largest = warpMaxima[row], total = warpWeights[row];");
        else
        {
            _writer.Write($"float largest = DeviceMath.Largest(warpMaxima, {_device.KeyWarps}, {rows}, row), total = 0;");
            _writer.Nested(
                $"for (int slot = 0; slot < {_device.KeyWarps}; slot++)",
                $"total += DeviceMath.Factor(warpMaxima[slot * {rows} + row], largest) * warpWeights[slot * {rows} + row];");
        }

        _writer.Guarded(inside, "call.Maxima[partial + (long)row * call.Splits] = largest;", "call.Weights[partial + (long)row * call.Splits] = total;");
        _writer.Close();
    }

    void EmitParts(int rows, int quarter)
    {
        string slot = _device.Teams == 1 ? KeyWarp : $"{KeyWarp} * {_device.Teams} + team";
        if (_device.KeyWarps == 1)
            slot = _device.Teams == 1 ? "" : "team";
        string tile = _device.RowWarps == 1 ? "" : $" + rowWarp * {_device.Rows}";
        string row0 = slot.Length == 0 ? "" : $"{Factor(slot)} * {rows}";
        string first = (row0 + tile) is { Length: > 0 } sum ? sum.TrimStart(' ', '+') : "0";
        _writer.Write($"int firstPart = {Factor(first)} * {quarter}, column = {(_device.ChunkScalars == 8 ? "part * 2" : "part")};");
        if (HasIdleThreads && _device.ThreadChunks == 1)
            _writer.Open("if (active)");
        foreach (int row in Rows)
        {
            string groupRow = Sum(_device.RowWarps == 1 ? null : $"rowWarp * {_device.Rows}", row);
            if (_device.KeyWarps > 1)
                _writer.Write($"float factor{row} = DeviceMath.Factor(warpMaxima[{Sum($"warp * {_device.Rows}", row)}], DeviceMath.Largest(warpMaxima, {_device.KeyWarps}, {rows}, {groupRow}));");
            foreach (int chunk in Chunks)
            {
                int offset = row * quarter + chunk * _device.TeamThreads * _device.ChunkScalars / 4;
                string own = $"o{row}{Chunk(chunk)}", scaled = _device.KeyWarps == 1 ? own : $"{_row.Floats}.Multiply(factor{row}, {own})";
                string store = $"{_row.Floats}.Store(parts, {Sum("firstPart + column", offset)}, {scaled});";
                if (HasIdleThreads && _device.ThreadChunks > 1 && chunk == _device.ThreadChunks - 1)
                    _writer.Nested("if (active)", store);
                else
                    _writer.Write(store);
            }
        }

        if (HasIdleThreads && _device.ThreadChunks == 1)
        {
            _writer.Close();
            _writer.Blank();
        }
    }

    static int RoundUp(int floats) => (floats + 3) / 4 * 4;
}
