namespace AttentionComposer.Generators.Model;

/// <summary>How a decode step chooses the keys that it reads in full.</summary>
abstract record SelectionSpec
{
    /// <summary>Whether the softmax over all candidates takes part: in ranking them, or in the output.</summary>
    /// <param name="groupSize">Query heads that choose together.</param>
    public abstract bool UsesProbabilities(int groupSize);
}

/// <summary>SparQ Attention, arXiv 2312.04985.</summary>
/// <param name="Rank">Channels that the approximation reads.</param>
/// <param name="TopK">Keys to choose.</param>
/// <param name="Local">Newest keys among them.</param>
/// <param name="Released">Whether to rank and count as the released code does.</param>
/// <param name="Reallocate">Whether the mean value takes the mass of the other keys.</param>
sealed record SparQSelection(int Rank, int TopK, int Local, bool Released, bool Reallocate) : SelectionSpec
{
    public override bool UsesProbabilities(int groupSize) => Reallocate || (!Released && groupSize > 1);
}

/// <summary>What becomes of the probability of the keys that were not chosen; mirrors the runtime's enum by name and order.</summary>
enum TopKRemainder
{
    Renormalised,
    Lost,
    Spread,
}

/// <summary>The best keys by exact scores.</summary>
sealed record TopKSelection(int Count, TopKRemainder Remainder) : SelectionSpec
{
    public override bool UsesProbabilities(int groupSize) => Remainder != TopKRemainder.Renormalised || groupSize > 1;
}

/// <summary>The keys that have received most weight so far, arXiv 2306.14048.</summary>
/// <param name="Budget">Keys to keep beside the current one.</param>
/// <param name="Local">Newest keys among them, beside the current one.</param>
sealed record HeavyHittersSelection(int Budget, int Local) : SelectionSpec
{
    public override bool UsesProbabilities(int groupSize) => true; // the sum of those so far
}

/// <summary>The best keys by channels chosen in advance, arXiv 2408.07092.</summary>
/// <param name="Rank">Channels of a label.</param>
/// <param name="TopK">Keys to choose.</param>
/// <param name="PerHead">Whether each query head chooses for itself.</param>
/// <param name="Labels">The field that holds the channels.</param>
/// <param name="LabelsAreStatic">Whether it is a static one.</param>
sealed record DoubleSparsitySelection(int Rank, int TopK, bool PerHead, string Labels = "", bool LabelsAreStatic = false) : SelectionSpec
{
    public override bool UsesProbabilities(int groupSize) => false;
}

/// <summary>Quest's pages, arXiv 2406.10774.</summary>
/// <param name="Size">Keys in a page.</param>
/// <param name="Count">Pages to choose.</param>
/// <param name="KeepLast">Whether the newest page is always among them.</param>
/// <param name="PerHead">Whether each query head chooses for itself.</param>
sealed record PageSelection(int Size, int Count, bool KeepLast, bool PerHead) : SelectionSpec
{
    public override bool UsesProbabilities(int groupSize) => false;
}
