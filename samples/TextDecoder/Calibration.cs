using AttentionComposer;
using TextDecoder.Decoder;
using TextDecoder.Weights;

namespace TextDecoder;

/// <summary>An attention whose channels are chosen for each layer before it runs (Double Sparsity, arXiv 2408.07092).</summary>
interface ICalibrated : IAttention
{
    /// <summary>The same with a layer's channels, <c>[KeyValueHeads, Rank]</c>.</summary>
    IAttention With(int[] channels);
}

/// <summary>
/// Gives each layer its attention. One that wants calibration gets the channels that matter in its layer: a short text goes through the model densely, and
/// its queries and keys tell.
/// </summary>
static class Calibration
{
    // The shipped model's kind of text; channels depend on the model far more than on the text.
    const string Text = """
            <member name="M:System.IO.TextReader.ReadLine">
              <summary>Reads a line of characters from the text reader and returns the data as a string.</summary>
              <returns>The next line from the reader, or <see langword="null" /> if all characters have been read.</returns>
              <exception cref="T:System.IO.IOException">An I/O error occurs.</exception>
              <exception cref="T:System.ObjectDisposedException">The <see cref="T:System.IO.TextReader" /> is closed.</exception>
            </member>
            <member name="P:System.Collections.Generic.Queue`1.Count">
              <summary>Gets the number of elements contained in the queue.</summary>
              <returns>The number of elements contained in the queue.</returns>
            </member>
            <member name="M:System.Math.Clamp(System.Int32,System.Int32,System.Int32)">
              <summary>Returns <paramref name="value" /> clamped to the inclusive range of <paramref name="min" /> and <paramref name="max" />.</summary>
              <param name="value">The value to be clamped.</param>
              <param name="min">The lower bound of the result.</param>
              <param name="max">The upper bound of the result.</param>
            </member>
        """;

    /// <summary>Each layer's attention.</summary>
    /// <param name="model">The model.</param>
    /// <param name="attention">What all layers run; with a layer's channels where it wants some.</param>
    public static Func<int, IAttention> Layers(LlamaModel model, IAttention attention)
    {
        if (attention is not ICalibrated calibrated)
            return _ => attention;

        IAttention dense = Pipelines.Find(Pipelines.Default, model.Config.Attention);
        Recorder[] layers = [.. Enumerable.Range(0, model.Config.Layers).Select(_ => new Recorder(dense))];
        int[] tokens = [.. model.Tokenizer.Encode(Text)];
        tokens = tokens[..Math.Min(tokens.Length, model.Config.ContextLength)];
        using (var decoder = new LlamaDecoder(model.Config, model.Weights, layer => layers[layer], tokens.Length))
            decoder.Decode(tokens);

        int rank = attention.Plan.Selection!.Rank;
        int[][] channels = [.. layers.Select(layer => DoubleSparsity.Calibrate(layer.Queries, layer.Keys, attention.Shape, rank))];
        return layer => calibrated.With(channels[layer]);
    }

    /// <summary>Keeps the queries and keys that an attention is asked with.</summary>
    sealed class Recorder(IAttention attention) : IAttention
    {
        readonly List<float> _queries = [];
        readonly List<float> _keys = [];

        /// <summary>All queries so far: <c>[tokens, QueryHeads, HeadDim]</c>.</summary>
        public float[] Queries => [.. _queries];

        /// <summary>All keys so far: <c>[tokens, KeyValueHeads, HeadDim]</c>.</summary>
        public float[] Keys => [.. _keys];

        public AttentionShape Shape => attention.Shape;

        public AttentionPlan Plan => attention.Plan;

        public KvCache CreateCache(int capacity) => attention.CreateCache(capacity);

        public void Attend(
            KvCache cache, ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, Span<float> output, Span<float> logSumExp = default)
        {
            _queries.AddRange(queries);
            _keys.AddRange(keys);
            attention.Attend(cache, queries, keys, values, output, logSumExp);
        }

        public void Append(KvCache cache, ReadOnlySpan<float> keys, ReadOnlySpan<float> values) => attention.Append(cache, keys, values);

        public void Attend(KvCache cache, ReadOnlySpan<float> queries, Span<float> output, Span<float> logSumExp = default) =>
            attention.Attend(cache, queries, output, logSumExp);

        public void AttendBatch(ReadOnlySpan<KvCache> caches, ReadOnlySpan<float> queries, Span<float> output) => attention.AttendBatch(caches, queries, output);
    }
}
