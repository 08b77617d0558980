using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Emits the device's scorer of pages. The cache holds each channel's minima and maxima with pages side by side, so that the lanes of a warp read
/// neighbouring pages; the warps of a group share the channels, because there are few pages.
/// </summary>
sealed class DevicePageEmitter
{
    const int MostRows = 8; // whose sums a thread keeps in registers
    const int ChunkPages = 4; // a lane's

    readonly SourceWriter _writer;
    readonly KernelPlan _plan;
    readonly int _pageSize, _rows;

    DevicePageEmitter(SourceWriter writer, KernelPlan plan)
    {
        _writer = writer;
        _plan = plan;
        _pageSize = plan.Selection!.PageSize;
        int passes = (Group + MostRows - 1) / MostRows;
        _rows = (Group + passes - 1) / passes;
    }

    public static void Emit(SourceWriter writer, KernelPlan plan) => new DevicePageEmitter(writer, plan).Emit();

    int Group => _plan.Spec.GroupSize;
    int HeadDim => _plan.Spec.HeadDim;
    int Intervals => _plan.Intervals.Count;
    bool Passes => _rows < Group;
    bool HasPadding => Group % _rows != 0;
    int WarpChannels => HeadDim / DevicePlan.Warps;
    IEnumerable<int> Rows => Enumerable.Range(0, _rows);

    // What goes into a bound: the attributes' stages alone.
    KernelPlan Stages => _plan with { Spec = _plan.Spec with { Scores = default } };

    void Emit()
    {
        _writer.Write($"""
            /// <summary>
            /// Bounds of the scores in pages of {_pageSize} keys: the largest that a key between a page's minima and maxima could have. A lane takes {ChunkPages} neighbouring pages by {(Passes ? $"{_rows} query heads at a time" : Group == 1 ? "one query head" : $"{Group} query heads")},
            /// each warp a quarter of the channels. The grid is (groups for {ChunkPages * DevicePlan.Warp} pages each, key/value heads, sequences).
            /// </summary>
            """);
        _writer.Open("public static void Score(DeviceCall call, DeviceSelection selection)");
        EmitPlace();
        EmitChunk();
        if (Passes)
            _writer.Open($"for (int firstRow = 0; firstRow < Group; firstRow += {_rows})");
        EmitQueries();
        EmitSums();
        EmitScores();
        if (Passes)
            _writer.Close();
        _writer.Close();
        _writer.Blank();
        EmitScoreOf();
    }

    void EmitPlace()
    {
        _writer.Write("""
            int thread = ThreadGroup.IdxX, warp = thread / 32, lane = thread % 32, keyValueHead = Grid.IdxY, sequence = Grid.IdxZ;
            int length = call.Lengths[sequence], query = length - 1;
            """);
        if (_plan.DependsOn(VariableKind.Batch))
            _writer.Write("int batch = call.FirstSequence + sequence;");
        if (DeviceScoreEmitter.UsesCaptured(_plan))
            _writer.Write("Captured captured = Read(call);");
        _writer.Write("""

            // The pages that hold visible keys; two intervals may share one.
            """);
        for (int i = 0; i < Intervals; i++)
        {
            _writer.Write($"int low{i} = {DevicePrinter.Intervals.Low(_plan, i, "query", "query")}, high{i} = {DevicePrinter.Intervals.High(_plan, i, "query", "query")};");
            string first = i == 0 ? $"low0 / {_pageSize}" : $"Math.Max(end{i - 1}, low{i} / {_pageSize})";
            string end = $"high{i} > low{i} ? Math.Max(first{i}, (high{i} - 1) / {_pageSize} + 1) : {(i == 0 ? "first0" : $"end{i - 1}")}";
            _writer.Write($"int first{i} = {first}, end{i} = {end};");
        }

        _writer.Open("if (Grid.IdxX == 0 && keyValueHead == 0 && thread == 0)");
        foreach ((string intervals, string first, string end) in new[] { ("Intervals", "first", "end"), ("KeyIntervals", "low", "high") })
        {
            for (int i = 0; i < Intervals; i++)
            {
                string place = $"{2 * Intervals} * sequence";
                _writer.Write($"selection.{intervals}[{Sum(place, 2 * i)}] = {first}{i};");
                _writer.Write($"selection.{intervals}[{Sum(place, 2 * i + 1)}] = {end}{i};");
            }
        }

        _writer.Close();
        _writer.Blank();
    }

    void EmitChunk()
    {
        _writer.Write("// This lane's pages: the interval, and which chunk of a row of bounds. A lane behind the last one repeats it.");
        for (int i = 0; i < Intervals; i++)
            _writer.Write($"int firstChunk{i} = first{i} / {ChunkPages}, chunks{i} = end{i} > first{i} ? (end{i} + {ChunkPages - 1}) / {ChunkPages} - firstChunk{i} : 0;");
        string chunks = string.Join(" + ", Enumerable.Range(0, Intervals).Select(i => $"chunks{i}"));
        _writer.Nested($"if (Grid.IdxX * 32 >= {chunks})", "return;");
        _writer.Write($"int slotChunk = Math.Min(Grid.IdxX * 32 + lane, {chunks} - 1), chunk = slotChunk + firstChunk0, first = first0, end = end0;");
        for (int i = 1; i < Intervals; i++)
        {
            string before = string.Join(" + ", Enumerable.Range(0, i).Select(j => $"chunks{j}"));
            _writer.Open($"if (slotChunk >= {before})");
            _writer.Write($"""
                (first, end) = (first{i}, end{i});
                chunk = slotChunk + firstChunk{i} - {before.Replace("+", "-")};
                """);
            _writer.Close();
        }

        _writer.Blank();
        _writer.Write($"""
            long pair = (long)sequence * KeyValueHeads + keyValueHead;
            ArrayView<Float4> bounds = selection.Columns.Cast<Float4>().SubView(pair * 2 * HeadDim * selection.ColumnChunks, 2L * HeadDim * selection.ColumnChunks);
            int stride = selection.ScoreStride / 4;
            ArrayView<Float4> scores = selection.Scores.Cast<Float4>().SubView(pair * Group * stride, (long)Group * stride);
            ArrayView<float> groupQueries = call.Queries.SubView(pair * Group * HeadDim, Group * HeadDim);
            ArrayView<float> queries = SharedMemory.Allocate<float>({_rows * HeadDim}); // [{_rows}, HeadDim]
            ArrayView<int> undefined = SharedMemory.Allocate<int>({_rows});
            ArrayView<Float4> parts = SharedMemory.Allocate<Float4>({DevicePlan.Warps * _rows * DevicePlan.Warp}); // [{DevicePlan.Warps}, {_rows}, {DevicePlan.Warp}]
            """);
    }

    void EmitQueries()
    {
        string row = Passes ? "firstRow + i / HeadDim" : "i / HeadDim";
        string source = HasPadding ? $"Math.Min({row}, Group - 1) * HeadDim + i % HeadDim" : Passes ? "firstRow * HeadDim + i" : "i";
        _writer.Nested($"if (thread < {_rows})", "undefined[thread] = 0;");
        _writer.Write("ThreadGroup.Barrier();");
        _writer.Open($"for (int i = thread; i < {_rows * HeadDim}; i += 128)");
        _writer.Write($"queries[i] = groupQueries[{source}] * {Literal.Of(_plan.QueryFactor)};");
        _writer.Nested("if (queries[i] * 0 != 0)", "undefined[i / HeadDim] = 1; // a query with NaN or infinity has no say");
        _writer.Close();
        _writer.Blank();
        _writer.Write("ThreadGroup.Barrier();");
    }

    void EmitSums()
    {
        int unrolled = WarpChannels % 4 == 0 ? 4 : 2;
        string Place(int rows) => rows switch { 0 => "place", 1 => "place + selection.ColumnChunks", _ => $"place + {rows} * selection.ColumnChunks" };
        foreach (int row in Rows)
            _writer.Write($"Float4 s{row} = default;");
        _writer.Open($"for (int channel = warp * {WarpChannels}; channel < (warp + 1) * {WarpChannels}; channel += {unrolled})");
        _writer.Write("int place = 2 * channel * selection.ColumnChunks + chunk;");
        if (_rows == 1)
        {
            // One query needs one of the two, and the sign tells which.
            for (int i = 0; i < unrolled; i++)
            {
                string query = $"queries[{Sum("channel", i)}]";
                _writer.Write($"Float4 bound{i} = bounds[{query} > 0 ? {Place(2 * i + 1)} : {Place(2 * i)}];");
            }

            for (int i = 0; i < unrolled; i++)
                _writer.Write($"s0 = Float4.MultiplyAdd(queries[{Sum("channel", i)}], bound{i}, s0);");
            _writer.Close();
            _writer.Blank();
            return;
        }

        for (int i = 0; i < unrolled; i++)
            _writer.Write($"Float4 minima{i} = bounds[{Place(2 * i)}], maxima{i} = bounds[{Place(2 * i + 1)}];");
        foreach (int row in Rows)
        {
            for (int i = 0; i < unrolled; i++)
                _writer.Write($"s{row} = Float4.AddBound(queries[{Sum("channel", row * HeadDim + i)}], minima{i}, maxima{i}, s{row});");
        }

        _writer.Close();
        _writer.Blank();
    }

    void EmitScores()
    {
        string row = Passes ? "firstRow + i / 32" : "i / 32";
        foreach (int own in Rows)
            _writer.Write($"parts[{(own == 0 ? "" : $"{own * DevicePlan.Warp} + ")}warp * {_rows * DevicePlan.Warp} + lane] = s{own};");
        _writer.Write("ThreadGroup.Barrier();");
        _writer.Open($"for (int i = thread; i < {_rows * DevicePlan.Warp}; i += 128)");
        string total = Enumerable.Range(1, DevicePlan.Warps - 1).Aggregate("parts[i]", (sum, warp) => $"Float4.Add({sum}, parts[i + {warp * _rows * DevicePlan.Warp}])");
        _writer.Write($"Float4 total = {total};");
        _writer.Write($"int row = {(HasPadding ? $"Math.Min({row}, Group - 1)" : row)}, page = chunk * {ChunkPages};");
        _writer.Write("bool isUndefined = undefined[i / 32] != 0;");
        bool head = Parameters.Any(parameter => parameter.Variable == VariableKind.Head);
        if (head)
            _writer.Write("int head = keyValueHead * Group + row;");
        string others = DeviceScoreEmitter.Others(DeviceScoreEmitter.Pass(Parameters, new PairNames("query", "head", "", "call.Faults")));
        _writer.Write("scores[row * stride + slotChunk] = new Float4\n{");
        for (int i = 0; i < ChunkPages; i++)
        {
            string page = Sum("page", i);
            _writer.Write($"    {"XYZW"[i]} = {page} >= first && {page} < end ? ScoreOf(total.{"XYZW"[i]}, isUndefined{(NeedsKeys ? $", {page}, length" : "")}{others}) : float.NegativeInfinity,");
        }

        _writer.Write("};");
        _writer.Close();
        if (Passes)
        {
            _writer.Blank();
            _writer.Write("ThreadGroup.Barrier();");
        }
    }

    // What a page's score takes beside the bound and the page.
    PairParameter[] Parameters =>
    [
        .. DeviceScoreEmitter.LogitParameters(Stages).Concat(_plan.TestsTiles ? DeviceScoreEmitter.MaskParameters(_plan) : [])
            .Where(parameter => parameter.Variable != VariableKind.Key).Distinct(),
    ];

    bool NeedsKeys => _plan.TestsTiles || _plan.Logit.DependsOn(VariableKind.Key);

    void EmitScoreOf()
    {
        _writer.Write($"/// <summary>A page's score from its bound{(_plan.Logit.DependsOn(VariableKind.Key) ? ", as its newest key would have it" : "")}{(_plan.TestsTiles ? "; negative infinity for a page of which the row sees no key" : "")}.</summary>");
        _writer.Open($"static float ScoreOf(float logit, bool isUndefined{(NeedsKeys ? ", int page, int length" : "")}{DeviceScoreEmitter.Others(DeviceScoreEmitter.Declare(Parameters))})");
        if (NeedsKeys)
            _writer.Write($"int key = Math.Min(page * {_pageSize} + {_pageSize}, length) - 1;");
        if (_plan.TestsTiles)
        {
            _writer.Write("bool sees = false;");
            _writer.Nested(
                $"for (int position = page * {_pageSize}; position <= key; position++)",
                $"sees |= {DeviceScoreEmitter.Sees(_plan, new PairNames("query", "head", "position", "faults"))};");
            _writer.Nested("if (!sees)", "return float.NegativeInfinity;");
        }

        if (_plan.Logit != Expr.Score)
        {
            _writer.Write($"""
                // {_plan.LogitText}{(_plan.FoldedFactor == 1 ? "" : ", in units of log2")}
                logit = {DevicePrinter.Print(_plan.Logit)};
                """);
        }

        _writer.Write("return isUndefined ? 0 : DeviceMath.Candidate(logit);");
        _writer.Close();
        _writer.Blank();
    }
}
