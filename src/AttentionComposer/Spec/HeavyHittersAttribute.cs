namespace AttentionComposer;

/// <summary>
/// Keeps the keys that have received most attention so far, and the newest; the others are evicted and never come back (H2O, Zhang et al.,
/// arXiv 2306.14048). Counted as the baseline in the released code of arXiv 2312.04985 does: <see cref="Budget"/> keys and the current one.
/// </summary>
/// <remarks>
/// <para>With A[j] the accumulated score of position j, 0 when it is stored, a call of one token does this for each key/value head:</para>
/// <code>
/// kept   = the newest Local + 1 of the kept keys, and the others with the largest A, Budget + 1 in all
/// output = attention over the kept keys
/// A[j]  += mean over the group's heads of the weight of j          for the kept keys
/// </code>
/// <para>Calls of several tokens run dense until something was evicted and add their weights to A; afterwards they run token by token, with the results of
/// as many calls of one token. A query counts each time that it attends. What a window passes is evicted; a key that a <see cref="MaskAttribute"/> function hides
/// keeps its place by its score, since the next query may see it. The pipeline must be <see cref="CausalAttribute"/>.</para>
/// <para>Truncating takes back what the newest 16 queries did, bit for bit; it is refused behind that, and within or behind a dense call
/// of more than 16 tokens, except to 0. The rows of evicted keys stay in memory and are not read.</para>
/// </remarks>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class HeavyHittersAttribute : Attribute
{
    /// <summary>Keys that are kept beside the current one, at least 1.</summary>
    public int Budget { get; set; } = 128;

    /// <summary>Newest keys that are always among them, beside the current one; a quarter of <see cref="Budget"/> unless set.</summary>
    public int Local { get; set; } = -1;
}
