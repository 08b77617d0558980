using System;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>How a selection scores its candidates.</summary>
enum Scorer
{
    /// <summary>By a few channels of each key.</summary>
    Channels,

    /// <summary>By whole keys.</summary>
    Keys,

    /// <summary>Pages, by the minima and maxima of their keys.</summary>
    Pages,

    /// <summary>By the weights that keys have received so far: nothing is read of the keys themselves.</summary>
    PastWeights,
}

/// <summary>What becomes of the probability of the keys that were not chosen; mirrors the runtime's enum by name and order.</summary>
enum Remainder
{
    Renormalised,
    Lost,
    Spread,
    Mean,
}

/// <summary>What a selection needs from its scorer, its cache and the driver.</summary>
sealed record SelectionPlan
{
    /// <summary>The runtime's name of the method.</summary>
    public required string Method { get; init; }

    public required Scorer Scorer { get; init; }

    /// <summary>Keys, or pages, to choose in all.</summary>
    public required int Keep { get; init; }

    /// <summary>How many of them are the newest.</summary>
    public required int Forced { get; init; }

    /// <summary>Rows of scores that the scorer writes: the group, or what its tile pads it to.</summary>
    public required int Rows { get; init; }

    /// <summary>Channels that the scorer reads; 0 when it reads whole keys.</summary>
    public int Rank { get; init; }

    /// <summary>Keys in a page; 0 when single keys are chosen.</summary>
    public int PageSize { get; init; }

    /// <summary>Newest positions that an eviction leaves at most, beside <see cref="Sinks"/>; 0 when nothing is evicted, or no window hides anything.</summary>
    public int Window { get; init; }

    /// <summary>First positions that stay beside the window.</summary>
    public int Sinks { get; init; }

    /// <summary>Whether each query head chooses for itself.</summary>
    public bool PerHead { get; init; }

    /// <summary>Whether candidates are ranked by the group's summed probabilities rather than scores.</summary>
    public bool ByProbability { get; init; }

    public Remainder Remainder { get; init; }

    /// <summary>The field of the label channels, where these do not depend on the query; null where they do.</summary>
    public string? Labels { get; init; }

    /// <summary>Whether a candidate may turn out to be hidden: by a mask that intervals do not express, or by a score of negative infinity.</summary>
    public bool HidesCandidates { get; init; }

    /// <summary>Whether it may be hidden from some heads of a group and not from others.</summary>
    public bool HidesByHead { get; init; }

    /// <summary>Whether attention over the chosen keys tests masks: the keys of a page, and those that the group's heads see differently.</summary>
    public bool TestsChosen { get; init; }

    /// <summary>Whether the softmax over all candidates is computed.</summary>
    public bool Softmax => ByProbability || Remainder != Remainder.Renormalised;

    /// <summary>Whether that field is a static one.</summary>
    public bool LabelsAreStatic { get; init; }

    /// <summary>The stages of a step, one line each.</summary>
    public required EquatableArray<string> Stages { get; init; }

    /// <summary>What the cache keeps for it, as the plan's line on the cache goes on.</summary>
    public string CacheText =>
        (Labels is not null ? $"; {Rank} channels of the keys a second time, channel by channel" : Scorer == Scorer.Channels ? "; keys a second time, channel by channel" : "") +
        (Scorer == Scorer.PastWeights ? "; the weights that each key has received" : "") +
        (PageSize > 0 ? $"; minima and maxima of each {PageSize} keys" : "") +
        (Remainder >= Remainder.Spread ? "; the sum of the visible values" : "");

    /// <param name="spec">The pipeline.</param>
    /// <param name="decodeRows">Rows of the decode kernel's tile.</param>
    /// <param name="testsMasks">Whether masks hide keys within the intervals.</param>
    public static SelectionPlan? Of(PipelineSpec spec, int decodeRows, bool testsMasks)
    {
        SelectionPlan? plan = spec.Selection switch
        {
            SparQSelection sparq => OfSparQ(sparq, spec),
            TopKSelection topK => OfTopK(topK, spec, decodeRows),
            PageSelection pages => OfPages(pages, spec, decodeRows, testsMasks),
            HeavyHittersSelection heavyHitters => OfHeavyHitters(heavyHitters, spec, decodeRows),
            DoubleSparsitySelection sparsity => OfDoubleSparsity(sparsity, spec),
            _ => null,
        };
        if (plan is null)
            return null;

        // What a mask hides from one query, the next may see: such keys keep their places, and attention over them tests the masks.
        if (plan.Scorer == Scorer.PastWeights)
            return plan with { TestsChosen = spec.Masks.Count > 0 };

        // A page's bound knows nothing of score functions, which are for single keys.
        bool scores = spec.Scores.Count > 0 && plan.PageSize == 0, masksByHead = testsMasks && spec.Masks.Any(mask => mask.DependsOn(VariableKind.Head));
        return plan with
        {
            HidesCandidates = testsMasks || scores,
            HidesByHead = spec.GroupSize > 1 && (masksByHead || scores),
            TestsChosen = testsMasks && (plan.PageSize > 0 || (spec.GroupSize > 1 && masksByHead)),
        };
    }

    static SelectionPlan OfSparQ(SparQSelection sparq, PipelineSpec spec)
    {
        int group = spec.GroupSize;

        // The released code keeps the current token beside window and budget. One head ranks alike by probability and by score.
        int current = sparq.Released ? 1 : 0;
        int keep = sparq.TopK + current, forced = Math.Min(sparq.Local, sparq.TopK) + current;
        bool byProbability = !sparq.Released && group > 1;
        return new SelectionPlan
        {
            Method = "SparQ",
            Scorer = Scorer.Channels,
            Keep = keep,
            Forced = forced,
            Rows = group,
            Rank = sparq.Rank,
            ByProbability = byProbability,
            Remainder = sparq.Reallocate ? Remainder.Mean : Remainder.Renormalised,
            Stages = new EquatableArray<string>(
            [
                $"one token, approximate scores: {sparq.Rank} channels of every visible key, where the group's queries are largest{Through(spec)}",
                $"one token, choice: the newest {forced} keys and the best others by {Ranking(group, byProbability)}, {keep} in all",
                .. sparq.Reallocate
                    ? [$"one token, output: the mean of the visible values takes the probability of the keys that were not chosen{MeanText(spec)}"]
                    : (string[])[],
            ]),
        };
    }

    static SelectionPlan OfTopK(TopKSelection topK, PipelineSpec spec, int decodeRows) => new()
    {
        Method = "TopK",
        Scorer = Scorer.Keys,
        Keep = topK.Count,
        Forced = 0,
        Rows = decodeRows,
        ByProbability = spec.GroupSize > 1,
        Remainder = (Remainder)topK.Remainder,
        Stages = new EquatableArray<string>(
        [
            $"one token, scores: of every visible key{Through(spec)}",
            $"one token, choice: the best {topK.Count} keys by {Ranking(spec.GroupSize, spec.GroupSize > 1)}",
            .. topK.Remainder switch
            {
                TopKRemainder.Lost => ["one token, output: the weights of all keys; the others' values are left out"],
                TopKRemainder.Spread => [$"one token, output: the weights of all keys; the mean of the others' values takes theirs{MeanText(spec)}"],
                _ => (string[])[],
            },
        ]),
    };

    static SelectionPlan OfPages(PageSelection pages, PipelineSpec spec, int decodeRows, bool testsMasks)
    {
        bool perHead = pages.PerHead && spec.GroupSize > 1;
        return new SelectionPlan
        {
            Method = "Pages",
            Scorer = Scorer.Pages,
            Keep = pages.Count,
            Forced = pages.KeepLast ? 1 : 0,
            Rows = decodeRows,
            PageSize = pages.Size,
            PerHead = perHead,
            Stages = new EquatableArray<string>(
            [
                $"one token, bounds: the largest score that a key between the minima and maxima of a page of {pages.Size} could have" +
                    (spec.Scores.Count == 0 ? "" : $", before {Names(spec)}"),
                $"one token, choice: {(pages.KeepLast ? "the newest page and " : "")}the best pages by " +
                    (perHead ? "each head's own bound" : spec.GroupSize == 1 ? "bound" : "the group's summed bounds") + $", {pages.Count} in all" +
                    (testsMasks ? "; pages of which no key is visible are left out" : ""),
            ]),
        };
    }

    static string Through(PipelineSpec spec) => spec.Scores.Count == 0 ? "" : $", through {Names(spec)}";

    static string Names(PipelineSpec spec) => string.Join(" and ", spec.Scores.Select(score => score.Name));

    // The cache's running sum is of all positions, or of a ring's window.
    static string MeanText(PipelineSpec spec) =>
        spec.Masks.Count + spec.Scores.Count == 0 ? "" : "; it is added up afresh in steps that do not see every position that the cache holds";

    // As the released baseline counts: the current key stays beside window and budget.
    static SelectionPlan OfHeavyHitters(HeavyHittersSelection heavyHitters, PipelineSpec spec, int decodeRows) => new()
    {
        Method = "HeavyHitters",
        Scorer = Scorer.PastWeights,
        Keep = heavyHitters.Budget + 1,
        Forced = Math.Min(heavyHitters.Local, heavyHitters.Budget) + 1,
        Rows = decodeRows,
        Window = spec.Window,
        Sinks = spec.Sinks,
        Stages = new EquatableArray<string>(
        [
            $"one token, eviction: the newest {Math.Min(heavyHitters.Local, heavyHitters.Budget) + 1} keys stay and the others that have received most weight, {heavyHitters.Budget + 1} in all" +
                (spec.Masks.Count == 0 ? "" : "; keys that a mask hides from this query are ranked with them"),
            "one token, afterwards: each kept key receives the mean of the group's weights; longer calls give theirs to every key, in a second pass over queries and keys",
        ]),
    };

    static SelectionPlan OfDoubleSparsity(DoubleSparsitySelection sparsity, PipelineSpec spec)
    {
        bool perHead = sparsity.PerHead && spec.GroupSize > 1;
        return new SelectionPlan
        {
            Method = "DoubleSparsity",
            Scorer = Scorer.Channels,
            Keep = sparsity.TopK,
            Forced = 0,
            Rows = spec.GroupSize,
            Rank = sparsity.Rank,
            Labels = sparsity.Labels,
            LabelsAreStatic = sparsity.LabelsAreStatic,
            PerHead = perHead,
            Stages = new EquatableArray<string>(
            [
                $"one token, approximate scores: the {sparsity.Rank} channels of every visible key that {sparsity.Labels} names{Through(spec)}",
                $"one token, choice: the best {sparsity.TopK} keys by {(perHead ? "each head's own score" : Ranking(spec.GroupSize, byProbability: false))}",
            ]),
        };
    }

    static string Ranking(int group, bool byProbability) =>
        group == 1 ? "score" : byProbability ? "the group's summed probabilities" : "the group's summed scores";
}
