using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace AttentionComposer;

/// <summary>
/// <see cref="IAttention"/>'s verbs for tensors of System.Numerics.Tensors: they check every dimension, where a span only has
/// a length, and forward without copying or allocating.
/// </summary>
/// <remarks>
/// Tensors are row-major without gaps. A slice of whole tokens is; a slice of heads or channels, a permuted and a broadcast tensor
/// are not, and are refused rather than copied. A refused call leaves the cache and the output as they were.
/// </remarks>
public static class AttentionTensors
{
    const nint AnyTokens = -1;

    /// <summary>
    /// A decoder's step: appends the new tokens' keys and values to the cache, then attends with the tokens' queries.
    /// </summary>
    /// <param name="attention">The pipeline.</param>
    /// <param name="cache">A cache made by a pipeline of the same cache kind.</param>
    /// <param name="queries"><c>[tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="keys"><c>[tokens, KeyValueHeads, HeadDim]</c>, with positional encoding already applied.</param>
    /// <param name="values"><c>[tokens, KeyValueHeads, HeadDim]</c>.</param>
    /// <param name="output">Receives <c>[tokens, QueryHeads, HeadDim]</c>; 0 for a row that sees no key.</param>
    /// <param name="logSumExp">Left out, or receives <c>[tokens, QueryHeads]</c>: the natural logarithm of the sum of the
    /// exponentials of the final logits; negative infinity for a row that sees no key.</param>
    /// <exception cref="ArgumentException">A tensor has another shape or gaps, the cache is of another kind, or outputs overlap inputs.</exception>
    /// <exception cref="InvalidOperationException">The cache is full.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public static void Attend(
        this IAttention attention, KvCache cache, ReadOnlyTensorSpan<float> queries, ReadOnlyTensorSpan<float> keys,
        ReadOnlyTensorSpan<float> values, TensorSpan<float> output, TensorSpan<float> logSumExp = default)
    {
        ArgumentNullException.ThrowIfNull(attention);
        AttentionShape shape = attention.Shape;
        ReadOnlySpan<float> query = Input(queries, [AnyTokens, shape.QueryHeads, shape.HeadDim], nameof(queries));
        nint tokens = queries.Lengths[0];
        attention.Attend(
            cache,
            query,
            Input(keys, [tokens, shape.KeyValueHeads, shape.HeadDim], nameof(keys)),
            Input(values, [tokens, shape.KeyValueHeads, shape.HeadDim], nameof(values)),
            Output(output, [tokens, shape.QueryHeads, shape.HeadDim], nameof(output)),
            OptionalOutput(logSumExp, [tokens, shape.QueryHeads], nameof(logSumExp)));
    }

    /// <summary>Appends keys and values without attending: a prefix that is only stored.</summary>
    /// <param name="attention">The pipeline.</param>
    /// <param name="cache">A cache made by a pipeline of the same cache kind.</param>
    /// <param name="keys"><c>[tokens, KeyValueHeads, HeadDim]</c>.</param>
    /// <param name="values"><c>[tokens, KeyValueHeads, HeadDim]</c>.</param>
    /// <exception cref="ArgumentException">A tensor has another shape or gaps, or the cache is of another kind.</exception>
    /// <exception cref="InvalidOperationException">The cache is full.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public static void Append(this IAttention attention, KvCache cache, ReadOnlyTensorSpan<float> keys, ReadOnlyTensorSpan<float> values)
    {
        ArgumentNullException.ThrowIfNull(attention);
        AttentionShape shape = attention.Shape;
        ReadOnlySpan<float> key = Input(keys, [AnyTokens, shape.KeyValueHeads, shape.HeadDim], nameof(keys));
        attention.Append(cache, key, Input(values, [keys.Lengths[0], shape.KeyValueHeads, shape.HeadDim], nameof(values)));
    }

    /// <summary>
    /// Attends with queries over what the cache already holds. The queries are the last <c>tokens</c> positions of the cache;
    /// with more queries than positions, the first rows of a causal pipeline see nothing.
    /// </summary>
    /// <param name="attention">The pipeline.</param>
    /// <param name="cache">A cache made by a pipeline of the same cache kind.</param>
    /// <param name="queries"><c>[tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="output">Receives <c>[tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="logSumExp">Left out, or receives <c>[tokens, QueryHeads]</c>.</param>
    /// <exception cref="ArgumentException">A tensor has another shape or gaps, the cache is of another kind, or outputs overlap inputs.</exception>
    /// <exception cref="InvalidOperationException">A row needs keys that a windowed cache has dropped already.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public static void Attend(
        this IAttention attention, KvCache cache, ReadOnlyTensorSpan<float> queries, TensorSpan<float> output, TensorSpan<float> logSumExp = default)
    {
        ArgumentNullException.ThrowIfNull(attention);
        AttentionShape shape = attention.Shape;
        ReadOnlySpan<float> query = Input(queries, [AnyTokens, shape.QueryHeads, shape.HeadDim], nameof(queries));
        nint tokens = queries.Lengths[0];
        attention.Attend(
            cache,
            query,
            Output(output, [tokens, shape.QueryHeads, shape.HeadDim], nameof(output)),
            OptionalOutput(logSumExp, [tokens, shape.QueryHeads], nameof(logSumExp)));
    }

    /// <summary>One decode token for each of many sequences, over what each cache already holds.</summary>
    /// <param name="attention">The pipeline.</param>
    /// <param name="caches">Different caches, of any lengths, made by a pipeline of the same cache kind.</param>
    /// <param name="queries"><c>[caches, QueryHeads, HeadDim]</c>: for each cache the query at its last position.</param>
    /// <param name="output">Receives <c>[caches, QueryHeads, HeadDim]</c>.</param>
    /// <exception cref="ArgumentException">A tensor has another shape or gaps, or a cache is null or of another kind.</exception>
    /// <exception cref="ObjectDisposedException">A cache is disposed.</exception>
    public static void AttendBatch(
        this IAttention attention, ReadOnlySpan<KvCache> caches, ReadOnlyTensorSpan<float> queries, TensorSpan<float> output)
    {
        ArgumentNullException.ThrowIfNull(attention);
        AttentionShape shape = attention.Shape;
        attention.AttendBatch(
            caches,
            Input(queries, [caches.Length, shape.QueryHeads, shape.HeadDim], nameof(queries)),
            Output(output, [caches.Length, shape.QueryHeads, shape.HeadDim], nameof(output)));
    }

    static ReadOnlySpan<float> Input(ReadOnlyTensorSpan<float> tensor, scoped ReadOnlySpan<nint> expected, string name)
    {
        Check(tensor, expected, name);
        return MemoryMarshal.CreateReadOnlySpan(in tensor.GetPinnableReference(), (int)tensor.FlattenedLength);
    }

    static Span<float> Output(TensorSpan<float> tensor, scoped ReadOnlySpan<nint> expected, string name)
    {
        Check(tensor, expected, name);
        return MemoryMarshal.CreateSpan(ref tensor.GetPinnableReference(), (int)tensor.FlattenedLength);
    }

    // Only a tensor without dimensions stands for none: one of 0 tokens beside several queries is a mistake.
    static Span<float> OptionalOutput(TensorSpan<float> tensor, scoped ReadOnlySpan<nint> expected, string name) =>
        tensor.Rank == 0 ? default : Output(tensor, expected, name);

    /// <summary>Refuses a tensor whose scalars are not those of the expected shape, in one piece.</summary>
    static void Check(scoped ReadOnlyTensorSpan<float> tensor, scoped ReadOnlySpan<nint> expected, string name)
    {
        if (!IsShape(tensor.Lengths, expected))
            throw new ArgumentException($"{name}: expected {Text(expected)}, got {Text(tensor.Lengths)}.", name);
        if (!tensor.IsEmpty && !tensor.IsDense)
            throw new ArgumentException(
                $"{name}: expected {Text(expected)}, row-major and without gaps, got {Text(tensor.Lengths)} with strides {Text(tensor.Strides)}. " +
                "Copy it to a tensor of its own first.", name);
        if (tensor.FlattenedLength > int.MaxValue)
            throw new ArgumentException(
                $"{name}: {Text(tensor.Lengths)} holds more than the {int.MaxValue} scalars that one call takes. Make several calls.", name);
    }

    static bool IsShape(scoped ReadOnlySpan<nint> lengths, scoped ReadOnlySpan<nint> expected) =>
        lengths.Length == expected.Length && lengths[1..].SequenceEqual(expected[1..]) && (expected[0] == AnyTokens || lengths[0] == expected[0]);

    static string Text(scoped ReadOnlySpan<nint> numbers)
    {
        var texts = new string[numbers.Length];
        for (int i = 0; i < texts.Length; i++)
            texts[i] = numbers[i] == AnyTokens ? "tokens" : numbers[i].ToString(CultureInfo.InvariantCulture);
        return $"[{string.Join(", ", texts)}]";
    }
}
