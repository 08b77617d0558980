using System.Text.Json;
using AttentionComposer;
using TextDecoder.Decoder;

namespace TextDecoder.Weights;

/// <summary>The sizes and constants of a Llama-family model.</summary>
sealed record LlamaConfig
{
    public required int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Hidden { get; init; }

    /// <summary>Width of the gated layer between gate, up and down.</summary>
    public required int FeedForward { get; init; }

    public required AttentionShape Attention { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>Positions that the model was trained for.</summary>
    public required int ContextLength { get; init; }

    public required float NormEpsilon { get; init; }

    /// <summary>Whether a model without an output matrix multiplies with its embeddings.</summary>
    public required bool MayTieOutput { get; init; }

    /// <summary>Rotation per position, in radians, of each of a head's HeadDim / 2 pairs.</summary>
    public required double[] RotaryFrequencies { get; init; }

    /// <summary>What GGUF files of the architecture "llama" say.</summary>
    public static LlamaConfig Read(Gguf file)
    {
        string architecture = file.Text("general.architecture");
        if (architecture != "llama")
            throw new ModelException($"The model's architecture is '{architecture}'; this decoder runs 'llama'.");
        if (file.Integer("llama.expert_count", 0) != 0)
            throw new ModelException("The model is a mixture of experts; this decoder runs dense Llama models.");

        int hidden = Size(file.Integer("llama.embedding_length"), "llama.embedding_length");
        int heads = Size(file.Integer("llama.attention.head_count"), "llama.attention.head_count");
        int headDim = Size(file.Integer("llama.attention.key_length", hidden / heads), "llama.attention.key_length");
        if (file.Integer("llama.attention.value_length", headDim) != headDim)
            throw new ModelException("The model's values are of another size than its keys; this decoder runs models where they are equal.");
        if (file.Integer("llama.rope.dimension_count", headDim) != headDim)
            throw new ModelException("The model rotates a part of each head only; this decoder rotates whole heads.");
        string scaling = file.Text("llama.rope.scaling.type", "none");
        if (scaling != "none" && file.Number("llama.rope.scaling.factor", 1) != 1)
            throw new ModelException($"The model scales its rotary positions by the method '{scaling}'; this decoder knows 'llama3'.");

        var frequencies = RotaryEmbedding.Frequencies(headDim, file.Number("llama.rope.freq_base", 10000));
        if (file.Tensors.TryGetValue(TensorNames.GgufRotaryFactors, out var tensor))
        {
            // llama.cpp's converter works llama3's scaling out and stores one divisor a pair.
            if (tensor.Shape is not [var pairs] || pairs != frequencies.Length)
                throw new ModelException($"Tensor '{tensor.Name}' should hold one number for each of a head's {frequencies.Length} pairs.");
            var divisors = WeightMatrix.ReadVector(tensor);
            for (int i = 0; i < divisors.Length; i++)
                frequencies[i] /= divisors[i];
        }

        return new LlamaConfig
        {
            Layers = Size(file.Integer("llama.block_count"), "llama.block_count"),
            Hidden = hidden,
            FeedForward = Size(file.Integer("llama.feed_forward_length"), "llama.feed_forward_length"),
            Attention = Heads(headDim, heads, file.Integer("llama.attention.head_count_kv", heads)),
            VocabularySize = GgufVocabularySize(file),
            ContextLength = Size(file.Integer("llama.context_length"), "llama.context_length"),
            NormEpsilon = Epsilon(file.Number("llama.attention.layer_norm_rms_epsilon")),
            MayTieOutput = true, // llama.cpp's converter leaves the matrix out for no other reason
            RotaryFrequencies = Finite(frequencies),
        };
    }

    /// <summary>What a Hugging Face config.json of the model type "llama" says.</summary>
    public static LlamaConfig Read(JsonElement json)
    {
        string type = Text(json, "model_type", "");
        if (type != "llama")
            throw new ModelException($"config.json's model_type is '{type}'; this decoder runs 'llama'.");
        if (Text(json, "hidden_act", "silu") is var activation && activation != "silu")
            throw new ModelException($"The model's activation is '{activation}'; this decoder runs 'silu'.");

        int hidden = Size(Number(json, "hidden_size"), "hidden_size");
        int heads = Size(Number(json, "num_attention_heads"), "num_attention_heads");
        int headDim = Size(Number(json, "head_dim", hidden / heads), "head_dim");
        return new LlamaConfig
        {
            Layers = Size(Number(json, "num_hidden_layers"), "num_hidden_layers"),
            Hidden = hidden,
            FeedForward = Size(Number(json, "intermediate_size"), "intermediate_size"),
            Attention = Heads(headDim, heads, Number(json, "num_key_value_heads", heads)),
            VocabularySize = Size(Number(json, "vocab_size"), "vocab_size"),
            ContextLength = Size(Number(json, "max_position_embeddings", 2048), "max_position_embeddings"),
            NormEpsilon = Epsilon(Number(json, "rms_norm_eps", 1e-6)),
            MayTieOutput = json.TryGetProperty("tie_word_embeddings", out var tied) && tied.ValueKind == JsonValueKind.True,
            RotaryFrequencies = Finite(JsonFrequencies(json, headDim)),
        };
    }

    static double[] JsonFrequencies(JsonElement json, int headDim)
    {
        // transformers 5 writes rope_parameters with the base inside; before it, rope_theta and rope_scaling stood apart.
        var parameters = Child(json, "rope_parameters");
        var scaling = parameters ?? Child(json, "rope_scaling");
        double theta = parameters is { } p ? Number(p, "rope_theta", 10000) : Number(json, "rope_theta", 10000);
        var frequencies = RotaryEmbedding.Frequencies(headDim, theta);
        string method = scaling is { } s ? Text(s, "rope_type", Text(s, "type", "default")) : "default";
        if (method == "llama3")
            RotaryEmbedding.ScaleLlama3(
                frequencies,
                Number(scaling!.Value, "factor"),
                Number(scaling.Value, "low_freq_factor"),
                Number(scaling.Value, "high_freq_factor"),
                Number(scaling.Value, "original_max_position_embeddings"));
        else if (method != "default")
            throw new ModelException($"The model scales its rotary positions by the method '{method}'; this decoder knows 'llama3'.");
        return frequencies;
    }

    static int GgufVocabularySize(Gguf file) =>
        file.Tensors.TryGetValue(TensorNames.Gguf.Embedding, out var embedding)
            ? Size(embedding.Shape[0], "number of embeddings")
            : throw new ModelException($"The file has no tensor '{TensorNames.Gguf.Embedding}', which this decoder needs.");

    static AttentionShape Heads(int headDim, int queryHeads, double keyValueHeads)
    {
        int keyValue = Size(keyValueHeads, "number of key/value heads");
        if (queryHeads % keyValue != 0)
            throw new ModelException($"The model's {queryHeads} query heads do not divide among its {keyValue} key/value heads.");
        if (headDim % 2 != 0)
            throw new ModelException($"The model's heads of {headDim} cannot be rotated in pairs.");
        return new AttentionShape(headDim, queryHeads, keyValue);
    }

    // No Llama comes near it, and products of two sizes stay far from overflow.
    const int LargestSize = 1 << 24;

    static int Size(double value, string name) =>
        value is >= 1 and <= LargestSize && value == Math.Floor(value)
            ? (int)value
            : throw new ModelException($"The model's {name} is {value}, which is no size that a model could have.");

    static float Epsilon(double value) =>
        value is >= 0 and < 1 ? (float)value : throw new ModelException($"The model's RMSNorm epsilon is {value}, which cannot be.");

    static double[] Finite(double[] frequencies) =>
        Array.TrueForAll(frequencies, double.IsFinite)
            ? frequencies
            : throw new ModelException("The model's rotary base or scaling gives frequencies that are no numbers.");

    static JsonElement? Child(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    static string Text(JsonElement json, string name, string absent) =>
        !json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? absent
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
        : throw new ModelException($"config.json's {name} is not a text.");

    static double Number(JsonElement json, string name, double? absent = null) =>
        !json.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null
            ? absent ?? throw new ModelException($"config.json has no {name}, which this decoder needs.")
        : value.ValueKind == JsonValueKind.Number ? value.GetDouble()
        : throw new ModelException($"config.json's {name} is not a number.");
}
