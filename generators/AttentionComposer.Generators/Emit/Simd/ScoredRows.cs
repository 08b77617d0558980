using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>Rows that a kernel multiplies with queries, and where the products go.</summary>
/// <param name="Method">The emitted method's name.</param>
/// <param name="What">The rows in its summary.</param>
/// <param name="Noun">What one calls several of them.</param>
/// <param name="Format">How they are stored.</param>
/// <param name="Stride">Scalars from one to the next.</param>
/// <param name="RowLength">Scores from one query's to the next one's.</param>
/// <param name="Listed">Whether they lie in the slots of a list; one behind the other otherwise.</param>
/// <param name="PrefetchValues">Whether the values of the same slots are read next.</param>
sealed record ScoredRows(string Method, string What, string Noun, RowFormatNames Format, int Stride, string RowLength, bool Listed, bool PrefetchValues)
{
    /// <summary>A block of keys, whose values come next.</summary>
    public static ScoredRows Block(KernelPlan plan) => new(
        "DecodeScores", "a block of keys", "keys", RowFormatNames.Of(plan.Spec.Format), plan.RowStride, "BlockKeys", Listed: false, PrefetchValues: true);

    /// <summary>Keys that were chosen.</summary>
    public static ScoredRows Chosen(KernelPlan plan) => Block(plan) with { Method = "SelectedScores", What = "a block of chosen keys", Listed = true };

    /// <summary>Every candidate's key.</summary>
    public static ScoredRows Candidates(KernelPlan plan) =>
        Block(plan) with { Method = "CandidateScores", What = "a chunk of keys", RowLength = "Candidates.ChunkKeys", PrefetchValues = false };

    /// <summary>The minima and maxima of pages, one row each: against (min(q, 0), max(q, 0)) the product is the page's bound.</summary>
    public static ScoredRows Pages(KernelPlan plan) => new(
        "PageBounds", "the minima and maxima of pages", "pages", RowFormatNames.Of(Model.KvFormat.Float32), 2 * plan.RowStride, "Candidates.ChunkKeys",
        Listed: false, PrefetchValues: false);
}
