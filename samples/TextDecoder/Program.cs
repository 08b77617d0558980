using System.CommandLine;
using System.CommandLine.Parsing;
using AttentionComposer;
using Spectre.Console;
using TextDecoder.Weights;

namespace TextDecoder;

/// <summary>The command line.</summary>
static class Program
{
    static int Main(string[] args)
    {
        Console.OutputEncoding = System.Text.Encoding.UTF8;
        return Run(args, Console.Out, Console.Error);
    }

    /// <summary>Runs one command line: 0 when all went well, 1 with one sentence on <paramref name="error"/> otherwise.</summary>
    internal static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var defaults = new GenerationOptions();
        var model = new Option<string?>("--model")
        {
            HelpName = "FILE", Description = "GGUF file, .safetensors file or Hugging Face directory; the shipped model without it",
        };
        var attention = new Option<string>("--attention")
        {
            HelpName = "NAME", Description = $"attention pipeline:\n{Pipelines.Help}", DefaultValueFactory = _ => defaults.Attention,
        };
        var prompt = new Option<string?>("--prompt") { HelpName = "TEXT", Description = "text to go on from" };
        var tokens = new Option<int>("--tokens")
        {
            HelpName = "N", Description = "most tokens to generate", DefaultValueFactory = _ => defaults.Tokens,
        };
        var seed = new Option<int>("--seed") { HelpName = "N", Description = "seed of the sampling", DefaultValueFactory = _ => defaults.Seed };
        var temperature = new Option<float>("--temperature")
        {
            HelpName = "X", Description = "0 takes the likeliest token, 1 draws as the model weighs", DefaultValueFactory = _ => defaults.Temperature,
        };
        var topP = new Option<float>("--top-p")
        {
            HelpName = "X", Description = "draw from the likeliest tokens that together reach this probability", DefaultValueFactory = _ => defaults.TopP,
        };
        var threads = new Option<int>("--threads")
        {
            HelpName = "N", Description = "threads to compute with", DefaultValueFactory = _ => defaults.Threads,
        };
        var context = new Option<int?>("--context")
        {
            HelpName = "N", Description = "most positions to hold; as many as the model was trained for without it",
        };
        var command = new RootCommand("Goes on from a text with a Llama-family model, through attention kernels fused at compile time.")
        {
            model, attention, prompt, tokens, seed, temperature, topP, threads, context,
        };
        command.SetAction(parsed => Generation.Run(
            new GenerationOptions
            {
                Model = parsed.GetValue(model),
                Attention = parsed.GetValue(attention)!,
                Prompt = parsed.GetValue(prompt),
                Tokens = parsed.GetValue(tokens),
                Seed = parsed.GetValue(seed),
                Temperature = parsed.GetValue(temperature),
                TopP = parsed.GetValue(topP),
                Threads = parsed.GetValue(threads),
                Context = parsed.GetValue(context),
            },
            output));

        var text = new Option<FileInfo?>("--text") { HelpName = "FILE", Description = "text to go along, some 4 kB" };
        var plot = new Option<string?>("--plot") { HelpName = "FILE", Description = "write agreement over bytes as an SVG" };
        var compare = new Command("compare", "Runs one long text through several attention pipelines at a half, a quarter and an eighth of the bytes.")
        {
            model, text, threads, plot,
        };
        compare.SetAction(parsed =>
        {
            AttentionOptions.MaxDegreeOfParallelism = parsed.GetValue(threads);
            LlamaModel compared = parsed.GetValue(model) is { } path ? LlamaModel.Read(path) : LlamaModel.ReadEmbedded();
            FileInfo file = parsed.GetValue(text)
                ?? throw new CommandException("compare needs --text FILE: some 4 kB of text that the model has not learnt by heart.");
            new Comparison(compared, File.ReadAllText(file.FullName)).Run(output, parsed.GetValue(plot));
        });
        command.Add(compare);

        try
        {
            var parsed = command.Parse(args);
            if (parsed.Errors.Count > 0)
                throw new CommandException(Explain(parsed.Errors[0]));
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        }
        catch (Exception failure) when (failure is CommandException or ModelException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(failure.Message);
            return 1;
        }
        catch (OutOfMemoryException)
        {
            error.WriteLine("There is not enough memory for this model and context.");
            return 1;
        }
    }

    /// <summary>The parser names .NET's types where a value cannot be read; the person who typed it knows options.</summary>
    static string Explain(ParseError error) =>
        error.SymbolResult is OptionResult { Tokens: [var value] } option
            ? $"{option.Option.Name} cannot be '{value.Value}'."
            : error.Message;
}
