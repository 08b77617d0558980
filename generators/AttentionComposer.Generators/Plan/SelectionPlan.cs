using System;
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

    /// <summary>Whether each query head chooses for itself.</summary>
    public bool PerHead { get; init; }

    /// <summary>Whether candidates are ranked by the group's summed probabilities rather than scores.</summary>
    public bool ByProbability { get; init; }

    public Remainder Remainder { get; init; }

    /// <summary>The field of the label channels, where these do not depend on the query; null where they do.</summary>
    public string? Labels { get; init; }

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

    public static SelectionPlan? Of(PipelineSpec spec, int decodeRows) => spec.Selection switch
    {
        SparQSelection sparq => OfSparQ(sparq, spec.GroupSize),
        TopKSelection topK => OfTopK(topK, spec.GroupSize, decodeRows),
        PageSelection pages => OfPages(pages, spec.GroupSize, decodeRows),
        HeavyHittersSelection heavyHitters => OfHeavyHitters(heavyHitters, decodeRows),
        DoubleSparsitySelection sparsity => OfDoubleSparsity(sparsity, spec.GroupSize),
        _ => null,
    };

    static SelectionPlan OfSparQ(SparQSelection sparq, int group)
    {
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
                $"one token, approximate scores: {sparq.Rank} channels of every visible key, where the group's queries are largest",
                $"one token, choice: the newest {forced} keys and the best others by {Ranking(group, byProbability)}, {keep} in all",
                .. sparq.Reallocate ? ["one token, output: the mean of the visible values takes the probability of the keys that were not chosen"] : (string[])[],
            ]),
        };
    }

    static SelectionPlan OfTopK(TopKSelection topK, int group, int decodeRows) => new()
    {
        Method = "TopK",
        Scorer = Scorer.Keys,
        Keep = topK.Count,
        Forced = 0,
        Rows = decodeRows,
        ByProbability = group > 1,
        Remainder = (Remainder)topK.Remainder,
        Stages = new EquatableArray<string>(
        [
            "one token, scores: of every visible key",
            $"one token, choice: the best {topK.Count} keys by {Ranking(group, group > 1)}",
            .. topK.Remainder switch
            {
                TopKRemainder.Lost => ["one token, output: the weights of all keys; the others' values are left out"],
                TopKRemainder.Spread => ["one token, output: the weights of all keys; the mean of the others' values takes theirs"],
                _ => (string[])[],
            },
        ]),
    };

    static SelectionPlan OfPages(PageSelection pages, int group, int decodeRows) => new()
    {
        Method = "Pages",
        Scorer = Scorer.Pages,
        Keep = pages.Count,
        Forced = pages.KeepLast ? 1 : 0,
        Rows = decodeRows,
        PageSize = pages.Size,
        PerHead = pages.PerHead && group > 1,
        Stages = new EquatableArray<string>(
        [
            $"one token, bounds: the largest score that a key between the minima and maxima of a page of {pages.Size} could have",
            $"one token, choice: {(pages.KeepLast ? "the newest page and " : "")}the best pages by " +
                (pages.PerHead && group > 1 ? "each head's own bound" : group == 1 ? "bound" : "the group's summed bounds") + $", {pages.Count} in all",
        ]),
    };

    // As the released baseline counts: the current key stays beside window and budget.
    static SelectionPlan OfHeavyHitters(HeavyHittersSelection heavyHitters, int decodeRows) => new()
    {
        Method = "HeavyHitters",
        Scorer = Scorer.PastWeights,
        Keep = heavyHitters.Budget + 1,
        Forced = Math.Min(heavyHitters.Local, heavyHitters.Budget) + 1,
        Rows = decodeRows,
        Stages = new EquatableArray<string>(
        [
            $"one token, eviction: the newest {Math.Min(heavyHitters.Local, heavyHitters.Budget) + 1} keys stay and the others that have received most weight, {heavyHitters.Budget + 1} in all",
            "one token, afterwards: each kept key receives the mean of the group's weights; longer calls give theirs to every key, in a second pass over queries and keys",
        ]),
    };

    static SelectionPlan OfDoubleSparsity(DoubleSparsitySelection sparsity, int group)
    {
        bool perHead = sparsity.PerHead && group > 1;
        return new SelectionPlan
        {
            Method = "DoubleSparsity",
            Scorer = Scorer.Channels,
            Keep = sparsity.TopK,
            Forced = 0,
            Rows = group,
            Rank = sparsity.Rank,
            Labels = sparsity.Labels,
            LabelsAreStatic = sparsity.LabelsAreStatic,
            PerHead = perHead,
            Stages = new EquatableArray<string>(
            [
                $"one token, approximate scores: the {sparsity.Rank} channels of every visible key that {sparsity.Labels} names",
                $"one token, choice: the best {sparsity.TopK} keys by {(perHead ? "each head's own score" : Ranking(group, byProbability: false))}",
            ]),
        };
    }

    static string Ranking(int group, bool byProbability) =>
        group == 1 ? "score" : byProbability ? "the group's summed probabilities" : "the group's summed scores";
}
