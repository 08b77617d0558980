namespace AttentionComposer;

/// <summary>The head counts and the head size of an attention pipeline.</summary>
/// <param name="HeadDim">Scalars in one head.</param>
/// <param name="QueryHeads">Number of query heads.</param>
/// <param name="KeyValueHeads">Number of key/value heads; divides <paramref name="QueryHeads"/>.</param>
public readonly record struct AttentionShape(int HeadDim, int QueryHeads, int KeyValueHeads)
{
    /// <summary>Query heads that read one key/value head.</summary>
    public int GroupSize => QueryHeads / KeyValueHeads;

    /// <summary>Scalars in one token's queries: <c>QueryHeads · HeadDim</c>.</summary>
    public int QueryWidth => QueryHeads * HeadDim;

    /// <summary>Scalars in one token's keys, and in its values: <c>KeyValueHeads · HeadDim</c>.</summary>
    public int KeyValueWidth => KeyValueHeads * HeadDim;

    /// <summary>
    /// Scalars from one stored row to the next: the head size rounded up to the widest vector, so that no kernel needs a tail loop.
    /// </summary>
    internal int RowStride => (HeadDim + 15) / 16 * 16;

    /// <summary>For instance <c>32/8 heads of 128</c>.</summary>
    public override string ToString() => $"{QueryHeads}/{KeyValueHeads} heads of {HeadDim}";
}
