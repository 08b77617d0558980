using System.Diagnostics;
using System.Text;
using AttentionComposer;
using Spectre.Console;
using TextDecoder.Decoder;
using TextDecoder.Text;
using TextDecoder.Weights;

namespace TextDecoder;

/// <summary>What the command line says, and what holds where it says nothing.</summary>
sealed record GenerationOptions
{
    public string? Model { get; init; }
    public string Attention { get; init; } = Pipelines.Default;
    public string? Prompt { get; init; }
    public int Tokens { get; init; } = 600;
    public int Seed { get; init; } = 2;
    public float Temperature { get; init; } = 0.7f;
    public float TopP { get; init; } = 0.95f;
    public int Threads { get; init; } = Environment.ProcessorCount;
    public int? Context { get; init; }

    /// <exception cref="CommandException">A number is out of its range.</exception>
    public void Check()
    {
        Require(Pipelines.Names.Contains(Attention), $"There is no attention '{Attention}'; there are {string.Join(", ", Pipelines.Names)}.");
        Require(Tokens >= 1, $"--tokens is {Tokens}; at least 1 is needed.");
        Require(Temperature is >= 0 and <= 100, $"--temperature is {Temperature}; it goes from 0 to 100.");
        Require(TopP is > 0 and <= 1, $"--top-p is {TopP}; it is above 0 and at most 1.");
        Require(Threads is >= 1 and <= 1024, $"--threads is {Threads}; it goes from 1 to 1024.");
        Require(Context is null or >= 1, $"--context is {Context}; at least 1 is needed.");
    }

    static void Require(bool holds, string message)
    {
        if (!holds)
            throw new CommandException(message);
    }
}

/// <summary>One run: read the model, take the prompt in, generate, report.</summary>
static class Generation
{
    /// <summary>Goes on from this when there is no prompt: the beginning of an entry in the documentation that the shipped model learnt.</summary>
    const string DefaultPrompt = "    <member name=\"M:System.Collections.Generic.List`1.";

    /// <summary>Runs, and returns the exit code.</summary>
    /// <exception cref="CommandException">The options do not fit together or to the model.</exception>
    /// <exception cref="ModelException">The model cannot be run.</exception>
    public static int Run(GenerationOptions options, TextWriter output)
    {
        options.Check();
        var model = options.Model is { } path ? LlamaModel.Read(path) : LlamaModel.ReadEmbedded();
        var attention = Pipelines.Find(options.Attention, model.Config.Attention);
        AttentionOptions.MaxDegreeOfParallelism = options.Threads;

        string text = options.Prompt ?? DefaultPrompt;
        var prompt = Encode(model.Tokenizer, text);
        int context = options.Context ?? model.Config.ContextLength;
        if (prompt.Length > context)
            throw new CommandException($"The prompt has {prompt.Length} tokens, but the context holds {context}.");

        // Positions are made only as they may be needed: a model's full context can take gigabytes.
        int positions = (int)Math.Min(context, (long)prompt.Length + options.Tokens - 1);
        using var decoder = new LlamaDecoder(model.Config, model.Weights, Calibration.Layers(model, attention), positions);
        WarmUp(decoder, prompt, attention.Plan);

        output.Write(text);
        var (prefill, decode, full) = Stream(decoder, model.Tokenizer, prompt, options, output);
        output.WriteLine();
        if (full)
            output.WriteLine($"(The context of {context} positions is full.)");
        output.WriteLine();

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        new RunStatistics(model, attention.Plan, prefill, decode, decoder.Length, decoder.CacheBytes).Write(console);
        return 0;
    }

    static int[] Encode(ITokenizer tokenizer, string text)
    {
        var tokens = tokenizer.Encode(text);
        if (tokenizer.BeginOfText is { } begin && (tokens.Count == 0 || tokens[0] != begin))
            tokens.Insert(0, begin);
        return tokens.Count > 0
            ? [.. tokens]
            : throw new CommandException("The prompt is empty, and this model expects no token before the text.");
    }

    /// <summary>Compiles what the run will execute, so that the table tells the speed of the kernels and not of the compiler.</summary>
    static void WarmUp(LlamaDecoder decoder, int[] prompt, AttentionPlan plan)
    {
        // A selection has a kernel of its own, which runs once there are more positions than it keeps.
        var some = prompt.AsSpan(0, Math.Min(prompt.Length, 16));
        do
            decoder.Decode(some);
        while (decoder.Length <= (plan.Selection?.KeepKeys ?? 0) && decoder.Length + some.Length < decoder.Context);
        if (decoder.Length < decoder.Context)
            decoder.Decode(prompt.AsSpan(0, 1));
        decoder.Clear();
        decoder.Decode(prompt.AsSpan(0, 1));
        decoder.Clear();
    }

    static (Phase Prefill, Phase Decode, bool Full) Stream(
        LlamaDecoder decoder, ITokenizer tokenizer, int[] prompt, GenerationOptions options, TextWriter output)
    {
        var sampler = new Sampler(options.Temperature, options.TopP, options.Seed);
        var characters = new CharacterStream(output);

        long start = Stopwatch.GetTimestamp();
        var logits = decoder.Decode(prompt);
        var prefill = new Phase(prompt.Length, Stopwatch.GetElapsedTime(start), decoder.AttentionTime);

        var time = TimeSpan.Zero;
        int generated = 0;
        bool full = false;
        Span<int> next = stackalloc int[1];
        while (true)
        {
            // Embeddings may be padded beyond the vocabulary.
            next[0] = sampler.Sample(logits[..tokenizer.VocabularySize]);
            if (tokenizer.EndOfText.Contains(next[0]))
                break;
            characters.Write(tokenizer.Decode(next[0]));
            if (++generated == options.Tokens)
                break;
            if (full = decoder.Length == decoder.Context)
                break;

            start = Stopwatch.GetTimestamp();
            logits = decoder.Decode(next);
            time += Stopwatch.GetElapsedTime(start);
        }

        characters.Flush();
        return (prefill, new Phase(decoder.Length - prompt.Length, time, decoder.AttentionTime - prefill.Attention), full);
    }

    /// <summary>Writes characters as soon as all their bytes are there.</summary>
    sealed class CharacterStream(TextWriter output)
    {
        readonly System.Text.Decoder _decoder = Encoding.UTF8.GetDecoder();
        char[] _characters = new char[64];

        public void Write(ReadOnlySpan<byte> bytes)
        {
            int most = Encoding.UTF8.GetMaxCharCount(bytes.Length);
            if (_characters.Length < most)
                _characters = new char[most];
            output.Write(_characters, 0, _decoder.GetChars(bytes, _characters, flush: false));
            output.Flush();
        }

        public void Flush() => output.Write(_characters, 0, _decoder.GetChars([], _characters, flush: true));
    }
}
