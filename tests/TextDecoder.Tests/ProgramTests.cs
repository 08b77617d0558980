using TextDecoder.Tests.Support;
using TextDecoder.Weights;

namespace TextDecoder.Tests;

public sealed class ProgramTests : IDisposable
{
    readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    static (int Code, string Output, string Error) Run(params string[] args)
    {
        using StringWriter output = new(), error = new();
        int code = Program.Run(args, output, error);
        return (code, output.ToString(), error.ToString());
    }

    string Tiny(Action<GgufWriter>? change = null) => _directory.File("tiny.gguf", new TinyModel { Layers = 1 }.Fill(70).ToGguf(change));

    static void AssertRefused(string message, params string[] args)
    {
        var (code, output, error) = Run(args);
        Assert.Equal(1, code);
        Assert.Contains(message, error);
        Assert.Equal("", output);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void A_run_streams_the_text_and_ends_with_the_table()
    {
        var (code, output, error) = Run("--model", Tiny(), "--prompt", "Hello", "--tokens", "12", "--threads", "2");
        Assert.Equal("", error);
        Assert.Equal(0, code);
        Assert.StartsWith("Hello", output);
        foreach (string row in (string[])["tokens/s", "time in attention", "keys and values read per token", "cache", "4/2 heads of 64"])
            Assert.Contains(row, output);
    }

    [Fact]
    public void The_same_seed_writes_the_same_text()
    {
        string model = Tiny();
        string Text(string seed) => Run("--model", model, "--prompt", "x", "--tokens", "30", "--temperature", "1", "--seed", seed).Output.Split("\n\n")[0];
        Assert.Equal(Text("5"), Text("5"));
        Assert.NotEqual(Text("5"), Text("6"));
    }

    [Fact]
    public void Without_temperature_the_seed_does_not_matter()
    {
        string model = Tiny();
        string Text(string seed) =>
            Run("--model", model, "--prompt", "x", "--tokens", "30", "--temperature", "0", "--seed", seed).Output.Split("\n\n")[0];
        Assert.Equal(Text("5"), Text("6"));
    }

    [Fact]
    public void A_model_directory_runs_too()
    {
        new TinyModel { Layers = 1 }.Fill(71).WriteDirectory(_directory.Path);
        Assert.Equal(0, Run("--model", _directory.Path, "--prompt", "a", "--tokens", "2").Code);
    }

    [Fact]
    public void A_full_context_ends_the_text()
    {
        var (code, output, _) = Run("--model", Tiny(), "--prompt", "abc", "--tokens", "50", "--context", "8");
        Assert.Equal(0, code);
        Assert.Contains("The context of 8 positions is full", output);
    }

    [Fact]
    public void The_shipped_model_writes_documentation()
    {
        if (!typeof(Program).Assembly.GetManifestResourceNames().Contains("dotnet-docs.gguf"))
            return; // A build before the model was trained.
        var (code, output, error) = Run("--tokens", "40");
        Assert.Equal("", error);
        Assert.Equal(0, code);
        Assert.StartsWith("    <member name=", output);
    }

    [Fact]
    public void Help_lists_the_attentions()
    {
        var (code, output, _) = Run("--help");
        Assert.Equal(0, code);
        foreach (string name in Pipelines.Names)
            Assert.Contains(name, output);
    }

    [Fact]
    public void Options_that_do_not_fit_are_refused()
    {
        AssertRefused("--frobnicate", "--frobnicate");
        AssertRefused("There is no attention 'sparse'; there are dense,", "--attention", "sparse");
        AssertRefused("--tokens cannot be 'many'", "--tokens", "many");
        AssertRefused("--tokens is 0", "--tokens", "0");
        AssertRefused("--temperature is -1", "--temperature", "-1");
        AssertRefused("--top-p is 2", "--top-p", "2");
        AssertRefused("--threads is 0", "--threads", "0");
        AssertRefused("--context is 0", "--context", "0");
        AssertRefused("--model", "--model");
    }

    [Fact]
    public void Prompts_that_do_not_fit_are_refused()
    {
        string model = Tiny();
        AssertRefused("The prompt has 9 tokens, but the context holds 8", "--model", model, "--prompt", "123456789", "--context", "8");
        AssertRefused("The prompt is empty", "--model", model, "--prompt", "");
    }

    [Fact]
    public void Models_that_are_not_there_are_refused()
    {
        AssertRefused("There is no model at", "--model", Path.Combine(_directory.Path, "nothing.gguf"));
        AssertRefused("config.json", "--model", _directory.Path);
    }

    [Fact]
    public void Damaged_models_are_refused()
    {
        var bytes = new TinyModel { Layers = 1 }.Fill(72).ToGguf();
        AssertRefused("truncated", "--model", _directory.File("half.gguf", bytes[..(bytes.Length / 2)]));
        AssertRefused("truncated", "--model", _directory.File("start.gguf", bytes[..100]));
        AssertRefused("neither a GGUF file", "--model", _directory.File("text.gguf", "This is a text."));
        AssertRefused("neither a GGUF file", "--model", _directory.File("empty.gguf", ""));
    }

    [Fact]
    public void Models_of_other_kinds_are_refused()
    {
        AssertRefused("architecture is 'gemma'", "--model", Tiny(file => file.Set("general.architecture", "gemma")));
        AssertRefused("stored as Q4_K", "--model", Tiny(file => file.Retype("output.weight", 12)));
        AssertRefused("kind 'bert'", "--model", Tiny(file => file.Set("tokenizer.ggml.model", "bert")));
    }

    [Fact]
    public void A_geometry_without_a_pipeline_is_refused_with_what_to_declare()
    {
        var narrow = new TinyModel { Layers = 1, HeadDim = 32, QueryHeads = 2, KeyValueHeads = 1 }.Fill(73);
        var (code, _, error) = Run("--model", _directory.File("narrow.gguf", narrow.ToGguf()), "--attention", "window");
        Assert.Equal(1, code);
        Assert.Contains("[Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 1)]", error);
        Assert.Contains("[Causal, SlidingWindow(256)]", error);
        Assert.Contains("sealed partial class", error);
    }
}
