namespace AttentionComposer;

/// <summary>
/// One attention layer as a decoder sees it. Every class declared with <see cref="AttentionAttribute"/> implements it.
/// </summary>
/// <remarks>
/// <para>Spans are row-major and contiguous: queries and outputs are <c>[tokens, QueryHeads, HeadDim]</c>, keys and values
/// <c>[tokens, KeyValueHeads, HeadDim]</c>, log-sum-exps <c>[tokens, QueryHeads]</c>. The number of tokens follows from the lengths.</para>
/// <para>One pipeline object serves any number of caches (layers, sequences), and different caches may be used from different
/// threads at once. One cache is used from one thread at a time.</para>
/// <para>A refused call (ArgumentException, InvalidOperationException, NotSupportedException) leaves the cache and the
/// output as they were.</para>
/// </remarks>
public interface IAttention
{
    /// <summary>Head counts and head size.</summary>
    AttentionShape Shape { get; }

    /// <summary>What the generator fused, as data and, through <c>ToString</c>, as text.</summary>
    AttentionPlan Plan { get; }

    /// <summary>Creates an empty cache of the kind that this pipeline reads.</summary>
    /// <param name="capacity">The largest number of positions that the cache will be asked to hold; 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capacity"/> is negative.</exception>
    KvCache CreateCache(int capacity);

    /// <summary>
    /// A decoder's step: appends the new tokens' keys and values to the cache, then attends with the tokens' queries.
    /// </summary>
    /// <param name="cache">A cache made by a pipeline of the same cache kind.</param>
    /// <param name="queries"><c>[tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="keys"><c>[tokens, KeyValueHeads, HeadDim]</c>, with positional encoding already applied.</param>
    /// <param name="values"><c>[tokens, KeyValueHeads, HeadDim]</c>.</param>
    /// <param name="output">Receives <c>[tokens, QueryHeads, HeadDim]</c>; 0 for a row that sees no key.</param>
    /// <param name="logSumExp">Empty, or receives <c>[tokens, QueryHeads]</c>: the natural logarithm of the sum of the
    /// exponentials of the final logits; negative infinity for a row that sees no key.</param>
    /// <exception cref="ArgumentException">A span's length does not fit, the cache is of another kind, or outputs overlap inputs.</exception>
    /// <exception cref="InvalidOperationException">The cache is full.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    void Attend(
        KvCache cache, ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        Span<float> output, Span<float> logSumExp = default);

    /// <summary>Appends keys and values without attending: a prefix that is only stored.</summary>
    /// <param name="cache">A cache made by a pipeline of the same cache kind.</param>
    /// <param name="keys"><c>[tokens, KeyValueHeads, HeadDim]</c>.</param>
    /// <param name="values"><c>[tokens, KeyValueHeads, HeadDim]</c>.</param>
    /// <exception cref="ArgumentException">A span's length does not fit, or the cache is of another kind.</exception>
    /// <exception cref="InvalidOperationException">The cache is full.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    void Append(KvCache cache, ReadOnlySpan<float> keys, ReadOnlySpan<float> values);

    /// <summary>
    /// Attends with queries over what the cache already holds. The queries are the last <c>tokens</c> positions of the cache;
    /// with more queries than positions, the first rows of a causal pipeline see nothing.
    /// </summary>
    /// <param name="cache">A cache made by a pipeline of the same cache kind.</param>
    /// <param name="queries"><c>[tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="output">Receives <c>[tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="logSumExp">Empty, or receives <c>[tokens, QueryHeads]</c>.</param>
    /// <exception cref="ArgumentException">A span's length does not fit, or the cache is of another kind.</exception>
    /// <exception cref="InvalidOperationException">A row needs keys that a windowed cache has dropped already.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    void Attend(KvCache cache, ReadOnlySpan<float> queries, Span<float> output, Span<float> logSumExp = default);

    /// <summary>One decode token for each of many sequences, over what each cache already holds.</summary>
    /// <param name="caches">Different caches, of any lengths, made by a pipeline of the same cache kind.</param>
    /// <param name="queries"><c>[caches, QueryHeads, HeadDim]</c>: for each cache the query at its last position.</param>
    /// <param name="output">Receives <c>[caches, QueryHeads, HeadDim]</c>.</param>
    /// <exception cref="ArgumentException">A span's length does not fit, or a cache is null or of another kind.</exception>
    /// <exception cref="ObjectDisposedException">A cache is disposed.</exception>
    void AttendBatch(ReadOnlySpan<KvCache> caches, ReadOnlySpan<float> queries, Span<float> output);
}
