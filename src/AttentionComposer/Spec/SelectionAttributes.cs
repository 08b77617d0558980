namespace AttentionComposer;

/// <summary>How <see cref="SparQAttribute"/> ranks keys within a group of query heads, and counts its budget.</summary>
public enum SparQVariant
{
    /// <summary>Algorithm 1 of the paper: the group's summed probabilities; the local window is part of the budget.</summary>
    Paper,

    /// <summary>The authors' released code: the group's summed logits; the current token is kept beside budget and window.</summary>
    Released,
}

/// <summary>When <see cref="SparQAttribute"/> gives the mass of the keys that were not read to the mean value.</summary>
public enum SparQReallocation
{
    /// <summary>With one query head a key/value head, as the paper does: grouped heads scored better without.</summary>
    WhenUngrouped,

    /// <summary>For every shape.</summary>
    Always,

    /// <summary>For none; the cache then keeps no mean value.</summary>
    Never,
}

/// <summary>
/// SparQ Attention (Ribar et al., arXiv 2312.04985, algorithm 1): a step reads <see cref="Rank"/> channels of all keys, and in full
/// only the <see cref="TopK"/> keys that score best by them.
/// </summary>
/// <remarks>
/// <para>Acts on calls of one token; longer ones run dense. With I the channels in which the group's queries have the largest summed
/// magnitude, and <c>ρ = ‖q[I]‖₁ / ‖q‖₁</c>:</para>
/// <code>
/// z'[j]  = Scale · ⟨q[I], k[j, I]⟩ / sqrt(ρ)        then the pipeline's score stages, functions included, and masks
/// J      = the newest Local keys, and the best others by Σ softmax(z') over the group, TopK in all
/// y      = attention over J with whole keys
/// α      = Σ softmax(z')[j] over J
/// output = α · y + (1 - α) · mean of the visible values, with reallocation; y without
/// </code>
/// <para>A sink logit counts as a key that is always chosen and has the value 0, in both softmaxes and in α. The cache keeps the keys a second time, channel by channel:
/// half as much memory again.</para>
/// </remarks>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class SparQAttribute : Attribute
{
    /// <summary>Channels that the approximation reads; at least 1, of which HeadDim at most are used. The paper's r.</summary>
    public int Rank { get; set; } = 32;

    /// <summary>Keys that are attended to; at least 1. The paper's k.</summary>
    public int TopK { get; set; } = 128;

    /// <summary>Newest keys that are always among them; a quarter of <see cref="TopK"/> unless set. The paper's l.</summary>
    public int Local { get; set; } = -1;

    /// <summary>Paper or released code: they differ for grouped heads.</summary>
    public SparQVariant Variant { get; set; }

    /// <summary>When the mean value takes part.</summary>
    public SparQReallocation Reallocation { get; set; }
}

/// <summary>What becomes of the probability of the keys that <see cref="TopKAttribute"/> leaves out.</summary>
public enum TopKRemainder
{
    /// <summary>The chosen keys' weights are scaled to a sum of 1.</summary>
    Renormalised,

    /// <summary>It is lost: weights are those among all keys (the FlexGen baseline of arXiv 2312.04985).</summary>
    Lost,

    /// <summary>The mean of the values left out takes it.</summary>
    Spread,
}

/// <summary>
/// Attends over the keys with the best exact scores: the oracle of every selection. It reads all keys and saves values only.
/// </summary>
/// <remarks>
/// Acts on calls of one token; longer ones run dense. A group's heads choose together, by the sum of their softmax probabilities, of the final scores.
/// </remarks>
/// <param name="count">Keys to keep, at least 1.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class TopKAttribute(int count) : Attribute
{
    /// <summary>Keys to keep.</summary>
    public int Count { get; } = count;

    /// <summary>What becomes of the other keys' probability.</summary>
    public TopKRemainder Remainder { get; set; }
}

/// <summary>
/// Attends over the pages whose keys may score best (Quest, Tang et al., arXiv 2406.10774): each page of neighbouring keys keeps its smallest and largest
/// scalars by channel, which bound every key's score from above.
/// </summary>
/// <remarks>
/// <para>Acts on calls of one token; longer ones run dense. The bound of a page with minima m and maxima M is</para>
/// <code>
/// U = Σ_c max(q[c] · m[c], q[c] · M[c])
/// </code>
/// <para>with the soft cap on top, and ALiBi at the page's newest key; score functions apply to the keys of the chosen pages, and a page of which masks hide every
/// key is never chosen. A step reads two rows a page, and the chosen pages.</para>
/// </remarks>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class PagesAttribute : Attribute
{
    /// <summary>Keys in a page, at least 1.</summary>
    public int Size { get; set; } = 16;

    /// <summary>Pages that are attended to, at least 1.</summary>
    public int Count { get; set; } = 64;

    /// <summary>Whether the newest page is always among them.</summary>
    public bool KeepLast { get; set; } = true;

    /// <summary>Whether each query head chooses its own pages, as the released evaluation code does; the group chooses together otherwise.</summary>
    public bool PerHead { get; set; }
}
