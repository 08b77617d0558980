using System.Linq;
using AttentionComposer.Generators.Plan;
using static AttentionComposer.Generators.Emit.Ilgpu.DeviceText;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <remarks>The same steps up to the logits: the scorer of a selection that ranks whole keys.</remarks>
sealed partial class DeviceDecodeEmitter
{
    /// <summary>Emits the scorer of a selection's candidates.</summary>
    public static void EmitCandidateScores(SourceWriter writer, KernelPlan plan, DevicePlan device) =>
        new DeviceDecodeEmitter(writer, plan, device, onlyScores: true).EmitCandidateScores();

    void EmitCandidateScores()
    {
        string heads = _device.Rows == 1 ? "one query head" : $"{_device.Rows} query heads";
        _writer.Write($"""
            /// <summary>
            /// Scores of every visible key, whose rows are read as in decode: {_device.WarpKeys} keys at a time by {heads} in each warp. The grid is (splits, {(_device.RowTiles == 1 ? "" : $"{_device.RowTiles} × ")}key/value heads, sequences).
            /// </summary>
            """);
        _writer.Open("public static void Score(DeviceCall call, DeviceSelection selection)");
        EmitPlace();
        EmitKeys();
        EmitIntervals(_writer, _plan);
        EmitQueries();
        EmitOwn();
        _writer.Write("ArrayView<float> scores = selection.Scores.SubView(firstQuery / HeadDim * selection.ScoreStride, (long)Group * selection.ScoreStride);");
        _writer.Nested("if (begin == end)", "return;");
        _writer.Blank();
        EmitFirstKeys();
        _writer.Open($"for (int front = {Front}; front < end; front += {_device.GroupKeys})");
        EmitDots();
        EmitNextKeys("logits are computed");
        EmitTeamSums();
        EmitLogits();
        _writer.Close();
        _writer.Close();
        _writer.Blank();
    }

    /// <summary>Emits, where a kernel knows its sequence's intervals, that one thread tells the others' kernels.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="plan">The pipeline.</param>
    public static void EmitIntervals(SourceWriter writer, KernelPlan plan)
    {
        int intervals = plan.Intervals.Count;
        writer.Open("if (Grid.IdxX == 0 && Grid.IdxY == 0 && thread == 0)");
        for (int i = 0; i < intervals; i++)
        {
            string first = $"{2 * intervals} * sequence";
            writer.Write($"selection.Intervals[{Sum(first, 2 * i)}] = low{i};");
            writer.Write($"selection.Intervals[{Sum(first, 2 * i + 1)}] = high{i};");
        }

        writer.Close();
        writer.Blank();
    }

    void EmitLogits()
    {
        bool tests = DeviceScoreEmitter.TestsInDecode(_plan);
        for (int key = 0; key < OwnKeys; key++)
        {
            EmitOwnKey(key, tests);
            _writer.Open($"if (index{key} < end)");
            for (int row = 0; row < OwnRows; row++)
            {
                var names = new PairNames("query", $"head{row}", $"position{key}", "call.Faults");
                string logit = DeviceScoreEmitter.Logit(_plan, $"s{key}{row}", names);
                string score = tests ? $"{DeviceScoreEmitter.Sees(_plan, names)} ? {logit} : float.NegativeInfinity" : logit;
                string place = InGroup(row) switch { "0" => "", "1" => "selection.ScoreStride + ", var number => $"{Factor(number)} * selection.ScoreStride + " };
                _writer.Guarded(HasPadding ? $"{InGroup(row)} < Group" : null, $"scores[{place}index{key}] = DeviceMath.Candidate({score});");
            }

            _writer.Close();
        }
    }
}
