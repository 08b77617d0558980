using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the kernel for one token that chooses keys: a scorer over the candidates, the choice, and the decode kernel's steps over the
/// rows that were chosen.
/// </summary>
static class SelectEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        if (selection.Scorer == Scorer.PastWeights)
        {
            EmitEviction(writer, plan);
            EmitAttention(writer, plan, selection, tile);
            return;
        }

        EmitDriver(writer, plan, selection, tile);
        if (selection.Scorer == Scorer.Channels)
            ChannelScoresEmitter.Emit(writer, plan, selection, tile);
        else
            DecodeEmitter.EmitScores(writer, tile, selection.Scorer == Scorer.Pages ? ScoredRows.Pages(plan) : ScoredRows.Candidates(plan));
        WeighEmitter.Emit(writer, plan, selection, tile);
        EmitAttention(writer, plan, selection, tile);
    }

    static void EmitEviction(SourceWriter writer, KernelPlan plan)
    {
        writer.Write("/// <summary>One token: evicts, attends over what is left, and adds the weights to what each key has received.</summary>");
        writer.Open("public static void Select(in SelectionCall selection)");
        writer.Write($"""
            var survivors = new Survivors(selection);
            AttendSelected(selection.Call, survivors);
            survivors.Add(valueFactor: {Literal.Of(RowFormatNames.Of(plan.Spec.Format).ValueFactor)});
            """);
        writer.Close();
        writer.Blank();
    }

    static void EmitAttention(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        EmitAttentionDriver(writer, plan, selection, tile);
        DecodeEmitter.EmitScores(writer, tile, ScoredRows.Chosen(plan));
        SoftmaxEmitter.EmitSelected(writer, plan, selection, tile);
        writer.Blank();
        ValueSumsEmitter.Emit(
            writer, "SelectedValues", tile.Bits, tile.DecodeRows, tile.DecodeVectors, plan.RowStride, RowFormatNames.Of(plan.Spec.Format),
            selected: true);
    }

    /// <summary>Floats of scratch memory beside the candidates: queries, once more in two halves for pages.</summary>
    public static int ScratchFloats(KernelPlan plan) =>
        plan.Selection is { Scorer: Scorer.Pages } ? 2 * plan.DecodeRows * plan.RowStride : 0;

    static void EmitDriver(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        string noun = selection.Scorer == Scorer.Pages ? "page" : "key";
        writer.Write("/// <summary>One token: scores the candidates chunk by chunk, chooses among them, and attends over what was chosen.</summary>");
        writer.Open("public static void Select(in SelectionCall selection)");
        writer.Write("""
            KernelCall call = selection.Call;
            var candidates = new Candidates(selection);
            """);
        writer.Write(selection.Scorer switch
        {
            Scorer.Channels => $"""
                ref {format.Scalar} columns = ref Unsafe.As<byte, {format.Scalar}>(ref selection.Columns);
                {(selection.Labels is null
                    ? $"Channels.Choose(call, s_traits.Shape, rank: {selection.Rank}, {Literal.Of(plan.QueryFactor * format.ValueFactor)}, ref candidates);"
                    : $"Labels.Prepare(selection, {Literal.Of(plan.QueryFactor * format.ValueFactor)}, ref candidates);")}
                """,
            Scorer.Keys => $"""
                ref float queries = ref call.Scratch; // [{plan.DecodeRows}, {plan.RowStride}]
                ref {format.Scalar} keys = ref Unsafe.As<byte, {format.Scalar}>(ref call.Keys);
                Panels.ScaleQueries(call, s_traits.Shape, rowsPerToken: {plan.DecodeRows}, {plan.DecodeRows}, {Literal.Of(plan.QueryFactor * format.ValueFactor)}, ref queries);
                """,
            _ => $"""
                ref float queries = ref call.Scratch; // [{plan.DecodeRows}, 2, {plan.RowStride}]
                Panels.SplitQueries(call, s_traits.Shape, {plan.DecodeRows}, {Literal.Of(plan.QueryFactor)}, ref queries);
                """,
        });
        writer.Write($$"""
            Span<KeyRange> ranges = stackalloc KeyRange[call.Ranges.Length];
            selection.CandidateRanges(ranges);

            foreach (KeyRange range in ranges)
            {
                for (int {{noun}} = range.Low, count; {{noun}} < range.High; {{noun}} += count)
                {
            """);
        bool pages = selection.Scorer == Scorer.Pages;
        writer.Write("        count = Math.Min(Candidates.ChunkKeys, " + (pages ? "range.High - page);" : "Math.Min(call.Layout.Run(key), range.High - key));"));
        if (plan.TestsTiles)
        {
            string keys = pages ? $"new IntRange(page * {selection.PageSize}, selection.NewestOf(page + count - 1))" : "new IntRange(key, key + count - 1)";
            writer.Write($"""
                        BlockView view = See(call, new IntRange(call.FirstQuery, call.FirstQuery), {keys});
                        if (view == BlockView.Hidden)
                            continue;
                        bool masked = {(pages ? "" : $"count % {tile.Lanes} != 0 || ")}view != BlockView.Full;
                """);
        }
        else if (!pages)
            writer.Write($"        bool masked = count % {tile.Lanes} != 0;");
        writer.Write($"        ref float scores = ref candidates.Begin({noun}, count);");
        if (selection.Scorer == Scorer.Channels)
        {
            writer.Write($"""
                        nint next = key + count < range.High ? count : 0;
                        ref {format.Scalar} column = ref Unsafe.Add(ref columns, call.Layout.Slot(key));
                """);
        }

        string rows = plan.DecodeRows == tile.DecodeRows ? "" : $"for (int row = 0; row < {plan.DecodeRows}; row += {tile.DecodeRows})\n            ";
        string rowQueries = rows.Length == 0 ? "queries" : $"Unsafe.Add(ref queries, row * {(selection.Scorer == Scorer.Pages ? "2 * " : "")}Stride)";
        string rowScores = rows.Length == 0 ? "scores" : "Unsafe.Add(ref scores, row * Candidates.ChunkKeys)";
        writer.Write("        " + selection.Scorer switch
        {
            Scorer.Channels => "ChannelScores(candidates, ref column, selection.ColumnStride, count, next, ref scores);",
            Scorer.Keys => $"{rows}CandidateScores(ref {rowQueries}, ref Unsafe.Add(ref keys, (nint)call.Layout.Slot(key) * Stride), count, ref {rowScores});",
            _ => $"{rows}PageBounds(ref {rowQueries}, ref Unsafe.Add(ref selection.Pages, (nint)page * 2 * Stride), count, ref {rowScores});",
        });
        string ahead = ChannelScoresEmitter.LeavesRest(plan, selection, tile) ? ", ref Unsafe.Add(ref column, next), selection.ColumnStride" : "";
        writer.Write($"""
                    candidates.End(SelectionStage.Scores);
                    Weigh(ref scores, count, {noun}, {(pages && !plan.TestsTiles ? "" : "masked, ")}call, candidates{ahead});
                    candidates.End(SelectionStage.Weights);
            """);
        writer.Write("""
                }
            }

            """);
        if (selection.PerHead)
        {
            writer.Write("""
                for (int row = 0; row < Group; row++)
                {
                    candidates.Choose(row);
                    candidates.End(SelectionStage.Choice);
                    AttendSelected(call, candidates);
                    candidates.PutAside();
                    candidates.End(SelectionStage.Attention);
                }

                candidates.PutBack();
                """);
        }
        else
        {
            writer.Write("""
                candidates.Choose();
                candidates.End(SelectionStage.Choice);
                AttendSelected(call, candidates);
                candidates.End(SelectionStage.Attention);
                """);
        }

        if (selection.Remainder != Remainder.Renormalised)
        {
            writer.Write("""
                candidates.Reallocate();
                candidates.End(SelectionStage.Mean);
                """);
        }

        writer.Close();
        writer.Blank();
    }

    static void EmitAttentionDriver(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        bool survivors = selection.Scorer == Scorer.PastWeights, tests = selection.TestsChosen; // each key by itself
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        bool scalesCopy = survivors && format.HasScales; // what keys receive are the weights as they were
        string scored = scalesCopy ? "scaled" : "scores";
        writer.Write("/// <summary>The decode kernel over the chosen keys, whose rows lie apart.</summary>");
        writer.Open($"static void AttendSelected(in KernelCall call, in {(survivors ? "Survivors" : "Candidates")} chosen)");
        writer.Write($$"""
            ref float queries = ref call.Scratch; // [{{plan.DecodeRows}}, {{plan.RowStride}}]
            {{(survivors && !scalesCopy
                ? $"ref float corrections = ref Unsafe.Add(ref queries, {plan.DecodeRows * plan.RowStride});"
                : $"""
                    ref float {scored} = ref Unsafe.Add(ref queries, {plan.DecodeRows * plan.RowStride}); // [{tile.DecodeRows}, BlockKeys]
                    ref float corrections = ref Unsafe.Add(ref {scored}, {tile.DecodeRows} * BlockKeys);
                    """)}}{{(format.HasScales ? $"\nref float keyScales = ref Unsafe.Add(ref corrections, {SoftmaxEmitter.ScratchFloats(tile.DecodeRows)}); // [BlockKeys]\nref float valueScales = ref Unsafe.Add(ref keyScales, BlockKeys);" : "")}}
            ref {{format.Scalar}} keys = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Keys);
            ref {{format.Scalar}} values = ref Unsafe.As<byte, {{format.Scalar}}>(ref call.Values);
            Panels.ScaleQueries(call, s_traits.Shape, rowsPerToken: {{plan.DecodeRows}}, {{plan.DecodeRows}}, {{Literal.Of(plan.QueryFactor * format.ValueFactor)}}, ref queries);
            Panels.Clear(call, {{plan.DecodeRows}}, Stride);

            for (int first = 0; first < chosen.Count; first += BlockKeys)
            {
                int count = Math.Min(BlockKeys, chosen.Count - first);
                ref int slots = ref Unsafe.Add(ref chosen.Slots, first);{{(format.HasScales ? "\n    Panels.GatherScales(call, ref slots, count, ref keyScales, ref valueScales);" : "")}}{{(tests ? "" : $"\n    bool masked = count % {tile.Lanes} != 0;")}}
                for (int row = 0; row < {{plan.DecodeRows}}; row += {{tile.DecodeRows}})
                {
                    {{(survivors ? "ref float scores = ref Unsafe.Add(ref chosen.Weights(first), row * BlockKeys);\n        " : "")}}SelectedScores(ref Unsafe.Add(ref queries, row * Stride), ref keys, ref values, ref slots, count, ref scores);
                    SelectedSoftmax(
                        ref scores, {{tile.DecodeRows}}, count, ref Unsafe.Add(ref chosen.Positions, first), {{(tests ? "" : "masked, ")}}firstRow: row, rowsPerToken: {{plan.DecodeRows}}, call,
                        ref Unsafe.Add(ref call.Maxima, row), ref Unsafe.Add(ref call.Weights, row), ref corrections{{SoftmaxEmitter.Scales(plan, "keyScales", survivors ? "Panels.UnitScales" : "valueScales")}});
                    {{(scalesCopy ? $"Panels.ScaleRows(ref scores, {tile.DecodeRows}, BlockKeys, count, ref valueScales, ref scaled);\n        " : "")}}SelectedValues(ref {{(scalesCopy ? "scaled" : "scores")}}, ref corrections, ref values, ref keys, ref slots, count, ref Unsafe.Add(ref call.Sums, row * Stride));
                }{{(survivors ? "\n\n    chosen.NoteMaxima(first);" : "")}}
            }
            """);
        writer.Close();
        writer.Blank();
    }
}
