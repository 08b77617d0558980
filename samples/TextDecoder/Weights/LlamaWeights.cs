using AttentionComposer;

namespace TextDecoder.Weights;

/// <summary>The weights of one layer. A matrix is [outputs, inputs].</summary>
sealed record LlamaLayer(
    float[] AttentionNorm, WeightMatrix Query, WeightMatrix Key, WeightMatrix Value, WeightMatrix AttentionOutput,
    float[] FeedForwardNorm, WeightMatrix Gate, WeightMatrix Up, WeightMatrix Down);

/// <summary>The weights of a Llama model, with query and key rows in Hugging Face's order whatever the file's.</summary>
sealed record LlamaWeights(WeightMatrix Embedding, IReadOnlyList<LlamaLayer> Layers, float[] FinalNorm, WeightMatrix Output)
{
    /// <summary>Bytes that one decoded token reads: everything but the embeddings, of which it reads a row.</summary>
    public long BytesPerToken =>
        Output.SizeInBytes + Layers.Sum(layer => layer.Query.SizeInBytes + layer.Key.SizeInBytes + layer.Value.SizeInBytes
            + layer.AttentionOutput.SizeInBytes + layer.Gate.SizeInBytes + layer.Up.SizeInBytes + layer.Down.SizeInBytes);

    /// <summary>Reads all weights.</summary>
    /// <param name="config">Sizes that the tensors must have.</param>
    /// <param name="tensors">The tensors of the model's file or files, by name.</param>
    /// <param name="names">What they are called.</param>
    /// <param name="interleaved">Whether the rows of queries and keys are ordered for rotating neighbours, as GGUF does it.</param>
    /// <exception cref="ModelException">A tensor is missing, has another shape, or is unknown.</exception>
    public static LlamaWeights Read(
        LlamaConfig config, IReadOnlyDictionary<string, StoredTensor> tensors, TensorNames names, bool interleaved)
    {
        var source = new Source(tensors);
        var heads = config.Attention;
        Func<int, int>? order = interleaved ? row => SplitHalves(row, heads.HeadDim) : null;

        var embedding = source.Matrix(names.Embedding, config.VocabularySize, config.Hidden);
        var layers = new List<LlamaLayer>();
        for (int i = 0; i < config.Layers; i++)
        {
            string prefix = $"{names.LayerPrefix}{i}.";
            layers.Add(new LlamaLayer(
                source.Vector(prefix + names.AttentionNorm, config.Hidden),
                source.Matrix(prefix + names.Query, heads.QueryWidth, config.Hidden, order),
                source.Matrix(prefix + names.Key, heads.KeyValueWidth, config.Hidden, order),
                source.Matrix(prefix + names.Value, heads.KeyValueWidth, config.Hidden),
                source.Matrix(prefix + names.AttentionOutput, config.Hidden, heads.QueryWidth),
                source.Vector(prefix + names.FeedForwardNorm, config.Hidden),
                source.Matrix(prefix + names.Gate, config.FeedForward, config.Hidden),
                source.Matrix(prefix + names.Up, config.FeedForward, config.Hidden),
                source.Matrix(prefix + names.Down, config.Hidden, config.FeedForward)));
        }

        var finalNorm = source.Vector(names.FinalNorm, config.Hidden);
        bool tied = config.MayTieOutput && !tensors.ContainsKey(names.Output);
        var output = tied ? embedding : source.Matrix(names.Output, config.VocabularySize, config.Hidden);
        source.RefuseTheRest();
        return new LlamaWeights(embedding, layers, finalNorm, output);
    }

    /// <summary>
    /// A head's pairs are neighbours (0,1), (2,3), ... in GGUF and halves (0, d/2), (1, d/2+1), ... at Hugging Face. Scores do not
    /// change when queries and keys are reordered alike, so one rotation serves both files once the rows are in one order.
    /// </summary>
    internal static int SplitHalves(int row, int headDim)
    {
        int d = row % headDim;
        return row - d + (d % 2 * (headDim / 2)) + (d / 2);
    }

    sealed class Source(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        readonly HashSet<string> _used = [];

        public WeightMatrix Matrix(string name, int rows, int columns, Func<int, int>? destinationRow = null) =>
            WeightMatrix.Read(Find(name, rows, columns), destinationRow);

        public float[] Vector(string name, int length) => WeightMatrix.ReadVector(Find(name, length));

        /// <summary>A model with a tensor that nobody asked for (a bias, say) would come out wrong without a word.</summary>
        public void RefuseTheRest()
        {
            foreach (string name in tensors.Keys)
                if (!_used.Contains(name) && !TensorNames.IsRedundant(name))
                    throw new ModelException($"The model has a tensor '{name}', which is not part of the Llama models that this decoder runs.");
        }

        StoredTensor Find(string name, params ReadOnlySpan<long> shape)
        {
            if (!tensors.TryGetValue(name, out var tensor))
                throw new ModelException($"The model has no tensor '{name}', which this decoder needs.");
            if (!shape.SequenceEqual(tensor.Shape))
                throw new ModelException(
                    $"Tensor '{name}' has the shape [{string.Join(", ", tensor.Shape)}] where the configuration asks for "
                    + $"[{string.Join(", ", shape.ToArray())}].");
            _used.Add(name);
            return tensor;
        }
    }
}
