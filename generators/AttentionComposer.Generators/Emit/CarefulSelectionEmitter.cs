using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit;

/// <summary>Emits the plain loop that chooses keys while a call sees NaN or infinity; the careful kernel then attends over them.</summary>
static class CarefulSelectionEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan, SelectionPlan selection)
    {
        if (selection.Scorer == Scorer.PastWeights)
        {
            EmitEviction(writer, plan);
            return;
        }

        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        writer.Write("/// <summary>The choice of keys as a plain loop, in which an infinite or undefined score is the best one.</summary>");
        writer.Open("static class CarefulSelection");
        writer.Open($"public static void Select({CarefulEmitter.Receiver(plan, CarefulEmitter.PipelineName(plan) + " pipeline")}in SelectionCall selection)");
        writer.Write($$"""
            KernelCall call = selection.Call;
            var candidates = new Candidates(selection);
            {{Prepare(plan, selection)}}
            Span<KeyRange> ranges = stackalloc KeyRange[call.Ranges.Length];
            selection.CandidateRanges(ranges);
            foreach (KeyRange range in ranges)
            {
                for (int first = range.Low, count; first < range.High; first += count)
                {
                    count = Math.Min(Candidates.ChunkKeys, range.High - first);
                    ref float scores = ref candidates.Begin(first, count);
                    for (int row = 0; row < Group; row++)
                    {
            """);
        bool pages = selection.Scorer == Scorer.Pages;
        KernelPlan stages = plan.TestsTiles ? plan : plan.WithoutMasks; // intervals that say all of a mask hold visible keys only
        if (pages)
            stages = stages with { Spec = stages.Spec with { Scores = default } };
        if (stages.DependsOn(VariableKind.Query) || CarefulEmitter.Takes(stages, VariableKind.Query))
            writer.Write("            int query = call.FirstQuery;");
        if (stages.DependsOn(VariableKind.Head) || CarefulEmitter.Takes(stages, VariableKind.Head))
            writer.Write("            int head = call.KeyValueHead * Group + row;");
        string noun = pages ? "page" : "key";
        writer.Write($$"""
                        for (int {{noun}} = first; {{noun}} < first + count; {{noun}}++)
                        {
                            ref float logit = ref Unsafe.Add(ref scores, row * Candidates.ChunkKeys + {{noun}} - first);{{(pages ? HiddenPage(stages) : HiddenKey(stages))}}
                            {{Score(stages, selection, format)}}
                            logit = {{ScalarPrinter.Print(plan.Logit, key: pages ? "newest" : "key")}};{{string.Concat(stages.Spec.Scores.Select(score => $"\n                logit = {CarefulEmitter.Call(plan, score)};"))}}{{(pages || !selection.Softmax || plan.LogitFactor == 1 ? "" : $"\n                logit *= {Literal.Of(plan.LogitFactor)};")}}
                        }
                    }

                    candidates.WeighCarefully();
                }
            }
            """);
        writer.Write(selection.PerHead
            ? $$"""

                for (int row = 0; row < Group; row++)
                {
                    candidates.Choose(row);
                    CarefulKernel.Run({{CarefulEmitter.Receiver(plan, "pipeline")}}candidates.Chosen());
                    candidates.PutAside();
                }

                candidates.PutBack();
                """
            : $$"""

                candidates.Choose();
                CarefulKernel.Run({{CarefulEmitter.Receiver(plan, "pipeline")}}candidates.Chosen());
                """);
        if (selection.Remainder != Remainder.Renormalised)
            writer.Write("candidates.Reallocate();");
        writer.Close();
        writer.Close();
    }

    static void EmitEviction(SourceWriter writer, KernelPlan plan)
    {
        writer.Write("/// <summary>The eviction, and the weights of what is left, key by key.</summary>");
        writer.Open("static class CarefulSelection");
        writer.Open($"public static void Select({CarefulEmitter.Receiver(plan, CarefulEmitter.PipelineName(plan) + " pipeline")}in SelectionCall selection)");
        string receiver = CarefulEmitter.Receiver(plan, "pipeline");
        writer.Write($$"""
            var survivors = new Survivors(selection);
            for (int i = 0; i < survivors.Count; i++)
            {
                CarefulKernel.Run({{receiver}}survivors.Only(i));
                survivors.NoteLogits(i);
            }

            CarefulKernel.Run({{receiver}}survivors.Chosen());
            survivors.WeighLogits();
            survivors.Add(valueFactor: 1);
            """);
        writer.Close();
        writer.Close();
    }

    // Lines behind the first one carry the indentation of where they go.
    static string HiddenKey(KernelPlan plan) => string.Concat(CarefulEmitter.Masks(plan).Select(visible => $$"""

                        if (!{{visible}})
                        {
                            logit = float.NegativeInfinity;
                            continue;
                        }

        """));

    static string HiddenPage(KernelPlan plan) => !plan.HasMasks ? "" : $$"""

                        bool sees = false;
                        for (int key = page * PageSize; key <= selection.NewestOf(page); key++)
                            sees |= {{string.Join(" && ", CarefulEmitter.Masks(plan))}};
                        if (!sees)
                        {
                            logit = float.NegativeInfinity;
                            continue;
                        }

        """;

    static string Prepare(KernelPlan plan, SelectionPlan selection) => selection.Scorer switch
    {
        Scorer.Channels when selection.Labels is not null => $"Labels.PrepareCarefully(selection, {Literal.Of(plan.QueryFactor)}, ref candidates);",
        Scorer.Channels => $"Channels.Choose(call, s_traits.Shape, rank: {selection.Rank}, {Literal.Of(plan.QueryFactor)}, ref candidates);",
        Scorer.Keys => $"Panels.ScaleQueries(call, s_traits.Shape, rowsPerToken: Group, Group, {Literal.Of(plan.QueryFactor)}, ref call.Scratch);",
        _ => $"const float Factor = {Literal.Of(plan.QueryFactor)};{(plan.TestsTiles ? $"\nconst int PageSize = {selection.PageSize};" : "")}",
    };

    static string Score(KernelPlan plan, SelectionPlan selection, RowFormatNames format)
    {
        string slot = CarefulEmitter.Slot(format) + "\n                ", scale = CarefulEmitter.Scale(format, "KeyScales");
        return selection.Scorer switch
        {
            Scorer.Channels => slot + $"float score = candidates.ChannelDot(row, ref Unsafe.Add(ref call.Keys, slot), KvFormat.{plan.Spec.Format}{scale});",
            Scorer.Keys => slot +
                $"float score = RowScalars.Dot(ref Unsafe.Add(ref call.Scratch, row * Stride), ref Unsafe.Add(ref call.Keys, slot), HeadDim, KvFormat.{plan.Spec.Format}{scale});",
            _ => (plan.Logit.DependsOn(VariableKind.Key) ? "int newest = selection.NewestOf(page);\n                " : "") +
                "float score = Factor * candidates.PageBound(row, page);",
        };
    }
}
