using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>
/// What the queries of one piece of a call may see at most, beside what their mask says: the positions <c>[0, Anchor)</c> and
/// <c>[From, To)</c>, with <c>Anchor ≤ From</c>.
/// </summary>
/// <remarks>
/// Star Attention (arXiv 2411.17116) is such bounds and a cut. All queries of one block see the same anchor and the same first key of their
/// own block, and those behind the context see everything; so a call that is cut at these places runs through the kernels of the
/// pipeline's other masks as they are, and only key blocks on the diagonal test a mask.
/// </remarks>
readonly record struct KeyBounds(int Anchor, int From, int To)
{
    /// <summary>Every position.</summary>
    public static readonly KeyBounds None = new(0, 0, int.MaxValue);

    /// <summary>The last piece of a Star pipeline's call over the positions <c>[first, end)</c>: where it starts and what it sees.</summary>
    public static (int Start, KeyBounds Sees) OfStar(KernelTraits traits, RowCache cache, int first, int end)
    {
        if (end > cache.ContextLength)
            return (Math.Max(first, cache.ContextLength), new KeyBounds(0, cache.HeldFrom, int.MaxValue));

        // Queries before the sequence's start see nothing and go with the first block.
        int block = Math.Max(0, end - 1) / traits.Block * traits.Block;
        return (block == 0 ? first : Math.Max(first, block), new KeyBounds(Math.Min(traits.Anchor, block), block, int.MaxValue));
    }

    /// <summary>
    /// Cuts ranges to the bounds. The first <paramref name="count"/> entries are the ranges; the result takes up to twice as many,
    /// one part in the anchor and one behind it, disjoint and in order.
    /// </summary>
    public Span<KeyRange> Restrict(Span<KeyRange> ranges, int count)
    {
        if (this == None)
            return ranges[..count];

        for (int i = 0; i < count; i++)
        {
            KeyRange range = ranges[i];
            ranges[count + i] = range with { Low = Math.Max(range.Low, From), High = Math.Min(range.High, To) };
            ranges[i] = range with { High = Math.Min(range.High, Anchor) };
        }

        return ranges[..(2 * count)];
    }
}
