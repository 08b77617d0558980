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
sealed class DevicePrefillEmitter
{
    const int Slab = 32; // columns of queries and keys that are in shared memory at once
    const int Padding = 4; // floats between rows of shared memory, so that threads that store a column meet different banks

    readonly SourceWriter _writer;
    readonly KernelPlan _plan;
    readonly DevicePlan _device;
    readonly DeviceRow _row;

    DevicePrefillEmitter(SourceWriter writer, KernelPlan plan, DevicePlan device)
    {
        _writer = writer;
        _plan = plan;
        _device = device;
        _row = DeviceRow.Of(plan.Spec.Format);
    }

    public static void Emit(SourceWriter writer, KernelPlan plan, DevicePlan device) => new DevicePrefillEmitter(writer, plan, device).Emit();

    int HeadDim => _plan.Spec.HeadDim;
    int Quarter => HeadDim / 4;
    int TileRows => _device.PrefillRows;
    int TileKeys => _device.PrefillKeys;
    int Across => _device.PrefillKeyThreads;
    int ThreadRows => _device.PrefillThreadRows;
    int Intervals => _plan.Intervals.Count;
    int QueryStride => (TileRows + Padding) / 4;
    int KeyStride => (TileKeys + Padding) / 4;
    int KeysAt => Slab * QueryStride;
    int ThreadColumns => (Quarter + Across - 1) / Across;
    bool IsSoftmax => _plan.Spec.Normalization is Normalization.Softmax or Normalization.SoftmaxOne;
    bool HasMask => DeviceScoreEmitter.HasMask(_plan);

    IEnumerable<int> Rows => Enumerable.Range(0, ThreadRows);
    IEnumerable<int> Columns => Enumerable.Range(0, ThreadColumns);

    string Column(int column) => Part(column, ThreadColumns);

    void Emit()
    {
        _writer.Write($"""
            /// <summary>
            /// Many tokens. A group of threads takes {TileRows} rows, each one token's one query head of a key/value head, over one split of the keys,
            /// {TileKeys} at a time. A thread computes {ThreadRows} rows × 4 keys of scores, then {ThreadRows} rows × {4 * ThreadColumns} columns of the result.
            /// The grid is (splits × tiles of rows, key/value heads, sequences).
            /// </summary>
            """);
        _writer.Open("public static void Prefill(DeviceCall call)");
        EmitPlace();
        EmitBlocks();
        EmitState();
        _writer.Open("for (int block = begin; block < end; block++)");
        EmitBlock();
        EmitScores();
        EmitWeights();
        EmitValues();
        _writer.Close();
        _writer.Blank();
        EmitEnd();
        _writer.Close();
        _writer.Blank();
        EmitSeen();
        EmitLogits();
        EmitStoreRow();
    }

    void EmitPlace()
    {
        _writer.Write($"""
            int thread = ThreadGroup.IdxX, across = thread % {Across}, down = thread / {Across};
            int keyValueHead = Grid.IdxY, sequence = Grid.IdxZ, split = Grid.IdxX % call.Splits;
            """);
        if (_plan.DependsOn(VariableKind.Batch))
            _writer.Write("int batch = sequence;");
        _writer.Write($"""
            int rows = call.LaunchTokens * Group;

            // The last tokens see the most keys under a causal mask: they go first.
            int firstRow = (Grid.DimX - 1 - Grid.IdxX) / call.Splits * {TileRows};
            int length = call.Lengths[sequence], launchQuery = length - call.Tokens + call.FirstToken;
            int firstQuery = launchQuery + firstRow / Group, lastQuery = launchQuery + Math.Min(firstRow + {TileRows - 1}, rows - 1) / Group;
            """);
        if (DeviceScoreEmitter.UsesCaptured(_plan))
            _writer.Write("Captured captured = Read(call);");
        _writer.Blank();
    }

    void EmitBlocks()
    {
        _writer.Write("// The blocks of keys that some row sees, and this split's share of them.");
        for (int i = 0; i < Intervals; i++)
        {
            _writer.Write($"int low{i} = {DevicePrinter.Intervals.Low(_plan, i, "firstQuery", "lastQuery")}, high{i} = {DevicePrinter.Intervals.High(_plan, i, "firstQuery", "lastQuery")};");
            if (HasMask && !_plan.TestsTiles)
                _writer.Write($"int fullLow{i} = {DevicePrinter.Intervals.FullLow(_plan, i, "firstQuery", "lastQuery")}, fullHigh{i} = {DevicePrinter.Intervals.FullHigh(_plan, i, "firstQuery", "lastQuery")};");
            if (Intervals > 1)
                _writer.Write($"int blocks{i} = (Math.Max(0, high{i} - low{i}) + {TileKeys - 1}) / {TileKeys};");
        }

        string blocks = Intervals == 1
            ? $"(Math.Max(0, high0 - low0) + {TileKeys - 1}) / {TileKeys}"
            : string.Join(" + ", Enumerable.Range(0, Intervals).Select(i => $"blocks{i}"));
        _writer.Write($"""
            int blocks = {blocks};
            int begin = (int)((long)blocks * split / call.Splits), end = (int)((long)blocks * (split + 1) / call.Splits);
            long firstChunk = ((long)sequence * KeyValueHeads + keyValueHead) * call.Capacity * RowChunks;
            ArrayView<Chunk> keyRows = call.Keys.SubView(firstChunk, (long)call.Capacity * RowChunks);
            ArrayView<Chunk> valueRows = call.Values.SubView(firstChunk, (long)call.Capacity * RowChunks);
            long firstQueryRow = ((long)sequence * call.Tokens + call.FirstToken) * QueryHeads + keyValueHead * Group;
            ArrayView<Float4> queries = call.Queries.Cast<Float4>().SubView(firstQueryRow * {Quarter});

            """);
    }

    void EmitState()
    {
        int tile = System.Math.Max(Slab * (QueryStride + KeyStride), TileKeys * Quarter);
        _writer.Write($"""
            // Shared memory holds {Slab} columns of the queries and the keys, one behind the other, then the values; and the weights.
            ArrayView<Float4> tile = SharedMemory.Allocate<Float4>({tile});
            ArrayView<float> tileCells = tile.Cast<float>();
            ArrayView<Float4> weights = SharedMemory.Allocate<Float4>({TileKeys * TileRows / 4}); // [{TileKeys} keys, {TileRows} rows]
            """);
        foreach (int row in Rows)
        {
            bool query = DeviceScoreEmitter.Needs(_plan, VariableKind.Query, masked: false), head = DeviceScoreEmitter.Needs(_plan, VariableKind.Head, masked: false);
            if (query || head)
                _writer.Write($"int row{row} = Math.Min(firstRow + down * {ThreadRows}{(row == 0 ? "" : $" + {row}")}, rows - 1);");
            if (query)
                _writer.Write($"int query{row} = launchQuery + row{row} / Group;");
            if (head)
                _writer.Write($"int head{row} = keyValueHead * Group + row{row} % Group;");
        }

        foreach (int row in Rows)
            _writer.Write($"float maximum{row} = float.NegativeInfinity, sum{row} = 0;");
        foreach (int row in Rows)
            _writer.Write($"Float4 {string.Join(", ", Columns.Select(column => $"o{row}{Column(column)} = default"))};");
        _writer.Blank();
    }

    void EmitBlock()
    {
        if (Intervals == 1)
        {
            _writer.Write($"int firstKey = low0 + block * {TileKeys}, high = high0;");
            if (!_plan.TestsTiles)
                _writer.Write($"bool full = {Full(0)};");
        }
        else
        {
            _writer.Write($"int firstKey, high, next = block;{(_plan.TestsTiles ? "" : "\nbool full;")}");
            for (int i = 0; i < Intervals; i++)
            {
                bool isLast = i == Intervals - 1;
                _writer.Open((i == 0 ? "" : "else ") + (isLast ? "" : $"if (next < blocks{i})"));
                EmitBlockOf(i);
                _writer.Close();
            }
        }

        string others = DeviceScoreEmitter.Pass(SeenParameters, new PairNames("", "", "", "call.Faults"));
        string seen = $"Seen(firstRow + down * {ThreadRows}, rows, launchQuery, firstKey + across * 4, high{DeviceScoreEmitter.Others(others)})";
        if (_plan.TestsTiles)
        {
            _writer.Write($"""
                uint seen = {seen};
                if (!ThreadGroup.BarrierOr(seen != 0))
                    continue; // no row sees a key of the block
                """);
        }
        else
            _writer.Write($"uint seen = full ? {(ThreadRows == 8 ? "0xffffffffu" : "0xffffu")} : {seen};");
        _writer.Blank();
    }

    void EmitBlockOf(int i)
    {
        string block = i == 0 ? "next" : $"(next - {string.Join(" - ", Enumerable.Range(0, i).Select(j => $"blocks{j}"))})";
        _writer.Write($"""
            firstKey = low{i} + {block} * {TileKeys};
            high = high{i};
            """);
        if (!_plan.TestsTiles)
            _writer.Write($"full = {Full(i)};");
    }

    string Full(int i) => HasMask
        ? $"firstKey >= fullLow{i} && firstKey + {TileKeys} <= fullHigh{i}"
        : $"firstKey + {TileKeys} <= high{i}";

    static string Threads(string count) => $"for (int i = thread; i < {count}; i += 128)";

    void EmitScores()
    {
        int slabQuarters = Slab / 4, slabChunks = Slab / _device.ChunkScalars;
        bool ragged = HeadDim % Slab != 0;
        foreach (int row in Rows)
            _writer.Write($"Float4 s{row} = default;");
        _writer.Open($"for (int slab = 0; slab < HeadDim; slab += {Slab})");
        _writer.Write("ThreadGroup.Barrier();");
        _writer.Open(Threads(Literal.Of(TileRows * slabQuarters)));
        _writer.Write($"int row = Math.Min(firstRow + i / 4 % {TileRows}, rows - 1), column = i % 4 + i / {4 * TileRows} * 4;");
        if (ragged)
            _writer.Open("if (slab + column * 4 < HeadDim)");
        _writer.Write($"""
            Float4 query = queries[(row / Group * QueryHeads + row % Group) * {Quarter} + slab / 4 + column];
            Float4.StoreColumn(tileCells, column * {16 * QueryStride} + i / 4 % {TileRows}, {4 * QueryStride}, Float4.Multiply({Literal.Of(_plan.QueryFactor)}, query));
            """);
        if (ragged)
            _writer.Close();
        _writer.Close();
        _writer.Blank();
        _writer.Open(Threads(Literal.Of(TileKeys * slabChunks)));
        string chunk = slabChunks == 4 ? "i % 4" : $"i % 4 + i / {4 * TileKeys} * 4";
        _writer.Write($"int key = i / 4 % {TileKeys}, chunk = {chunk};");
        if (ragged)
            _writer.Open($"if (slab + chunk * {_device.ChunkScalars} < HeadDim)");
        _writer.Write($"""
            Chunk keyChunk = keyRows[Math.Min(firstKey + key, high - 1) * RowChunks + slab / {_device.ChunkScalars} + chunk];
            {_row.Floats}.StoreColumn(tileCells, {4 * KeysAt} + chunk * {4 * KeyStride * _device.ChunkScalars} + key, {4 * KeyStride}, Chunk.{_row.Format}(keyChunk));
            """);
        if (ragged)
            _writer.Close();
        _writer.Close();
        _writer.Blank();
        _writer.Write("ThreadGroup.Barrier();");
        _writer.Open($"for (int column = 0; column < {(ragged ? $"Math.Min({Slab}, HeadDim - slab)" : Literal.Of(Slab))}; column++)");
        for (int i = 0; i * 4 < ThreadRows; i++)
            _writer.Write($"Float4 q{i} = tile[column * {QueryStride} + down * {ThreadRows / 4}{(i == 0 ? "" : $" + {i}")}];");
        _writer.Write($"Float4 key = tile[{KeysAt} + column * {KeyStride} + across];");
        foreach (int row in Rows)
            _writer.Write($"s{row} = Float4.MultiplyAdd({Field("q", row)}, key, s{row});");
        _writer.Close();
        _writer.Close();
        _writer.Blank();
    }

    void EmitWeights()
    {
        if (DeviceScoreEmitter.Needs(_plan, VariableKind.Key, masked: false))
            _writer.Write("int ownKey = firstKey + across * 4;");
        foreach (int row in Rows)
        {
            var names = new PairNames($"query{row}", $"head{row}", "ownKey", "call.Faults");
            string bits = row == 0 ? "seen" : $"seen >> {4 * row}";
            string others = DeviceScoreEmitter.Pass(DeviceScoreEmitter.LogitParameters(_plan), names);
            _writer.Write($"s{row} = Logits(s{row}, {bits}{DeviceScoreEmitter.Others(others)});");
        }

        _writer.Blank();
        foreach (int row in Rows)
        {
            if (IsSoftmax)
            {
                _writer.Write($"""
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
                _writer.Write($"""
                    maximum{row} = Float4.Largest(s{row}) == float.NegativeInfinity ? maximum{row} : 0;
                    s{row} = Float4.{_plan.Spec.Normalization}Weights(s{row});
                    sum{row} += Float4.Sum(s{row});

                    """);
            }
        }

        _writer.Write($"""
            // Key k of this thread's goes to row k · {Across} + across of the weights, in which the places of rows are exchanged so that threads side by side
            // meet different banks.
            """);
        for (int key = 0; key < 4; key++)
        {
            string slot = Sum("across", key * Across);
            for (int i = 0; i * 4 < ThreadRows; i++)
            {
                string cells = string.Join(", ", Enumerable.Range(0, 4).Select(j => $"{"XYZW"[j]} = s{4 * i + j}.{"XYZW"[key]}"));
                _writer.Write($"weights[{Factor(slot)} * {TileRows / 4} + {Place(i, slot, below16: key * Across % 16 == 0 ? "across" : null)}] = new Float4 {{ {cells} }};");
            }
        }

        _writer.Blank();
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
        _writer.Write($"""
            // Values, in the order of the weights.
            ThreadGroup.Barrier();
            bool finite = true;
            """);
        _writer.Open(Threads($"{keys} * RowChunks"));
        _writer.Write($$"""
            int key = i / RowChunks, chunk = i % RowChunks;
            {{_row.Floats}} value = Chunk.{{_row.Format}}(valueRows[Math.Min(firstKey + key, high - 1) * RowChunks + chunk]);
            {{_row.Floats}}.Store(tile, (key % 4 * {{Across}} + key / 4) * {{Quarter}} + chunk{{(_device.ChunkScalars == 8 ? " * 2" : "")}}, value);
            finite &= {{_row.Floats}}.IsFinite(value);
            """);
        _writer.Close();
        _writer.Blank();
        _writer.Open("if (!ThreadGroup.BarrierOr(!finite))");
        EmitSums(guarded: false);
        _writer.Close();
        _writer.Open("else");
        _writer.Write("// A hidden value may hold anything, and 0 · NaN is NaN: it is left out.");
        EmitSums(guarded: true);
        _writer.Close();
    }

    void EmitSums(bool guarded)
    {
        _writer.Open($"for (int slot = 0; slot < {TileKeys}; slot++)");
        for (int i = 0; i * 4 < ThreadRows; i++)
            _writer.Write($"Float4 w{i} = weights[slot * {TileRows / 4} + {Place(i, "slot")}];");
        foreach (int column in Columns)
            _writer.Write($"Float4 v{Column(column)} = tile[slot * {Quarter} + {ColumnOf(column)}];");
        foreach (int row in Rows)
        {
            string weight = Field("w", row);
            string[] sums = [.. Columns.Select(column => $"o{row}{Column(column)} = Float4.MultiplyAdd({weight}, v{Column(column)}, o{row}{Column(column)});")];
            _writer.Guarded(guarded ? $"!DeviceMath.IsHidden({weight})" : null, sums);
            if (guarded && ThreadColumns > 1)
                _writer.Blank();
        }

        _writer.TrimBlank();
        _writer.Close();
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
                _writer.Write($"maximum{row} = DeviceMath.LargestOf(maximum{row}, {Across});");
            _writer.Write($"sum{row} = DeviceMath.SumOf(sum{row}, {Across});");
        }

        _writer.Write("""

            // Rows of padding are nobody's.
            """);
        foreach (int row in Rows)
        {
            string sums = string.Concat(Columns.Select(column => $", o{row}{Column(column)}"));
            _writer.Write($"StoreRow(call, {Sum($"firstRow + down * {ThreadRows}", row)}, rows, across{sums}, maximum{row}, sum{row});");
        }
    }

    void EmitStoreRow()
    {
        string columns = string.Join("", Columns.Select(column => $", Float4 o{Column(column)}"));
        _writer.Write($"/// <summary>Stores a row's part of the result: each of {Across} threads its columns.</summary>");
        _writer.Open($"static void StoreRow(DeviceCall call, int row, int rows, int across{columns}, float maximum, float sum)");
        _writer.Nested("if (row >= rows)", "return;");
        _writer.Write($"""
            long outputRow = ((long)Grid.IdxZ * call.LaunchTokens + row / Group) * QueryHeads + Grid.IdxY * Group + row % Group;
            long partial = outputRow * call.Splits + Grid.IdxX % call.Splits;
            ArrayView<Float4> sums = call.Sums.Cast<Float4>();
            """);
        foreach (int column in Columns)
        {
            string own = Sum("across", column * Across), store = $"sums[partial * {Quarter} + {own}] = o{Column(column)};";
            _writer.Guarded(IsRagged(column) ? $"{own} < {Quarter}" : null, store);
        }

        _writer.Guarded("across == 0", "call.Maxima[partial] = maximum;", "call.Weights[partial] = sum;");
        _writer.Close();
        _writer.Blank();
    }

    // What Seen takes beside the rows and keys that it goes through.
    IEnumerable<PairParameter> SeenParameters
    {
        get
        {
            PairParameter[] all = HasMask ? DeviceScoreEmitter.MaskParameters(_plan) : [];
            var group = new PairParameter("int", "keyValueHead", VariableKind.KeyValueHead);
            IEnumerable<PairParameter> others = all.Where(parameter => parameter.Variable is not (VariableKind.Query or VariableKind.Key or VariableKind.Head));
            return all.Any(parameter => parameter.Variable == VariableKind.Head) && !all.Contains(group) ? others.Prepend(group) : others;
        }
    }

    void EmitSeen()
    {
        _writer.Write("/// <summary>Which keys some rows see: bit 4r + k tells whether row r sees key k.</summary>");
        _writer.Open($"static uint Seen(int firstRow, int rows, int launchQuery, int firstKey, int high{DeviceScoreEmitter.Others(DeviceScoreEmitter.Declare(SeenParameters))})");
        _writer.Write("uint seen = 0;");
        _writer.Open($"for (int i = 0; i < {4 * ThreadRows}; i++)");
        if (HasMask)
            _writer.Write("int row = Math.Min(firstRow + i / 4, rows - 1);");
        _writer.Write("int key = firstKey + i % 4;");
        if (HasMask && DeviceScoreEmitter.MasksNeed(_plan, VariableKind.Query))
            _writer.Write("int query = launchQuery + row / Group;");
        if (HasMask && DeviceScoreEmitter.MasksNeed(_plan, VariableKind.Head))
            _writer.Write("int head = keyValueHead * Group + row % Group;");
        string visible = HasMask ? $"key < high && {DeviceScoreEmitter.Sees(_plan, new PairNames("query", "head", "key", "faults"))}" : "key < high";
        _writer.Nested($"if ({visible})", "seen |= 1u << i;");
        _writer.Close();
        _writer.Blank();
        _writer.Write("return seen;");
        _writer.Close();
        _writer.Blank();
    }

    void EmitLogits()
    {
        string declarations = DeviceScoreEmitter.Declare(DeviceScoreEmitter.LogitParameters(_plan));
        _writer.Write("/// <summary>The logits of a row and four keys, from their dot products; negative infinity where the row does not see a key.</summary>");
        _writer.Write($"static Float4 Logits(Float4 dots, uint seen{DeviceScoreEmitter.Others(declarations)}) => new()\n{{");
        for (int key = 0; key < 4; key++)
        {
            var names = new PairNames("query", "head", key == 0 ? "key" : $"key + {key}", "faults");
            _writer.Write($"    {"XYZW"[key]} = (seen & {1 << key}) != 0 ? {DeviceScoreEmitter.Logit(_plan, $"dots.{"XYZW"[key]}", names)} : float.NegativeInfinity,");
        }

        _writer.Write("};");
        _writer.Blank();
    }
}
