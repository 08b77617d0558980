using AttentionComposer;
using TextDecoder.Decoder;
using TextDecoder.Tests.Support;
using TextDecoder.Weights;

namespace TextDecoder.Tests;

public class DecoderTests
{
    static int[] Tokens(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(256))];
    }

    static LlamaDecoder Decoder(LlamaModel model, int context = 700, string attention = "dense", int threads = 2) =>
        new(model.Config, model.Weights, _ => Pipelines.Find(attention, model.Config.Attention), context, threads);

    static void AssertClose(IEnumerable<double> expected, ReadOnlySpan<float> actual, double tolerance)
    {
        int i = 0;
        foreach (double value in expected)
            Assert.InRange(actual[i++], value - tolerance, value + tolerance);
        Assert.Equal(i, actual.Length);
    }

    [Theory]
    [InlineData(TensorFormat.Float32, false)]
    [InlineData(TensorFormat.Float32, true)]
    [InlineData(TensorFormat.Float16, false)]
    [InlineData(TensorFormat.BFloat16, false)]
    [InlineData(TensorFormat.Q8_0, true)]
    internal void Logits_are_those_of_the_plain_forward_pass(TensorFormat format, bool tied)
    {
        var tiny = new TinyModel { Format = format, Tied = tied }.Fill(50);
        var tokens = Tokens(23, 51);
        var expected = new ReferenceDecoder(tiny).Logits(tokens);
        using var decoder = Decoder(tiny.Load());
        AssertClose(expected[^1], decoder.Decode(tokens), 2e-4);

        decoder.Clear();
        for (int i = 0; i < tokens.Length; i++)
            AssertClose(expected[i], decoder.Decode(tokens.AsSpan(i, 1)), 2e-4);
        Assert.Equal(tokens.Length, decoder.Length);
    }

    [Theory]
    [InlineData(TensorFormat.Float32)]
    [InlineData(TensorFormat.Float16)]
    [InlineData(TensorFormat.BFloat16)]
    internal void The_same_weights_give_the_same_logits_from_gguf_and_from_safetensors(TensorFormat format)
    {
        using var directory = new TemporaryDirectory();
        var tiny = new TinyModel { Format = format }.Fill(52);
        tiny.WriteDirectory(directory.Path);
        using var gguf = Decoder(tiny.Load());
        using var safetensors = Decoder(LlamaModel.Read(directory.Path));
        var tokens = Tokens(40, 53);
        Assert.Equal(gguf.Decode(tokens), safetensors.Decode(tokens));
    }

    [Theory]
    [InlineData(TensorFormat.Float32)]
    [InlineData(TensorFormat.Q8_0)]
    internal void A_prompt_in_chunks_is_the_prompt_token_by_token(TensorFormat format)
    {
        // More than one chunk, and pieces that are multiples of nothing.
        var tiny = new TinyModel { Format = format }.Fill(54);
        var model = tiny.Load();
        var tokens = Tokens(LlamaDecoder.ChunkSize + 100, 55);
        using var whole = Decoder(model);
        var expected = whole.Decode(tokens).ToArray().Select(x => (double)x).ToArray();

        using var pieces = Decoder(model);
        ReadOnlySpan<float> logits = default;
        int piece = 1;
        for (int start = 0; start < tokens.Length; start += piece, piece = (piece * 7 % 97) + 1)
            logits = pieces.Decode(tokens.AsSpan(start, Math.Min(piece, tokens.Length - start)));
        AssertClose(expected, logits, 2e-4);

        using var single = Decoder(model);
        foreach (int token in tokens)
            logits = single.Decode([token]);
        AssertClose(expected, logits, 2e-4);
    }

    [Fact]
    public void Threads_and_a_cleared_decoder_change_nothing()
    {
        var model = new TinyModel().Fill(56).Load();
        var tokens = Tokens(100, 57);
        using var one = Decoder(model, threads: 1);
        using var three = Decoder(model, threads: 3);
        var expected = one.Decode(tokens).ToArray();
        Assert.Equal(expected, three.Decode(tokens));
        three.Clear();
        Assert.Equal(0, three.Length);
        Assert.Equal(expected, three.Decode(tokens));
    }

    [Theory]
    [InlineData("dense-f16")]
    [InlineData("dense-bf16")]
    [InlineData("dense-int8")]
    [InlineData("window")]
    [InlineData("window-sinks")]
    [InlineData("softcap")]
    [InlineData("alibi")]
    public void The_decoder_does_not_know_which_attention_it_runs(string attention)
    {
        // Beyond the window the logits must differ, within it and with a narrower cache they are near.
        var model = new TinyModel().Fill(58).Load();
        var tokens = Tokens(400, 59);
        using var dense = Decoder(model);
        using var other = Decoder(model, attention: attention);
        var expected = dense.Decode(tokens.AsSpan(0, 200)).ToArray().Select(x => (double)x).ToArray();
        var logits = other.Decode(tokens.AsSpan(0, 200));
        if (attention.StartsWith("dense", StringComparison.Ordinal) || attention.StartsWith("window", StringComparison.Ordinal))
            AssertClose(expected, logits, attention.StartsWith("dense", StringComparison.Ordinal) ? 0.3 : 2e-4);
        else
            Assert.NotEqual(expected, logits.ToArray().Select(x => (double)x));
        Assert.NotEqual(dense.Decode(tokens.AsSpan(200)).ToArray(), other.Decode(tokens.AsSpan(200)).ToArray());
    }

    [Fact]
    public void A_full_context_is_refused_and_nothing_is_forgotten()
    {
        var model = new TinyModel { Layers = 1 }.Fill(60).Load();
        using var decoder = Decoder(model, context: 10);
        decoder.Decode(Tokens(10, 61));
        Assert.Throws<InvalidOperationException>(() => decoder.Decode([1]));
        Assert.Equal(10, decoder.Length);
    }

    [Fact]
    public void Another_geometry_is_refused()
    {
        var model = new TinyModel { Layers = 1 }.Fill(62).Load();
        var wide = Pipelines.Find("dense", new AttentionShape(64, 32, 8));
        Assert.Contains("32/8 heads of 64", Assert.Throws<ArgumentException>(() => new LlamaDecoder(model.Config, model.Weights, _ => wide, 10)).Message);
    }

    [Fact]
    public void A_decoded_token_allocates_nothing()
    {
        var model = new TinyModel().Fill(63).Load();
        using var decoder = Decoder(model, threads: 1);
        int[] token = [65];
        for (int i = 0; i < 200; i++)
            decoder.Decode(token);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 200; i++)
            decoder.Decode(token);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 0);
    }

    [Theory]
    [InlineData("dense", 300, 2L * 300 * 128 * 4 * 6)]
    [InlineData("dense-f16", 300, 2L * 300 * 128 * 2 * 6)]
    [InlineData("dense-int8", 300, 2L * 300 * 2 * (64 + 4) * 6)]
    [InlineData("window", 300, 2L * 256 * 128 * 4 * 6)]
    [InlineData("window-sinks", 300, 2L * 260 * 128 * 4 * 6)]
    [InlineData("window-sinks", 100, 2L * 100 * 128 * 4 * 6)]
    public void Bytes_read_per_token_follow_from_the_plan(string attention, int length, long bytes) =>
        Assert.Equal(bytes, RunStatistics.BytesRead(Pipelines.Find(attention, new AttentionShape(64, 4, 2)).Plan, 6, length));
}
