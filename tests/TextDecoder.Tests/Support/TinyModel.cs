using TextDecoder.Weights;

namespace TextDecoder.Tests.Support;

/// <summary>
/// A Llama model with random weights, small enough to be made in each test, as a GGUF file, as safetensors, and as plain arrays.
/// Query and key rows are in Hugging Face's order here.
/// </summary>
sealed class TinyModel
{
    public int Layers { get; init; } = 2;
    public int Hidden { get; init; } = 96;
    public int FeedForward { get; init; } = 160;
    public int HeadDim { get; init; } = 64;
    public int QueryHeads { get; init; } = 4;
    public int KeyValueHeads { get; init; } = 2;
    public int Vocabulary { get; init; } = 256;
    public int ContextLength { get; init; } = 512;
    public double Theta { get; init; } = 10000;
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>Whether the output matrix is that of the embeddings.</summary>
    public bool Tied { get; init; }

    /// <summary>How matrices are stored; the arrays hold what comes back from that format.</summary>
    public TensorFormat Format { get; init; }

    public int QueryWidth => QueryHeads * HeadDim;

    public int KeyValueWidth => KeyValueHeads * HeadDim;

    /// <summary>Hugging Face's names, with row-major numbers.</summary>
    public Dictionary<string, (int[] Shape, float[] Values)> Tensors { get; } = [];

    /// <summary>Draws the weights.</summary>
    public TinyModel Fill(int seed)
    {
        var random = new Random(seed);
        Matrix("model.embed_tokens.weight", Vocabulary, Hidden, 1);
        for (int i = 0; i < Layers; i++)
        {
            string layer = $"model.layers.{i}.";
            Gain(layer + "input_layernorm.weight");
            Matrix(layer + "self_attn.q_proj.weight", QueryWidth, Hidden, 1.5);
            Matrix(layer + "self_attn.k_proj.weight", KeyValueWidth, Hidden, 1.5);
            Matrix(layer + "self_attn.v_proj.weight", KeyValueWidth, Hidden, 1);
            Matrix(layer + "self_attn.o_proj.weight", Hidden, QueryWidth, 1);
            Gain(layer + "post_attention_layernorm.weight");
            Matrix(layer + "mlp.gate_proj.weight", FeedForward, Hidden, 1);
            Matrix(layer + "mlp.up_proj.weight", FeedForward, Hidden, 1);
            Matrix(layer + "mlp.down_proj.weight", Hidden, FeedForward, 1);
        }

        Gain("model.norm.weight");
        if (!Tied)
            Matrix("lm_head.weight", Vocabulary, Hidden, 3);
        return this;

        void Gain(string name) => Tensors[name] = ([Hidden], [.. Enumerable.Range(0, Hidden).Select(_ => 0.5f + random.NextSingle())]);

        void Matrix(string name, int rows, int columns, double gain)
        {
            double scale = gain * Math.Sqrt(3.0 / columns);
            var values = new float[rows * columns];
            for (int i = 0; i < values.Length; i++)
                values[i] = (float)((random.NextDouble() * 2 - 1) * scale);
            Tensors[name] = ([rows, columns], StoredNumbers.Decode(StoredNumbers.Encode(values, Format), Format));
        }
    }

    /// <summary>The model as llama.cpp's converter writes it.</summary>
    public byte[] ToGguf(Action<GgufWriter>? change = null)
    {
        var writer = new GgufWriter()
            .Set("general.architecture", "llama")
            .Set("general.name", "tiny")
            .Set("llama.block_count", (uint)Layers)
            .Set("llama.embedding_length", (uint)Hidden)
            .Set("llama.feed_forward_length", (uint)FeedForward)
            .Set("llama.attention.head_count", (uint)QueryHeads)
            .Set("llama.attention.head_count_kv", (uint)KeyValueHeads)
            .Set("llama.attention.key_length", (uint)HeadDim)
            .Set("llama.attention.value_length", (uint)HeadDim)
            .Set("llama.attention.layer_norm_rms_epsilon", Epsilon)
            .Set("llama.rope.dimension_count", (uint)HeadDim)
            .Set("llama.rope.freq_base", (float)Theta)
            .Set("llama.context_length", (uint)ContextLength)
            .Set("tokenizer.ggml.model", "gpt2")
            .Set("tokenizer.ggml.pre", "gpt-2")
            .Set("tokenizer.ggml.tokens", ByteVocabulary(Vocabulary));
        foreach (var (name, (shape, values)) in Tensors)
        {
            var ordered = name.Contains("q_proj") ? Interleave(values, QueryHeads) : name.Contains("k_proj") ? Interleave(values, KeyValueHeads) : values;
            writer.Tensor(GgufName(name), shape, ordered, shape.Length == 1 ? TensorFormat.Float32 : Format);
        }

        change?.Invoke(writer);
        return writer.ToArray();
    }

    /// <summary>A file for model.safetensors.</summary>
    public byte[] ToSafetensors()
    {
        var writer = new SafetensorsWriter();
        foreach (var (name, (shape, values)) in Tensors)
            writer.Tensor(name, shape, values, shape.Length == 1 ? TensorFormat.Float32 : Format);
        return writer.ToArray();
    }

    /// <summary>A text for config.json.</summary>
    public string ToConfigJson(string more = "") => FormattableString.Invariant($$"""
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
          "hidden_size": {{Hidden}}, "intermediate_size": {{FeedForward}}, "num_hidden_layers": {{Layers}},
          "num_attention_heads": {{QueryHeads}}, "num_key_value_heads": {{KeyValueHeads}}, "head_dim": {{HeadDim}},
          "vocab_size": {{Vocabulary}}, "max_position_embeddings": {{ContextLength}}, "rms_norm_eps": {{Epsilon}},
          "rope_theta": {{Theta}}, "tie_word_embeddings": {{(Tied ? "true" : "false")}}{{more}}
        }
        """);

    /// <summary>Writes a model directory.</summary>
    public void WriteDirectory(string directory)
    {
        File.WriteAllText(Path.Combine(directory, "config.json"), ToConfigJson());
        File.WriteAllBytes(Path.Combine(directory, "model.safetensors"), ToSafetensors());
    }

    /// <summary>The model, read from its GGUF form.</summary>
    public LlamaModel Load() => LlamaModel.ReadGguf("tiny", new MemoryStream(ToGguf()));

    /// <summary>GPT-2's characters for the 256 bytes, and names for more tokens.</summary>
    public static string[] ByteVocabulary(int count)
    {
        var visible = Enumerable.Range('!', '~' - '!' + 1).Concat(Enumerable.Range(0xA1, 0xAC - 0xA1 + 1)).Concat(Enumerable.Range(0xAE, 0xFF - 0xAE + 1)).ToHashSet();
        int next = 256;
        var characters = Enumerable.Range(0, 256).Select(b => ((char)(visible.Contains(b) ? b : next++)).ToString());
        return [.. characters.Concat(Enumerable.Range(256, Math.Max(0, count - 256)).Select(i => $"<|{i}|>")).Take(count)];
    }

    /// <summary>As the converter does it: reshape to [heads, 2, d/2], swap the last two.</summary>
    float[] Interleave(float[] values, int heads)
    {
        var ordered = new float[values.Length];
        for (int head = 0; head < heads; head++)
            for (int half = 0; half < 2; half++)
                for (int pair = 0; pair < HeadDim / 2; pair++)
                    Array.Copy(
                        values, ((head * HeadDim) + (half * HeadDim / 2) + pair) * Hidden,
                        ordered, ((head * HeadDim) + (2 * pair) + half) * Hidden, Hidden);
        return ordered;
    }

    static string GgufName(string name)
    {
        (string, string)[] parts =
        [
            ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"), ("model.layers", "blk"),
            ("input_layernorm", "attn_norm"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
            ("self_attn.o_proj", "attn_output"), ("post_attention_layernorm", "ffn_norm"), ("mlp.gate_proj", "ffn_gate"),
            ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
        ];
        return parts.Aggregate(name, (text, part) => text.Replace(part.Item1, part.Item2));
    }
}
