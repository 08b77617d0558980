namespace TextDecoder.Weights;

/// <summary>What a file format calls the tensors of a Llama model. Layer tensors follow the layer's prefix.</summary>
sealed record TensorNames
{
    /// <summary>GGUF's extra tensor for llama3's rotary scaling.</summary>
    public const string GgufRotaryFactors = "rope_freqs.weight";

    public required string Embedding { get; init; }
    public required string FinalNorm { get; init; }
    public required string Output { get; init; }

    /// <summary>Before a layer's number.</summary>
    public required string LayerPrefix { get; init; }

    public required string AttentionNorm { get; init; }
    public required string Query { get; init; }
    public required string Key { get; init; }
    public required string Value { get; init; }
    public required string AttentionOutput { get; init; }
    public required string FeedForwardNorm { get; init; }
    public required string Gate { get; init; }
    public required string Up { get; init; }
    public required string Down { get; init; }

    /// <summary>llama.cpp's names.</summary>
    public static TensorNames Gguf { get; } = new()
    {
        Embedding = "token_embd.weight",
        FinalNorm = "output_norm.weight",
        Output = "output.weight",
        LayerPrefix = "blk.",
        AttentionNorm = "attn_norm.weight",
        Query = "attn_q.weight",
        Key = "attn_k.weight",
        Value = "attn_v.weight",
        AttentionOutput = "attn_output.weight",
        FeedForwardNorm = "ffn_norm.weight",
        Gate = "ffn_gate.weight",
        Up = "ffn_up.weight",
        Down = "ffn_down.weight",
    };

    /// <summary>Hugging Face's names.</summary>
    public static TensorNames HuggingFace { get; } = new()
    {
        Embedding = "model.embed_tokens.weight",
        FinalNorm = "model.norm.weight",
        Output = "lm_head.weight",
        LayerPrefix = "model.layers.",
        AttentionNorm = "input_layernorm.weight",
        Query = "self_attn.q_proj.weight",
        Key = "self_attn.k_proj.weight",
        Value = "self_attn.v_proj.weight",
        AttentionOutput = "self_attn.o_proj.weight",
        FeedForwardNorm = "post_attention_layernorm.weight",
        Gate = "mlp.gate_proj.weight",
        Up = "mlp.up_proj.weight",
        Down = "mlp.down_proj.weight",
    };

    /// <summary>Tensors that hold nothing of their own: what they say is in the configuration too.</summary>
    public static bool IsRedundant(string name) =>
        name == GgufRotaryFactors || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal);
}
