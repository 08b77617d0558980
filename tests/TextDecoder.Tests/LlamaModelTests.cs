using TextDecoder.Tests.Support;
using TextDecoder.Weights;

namespace TextDecoder.Tests;

public class LlamaModelTests
{
    static LlamaModel Read(TinyModel model, Action<GgufWriter> change) =>
        LlamaModel.ReadGguf("tiny", new MemoryStream(model.ToGguf(change)));

    [Fact]
    public void Sizes_are_read_from_both_files()
    {
        using var directory = new TemporaryDirectory();
        var tiny = new TinyModel { Tied = true }.Fill(1);
        tiny.WriteDirectory(directory.Path);
        string file = Path.Combine(directory.Path, "model.safetensors");
        foreach (var model in (LlamaModel[])[tiny.Load(), LlamaModel.Read(directory.Path), LlamaModel.Read(file)])
        {
            Assert.Equal(new AttentionComposer.AttentionShape(64, 4, 2), model.Config.Attention);
            Assert.Equal((2, 96, 160), (model.Config.Layers, model.Config.Hidden, model.Config.FeedForward));
            Assert.Equal((256, 512), (model.Config.VocabularySize, model.Config.ContextLength));
            Assert.Equal(1e-5f, model.Config.NormEpsilon);
            Assert.Same(model.Weights.Embedding, model.Weights.Output);
        }
    }

    [Fact]
    public void Gguf_rows_of_queries_and_keys_are_put_back_in_order()
    {
        var tiny = new TinyModel().Fill(2);
        var layer = tiny.Load().Weights.Layers[1];
        var row = new float[tiny.Hidden];
        for (int r = 0; r < tiny.QueryWidth; r++)
        {
            layer.Query.CopyRow(r, row);
            Assert.Equal(tiny.Tensors["model.layers.1.self_attn.q_proj.weight"].Values[(r * tiny.Hidden)..((r + 1) * tiny.Hidden)], row);
        }
    }

    [Fact]
    public void Llama3_scaling_is_the_same_from_factors_and_from_the_configuration()
    {
        const int headDim = 64;
        var frequencies = TextDecoder.Decoder.RotaryEmbedding.Frequencies(headDim, 500000);
        var scaled = Llama3(frequencies);
        var tiny = new TinyModel { Theta = 500000 }.Fill(3);
        var gguf = Read(tiny, file => file.Tensor(
            "rope_freqs.weight", [headDim / 2], [.. frequencies.Zip(scaled, (plain, slow) => (float)(plain / slow))], TensorFormat.Float32));

        using var directory = new TemporaryDirectory();
        tiny.WriteDirectory(directory.Path);
        directory.File("config.json", tiny.ToConfigJson(
            """
            , "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                               "original_max_position_embeddings": 8192}
            """));
        var json = LlamaModel.Read(directory.Path);
        for (int i = 0; i < scaled.Length; i++)
        {
            Assert.Equal(1, json.Config.RotaryFrequencies[i] / scaled[i], 1e-12);
            Assert.Equal(1, gguf.Config.RotaryFrequencies[i] / scaled[i], 1e-6);
        }
    }

    /// <summary>As transformers computes it (modeling_rope_utils.py, _compute_llama3_parameters).</summary>
    static double[] Llama3(double[] frequencies) => [.. frequencies.Select(frequency =>
    {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < 8192 / 4.0)
            return frequency;
        if (wavelength > 8192 / 1.0)
            return frequency / 8;
        double smooth = ((8192 / wavelength) - 1) / (4 - 1);
        return ((1 - smooth) * frequency / 8) + (smooth * frequency);
    })];

    [Fact]
    public void What_the_decoder_does_not_do_is_refused_in_a_sentence()
    {
        var tiny = new TinyModel { Layers = 1 }.Fill(4);
        void Refused(string message, Action<GgufWriter> change) =>
            Assert.Contains(message, Assert.Throws<ModelException>(() => Read(tiny, change)).Message);

        Refused("architecture is 'qwen2'", file => file.Set("general.architecture", "qwen2"));
        Refused("mixture of experts", file => file.Set("llama.expert_count", 8u));
        Refused("a part of each head", file => file.Set("llama.rope.dimension_count", 32u));
        Refused("method 'linear'", file => file.Set("llama.rope.scaling.type", "linear").Set("llama.rope.scaling.factor", 4f));
        Refused("'blk.0.attn_q.bias'", file => file.Tensor("blk.0.attn_q.bias", [256], new float[256], TensorFormat.Float32));
        Refused("no tensor 'blk.0.ffn_up.weight'", file => file.Remove("blk.0.ffn_up.weight"));
        Refused("asks for [160, 96]", file => file.Tensor("blk.0.ffn_up.weight", [96, 96], new float[96 * 96], TensorFormat.Float32));
        Refused("'llama.block_count'", file => file.Remove("llama.block_count"));
        Refused("no size that a model could have", file => file.Set("llama.block_count", uint.MaxValue));
        Refused("do not divide", file => file.Set("llama.attention.head_count_kv", 3u));
        Refused("epsilon", file => file.Set("llama.attention.layer_norm_rms_epsilon", float.NaN));
        Refused("rotary base", file => file.Set("llama.rope.freq_base", float.NaN));
        Refused("kind 'bert'", file => file.Set("tokenizer.ggml.model", "bert"));
        Refused("rule 'tekken'", file => file.Set("tokenizer.ggml.pre", "tekken"));
        Refused("vocabulary", file => file.Remove("tokenizer.ggml.tokens"));
        Refused("300 tokens, but the model has embeddings for 256", file => file.Set("tokenizer.ggml.tokens", TinyModel.ByteVocabulary(300)));
        Refused("'tokenizer.ggml.eos_token_id' is 256", file => file.Set("tokenizer.ggml.eos_token_id", 256u));
    }

    [Fact]
    public void What_a_configuration_asks_beyond_the_decoder_is_refused_in_a_sentence()
    {
        using var directory = new TemporaryDirectory();
        var tiny = new TinyModel { Layers = 1 }.Fill(5);
        tiny.WriteDirectory(directory.Path);
        void Refused(string message, string config)
        {
            directory.File("config.json", config);
            Assert.Contains(message, Assert.Throws<ModelException>(() => LlamaModel.Read(directory.Path)).Message);
        }

        string good = tiny.ToConfigJson();
        Refused("model_type is 'qwen2'", good.Replace("\"model_type\": \"llama\"", "\"model_type\": \"qwen2\""));
        Refused("activation is 'gelu'", good.Replace("\"silu\"", "\"gelu\""));
        Refused("method 'yarn'", tiny.ToConfigJson(""", "rope_scaling": {"type":"yarn","factor":4}"""));
        Refused("no hidden_size", good.Replace("\"hidden_size\"", "\"size\""));
        Refused("vocab_size is not a number", good.Replace("\"vocab_size\": 256", "\"vocab_size\": \"256\""));
        Refused("not valid JSON", good[..^20]);
        Refused("not laid out as it should be", "[]");
        Refused("not laid out as it should be", good.Replace("\"silu\"", "\"\\ud800\""));
        tiny.Tensors.Remove("lm_head.weight");
        tiny.WriteDirectory(directory.Path);
        Refused("no tensor 'lm_head.weight'", good);
        Refused("are not the 256 bytes", good.Replace("\"vocab_size\": 256", "\"vocab_size\": 255"));
    }

    [Fact]
    public void A_damaged_model_ends_in_the_one_exception_or_in_a_model()
    {
        var tiny = new TinyModel { Layers = 1, Hidden = 32, FeedForward = 32, HeadDim = 16, QueryHeads = 2, KeyValueHeads = 1, Format = TensorFormat.Q8_0 };
        var bytes = tiny.Fill(6).ToGguf(file => file.Set("tokenizer.ggml.merges", (string[])["a b", "ab c"]).Set("tokenizer.ggml.token_type", new int[256]));
        int header = bytes.Length - (32 * 256 * 2 * 34 / 32) - 8000;
        var random = new Random(22);
        for (int i = 0; i < 3000; i++)
        {
            var damaged = (byte[])bytes.Clone();
            for (int flips = random.Next(1, 4); flips > 0; flips--)
                damaged[random.Next(header)] ^= (byte)(1 << random.Next(8));
            try
            {
                var model = LlamaModel.ReadGguf("damaged", new MemoryStream(damaged));
                model.Tokenizer.Encode("abc <|x|> 12 é");
            }
            catch (ModelException)
            {
            }
        }
    }
}
