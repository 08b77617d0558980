namespace AttentionComposer;

/// <summary>
/// Star Attention (arXiv 2411.17116): a long context is encoded in blocks that see themselves and the first block's beginning, the
/// anchor; what follows the context sees everything. The context's cost grows with its length, not with its square, and
/// its blocks can be encoded on different hosts (AttentionComposer.Mpi). Needs <see cref="CausalAttribute"/>.
/// </summary>
/// <remarks>
/// <para>With block size <c>b</c> and anchor size <c>a</c>, a query at position <c>i</c> below <see cref="KvCache.ContextLength"/> sees key <c>j</c> if
/// <c>j ≤ i</c> and (<c>j / b = i / b</c> or <c>j &lt; a</c>), positions being those in the whole context (section 2 of the paper, anchor and
/// block at their original positions). A query at or behind <see cref="KvCache.ContextLength"/> sees every key up to its own.</para>
/// <para>Until a decoder says where the context ends, everything is context:
/// <c>cache.ContextLength = cache.Length</c> after the context's last token, in every layer, before the question's first.</para>
/// </remarks>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class StarAttribute : Attribute
{
    int? _anchorSize;

    /// <summary>Positions in a block, at least 1. The last block may be shorter.</summary>
    public int BlockSize { get; set; }

    /// <summary>
    /// Positions at the context's start that every block sees: from 0, blocks that see only themselves, to <see cref="BlockSize"/>, which it is
    /// unless set.
    /// </summary>
    public int AnchorSize
    {
        get => _anchorSize ?? BlockSize;
        set => _anchorSize = value;
    }
}
