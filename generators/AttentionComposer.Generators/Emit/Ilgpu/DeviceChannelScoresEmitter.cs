using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Emits the device's scorer by a few channels of each key. The cache holds keys, or labels of them, a second time, channel by channel: a few channels of all keys are streams, of which
/// each thread takes one chunk after another.
/// </summary>
sealed class DeviceChannelScoresEmitter
{
    const int MostRows = 8; // whose sums a thread keeps in registers
    const int Unrolled = 4; // channels that are on their way at once

    readonly SourceWriter _writer;
    readonly KernelPlan _plan;
    readonly DeviceRow _row;
    readonly int _chunkKeys, _rank, _rows;

    DeviceChannelScoresEmitter(SourceWriter writer, KernelPlan plan, DevicePlan device)
    {
        _writer = writer;
        _plan = plan;
        _row = DeviceRow.Of(plan.Spec.Format);
        _chunkKeys = device.ChunkScalars;
        _rank = plan.Selection!.Rank;
        int passes = (plan.Spec.GroupSize + MostRows - 1) / MostRows;
        _rows = (plan.Spec.GroupSize + passes - 1) / passes;
    }

    public static void Emit(SourceWriter writer, KernelPlan plan, DevicePlan device) => new DeviceChannelScoresEmitter(writer, plan, device).Emit();

    int Group => _plan.Spec.GroupSize;
    int Intervals => _plan.Intervals.Count;
    bool HasLabels => _plan.Selection!.Labels is not null; // then the cache keeps no other channels
    // A query that is not finite has scores that are not, for all keys alike. Only where the group's scores are summed these would drown the others'.
    bool Silences => Group > 1 && _plan.Selection is { ByProbability: false, PerHead: false };
    bool Passes => _rows < Group;
    bool HasPadding => Group % _rows != 0;
    IEnumerable<int> Rows => Enumerable.Range(0, _rows);

    void Emit()
    {
        _writer.Write($"""
            /// <summary>
            /// Scores of {_plan.Selection!.Method}'s candidates from {_rank} channels of each visible key. A thread scores {_chunkKeys} neighbouring keys by {(Passes ? $"{_rows} query heads at a time" : Group == 1 ? "one query head" : $"{Group} query heads")}.
            /// The grid is (groups of threads, key/value heads, sequences).
            /// </summary>
            """);
        _writer.Open("public static void Score(DeviceCall call, DeviceSelection selection)");
        EmitPlace();
        EmitChunk();
        if (Passes)
            _writer.Open($"for (int firstRow = 0; firstRow < Group; firstRow += {_rows})");
        EmitScores();
        if (Passes)
            _writer.Close();
        _writer.Close();
        _writer.Blank();
        EmitScoresOf();
    }

    void EmitPlace()
    {
        _writer.Write("""
            int thread = ThreadGroup.IdxX, keyValueHead = Grid.IdxY, sequence = Grid.IdxZ;
            int length = call.Lengths[sequence], query = length - 1;
            """);
        if (_plan.DependsOn(VariableKind.Batch))
            _writer.Write("int batch = call.FirstSequence + sequence;");
        if (DeviceScoreEmitter.UsesCaptured(_plan))
            _writer.Write("Captured captured = Read(call);");
        for (int i = 0; i < Intervals; i++)
            _writer.Write($"int low{i} = {DevicePrinter.Intervals.Low(_plan, i, "query", "query")}, high{i} = {DevicePrinter.Intervals.High(_plan, i, "query", "query")};");
        DeviceDecodeEmitter.EmitIntervals(_writer, _plan);
        _writer.Write($"""
            // The group's queries in these channels.
            ArrayView<float> queries = SharedMemory.Allocate<float>({Group * _rank}); // [{Group}, {_rank}]
            long pair = (long)sequence * KeyValueHeads + keyValueHead;
            for (int i = thread; i < {Group * _rank}; i += 128)
                queries[i] = selection.Queries[pair * {Group * _rank} + i];
            """);
        if (!HasLabels)
        {
            _writer.Write($"""
                ArrayView<int> channels = SharedMemory.Allocate<int>({_rank});
                for (int i = thread; i < {_rank}; i += 128)
                    channels[i] = selection.Channels[pair * {_rank} + i] * selection.ColumnChunks;
                """);
        }

        _writer.Write("ThreadGroup.Barrier();");
        _writer.Blank();
    }

    void EmitChunk()
    {
        _writer.Write("// This thread's chunk of keys: the interval, and which chunk of a column.");
        _writer.Write("int slotChunk = Grid.IdxX * 128 + thread, chunk = slotChunk, low, high;");
        for (int i = 0; i < Intervals; i++)
            _writer.Write($"int firstChunk{i} = low{i} / {_chunkKeys}, chunks{i} = high{i} > low{i} ? (high{i} + {_chunkKeys - 1}) / {_chunkKeys} - firstChunk{i} : 0;");

        for (int i = 0; i < Intervals; i++)
        {
            _writer.Open($"{(i == 0 ? "" : "else ")}if (chunk < {string.Join(" + ", Enumerable.Range(0, i + 1).Select(j => $"chunks{j}"))})");
            string before = string.Concat(Enumerable.Range(0, i).Select(j => $" - chunks{j}"));
            _writer.Write($"""
                (low, high) = (low{i}, high{i});
                chunk += firstChunk{i}{before};
                """);
            _writer.Close();
        }

        _writer.Nested("else", "return;");
        (string columns, string count) = HasLabels ? (Literal.Of(_rank), $"{_rank}L") : ("HeadDim", "(long)HeadDim");
        _writer.Write($"""

            ArrayView<Chunk> columns = selection.Columns.SubView(pair * {columns} * selection.ColumnChunks, {count} * selection.ColumnChunks);
            int stride = selection.ScoreStride / 4;
            ArrayView<Float4> scores = selection.Scores.Cast<Float4>().SubView(pair * Group * stride, (long)Group * stride);
            """);
    }

    void EmitScores()
    {
        for (int row = 0; Passes && row < _rows; row++)
            _writer.Write($"int row{row} = {RowOf(row)};");
        foreach (int row in Rows)
            _writer.Write($"{_row.Floats} s{row} = default;");
        int unrolled = System.Math.Min(Unrolled, _rank), whole = _rank / unrolled * unrolled;
        _writer.Open($"for (int i = 0; i < {whole}; i += {unrolled})");
        EmitChannels("i", unrolled, firstName: 0);
        _writer.Close();
        if (whole < _rank)
        {
            _writer.Blank();
            EmitChannels(Literal.Of(whole), _rank - whole, firstName: unrolled);
        }

        _writer.Blank();
        foreach (int row in Rows)
        {
            string number = Passes ? $"row{row}" : Literal.Of(row);
            string place = number switch { "0" => "", "1" => "stride + ", _ => $"{number} * stride + " };
            string head = number == "0" ? "keyValueHead * Group" : $"keyValueHead * Group + {number}";
            string defined = Silences ? $", !float.IsNaN(queries[{(Passes ? $"row{row} * {_rank}" : Literal.Of(row * _rank))}])" : "";
            string others = DeviceScoreEmitter.Pass(Others, new PairNames("query", head, "", "call.Faults"));
            _writer.Write($"{_row.Floats}.Store(scores, {place}slotChunk{(_chunkKeys == 8 ? " * 2" : "")}, ScoresOf(s{row}, chunk * {_chunkKeys}, low, high{defined}{DeviceScoreEmitter.Others(others)}));");
        }
    }

    string RowOf(int row)
    {
        string text = row == 0 ? "firstRow" : $"firstRow + {row}";
        return HasPadding ? $"Math.Min({text}, Group - 1)" : text;
    }

    void EmitChannels(string first, int count, int firstName)
    {
        for (int i = 0; i < count; i++)
            _writer.Write($"{_row.Floats} k{firstName + i} = Chunk.{_row.Format}(columns[{(HasLabels ? $"{Factor(Sum(first, i))} * selection.ColumnChunks" : $"channels[{Sum(first, i)}]")} + chunk]);");
        foreach (int row in Rows)
        {
            for (int i = 0; i < count; i++)
            {
                string place = Passes ? $"row{row} * {_rank} + {Sum(first, i)}" : Sum(first, row * _rank + i);
                _writer.Write($"s{row} = {_row.Floats}.MultiplyAdd(queries[{place}], k{firstName + i}, s{row});");
            }
        }
    }

    bool Tests => DeviceScoreEmitter.TestsInDecode(_plan);

    // What ScoresOf takes beside the dot products and the keys.
    IEnumerable<PairParameter> Others => DeviceScoreEmitter.LogitParameters(_plan)
        .Union(Tests ? DeviceScoreEmitter.MaskParameters(_plan) : [])
        .Where(parameter => parameter.Variable != VariableKind.Key);

    void EmitScoresOf()
    {
        string fields = _chunkKeys == 8 ? "ABCDEFGH" : "XYZW";
        var names = new PairNames("query", "head", "key", "faults");
        _writer.Write($"/// <summary>The scores of neighbouring keys from their dot products; negative infinity outside of an interval{(Tests ? ", and of keys that the row does not see" : "")}{(Silences ? "; 0 by a query that is not finite, which has no say" : "")}.</summary>");
        _writer.Write($"static {_row.Floats} ScoresOf({_row.Floats} dots, int key, int low, int high{(Silences ? ", bool isDefined" : "")}{DeviceScoreEmitter.Others(DeviceScoreEmitter.Declare(Others))}) => new()\n{{");
        for (int i = 0; i < _chunkKeys; i++)
        {
            string key = i == 0 ? "key" : $"key + {i}";
            string visible = $"{key} >= low && {key} < high" + (Tests ? $" && {DeviceScoreEmitter.Sees(_plan, names with { Key = key })}" : "");
            string score = $"DeviceMath.Candidate({DeviceScoreEmitter.Logit(_plan, $"dots.{fields[i]}", names with { Key = key })})";
            _writer.Write($"    {fields[i]} = {visible} ? {(Silences ? $"DeviceMath.OnlyIf(isDefined, {score})" : score)} : float.NegativeInfinity,");
        }

        _writer.Write("};");
        _writer.Blank();
    }
}
