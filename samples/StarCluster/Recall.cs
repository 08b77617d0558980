using System.Text.Json;
using AttentionComposer;
using TextDecoder;
using TextDecoder.Decoder;
using TextDecoder.Weights;

namespace StarClusterSample;

/// <summary>
/// What it costs a model that it reads a context in blocks: the share of prompts whose value it recalls. The context is all but the
/// prompt's last line, which is the question.
/// </summary>
static class Recall
{
    sealed record Prompt(int Distance, string Text, int Answer);

    public static int Run(string? modelPath, string promptPath, int threads)
    {
        LlamaModel model = modelPath is null ? LlamaModel.ReadEmbedded() : LlamaModel.Read(modelPath);
        AttentionOptions.MaxDegreeOfParallelism = threads;
        Prompt[] prompts = [.. File.ReadLines(promptPath).Select(line => JsonSerializer.Deserialize<Prompt>(line)
            ?? throw new CommandException($"'{promptPath}' holds a line that is no prompt."))];
        int[] distances = [.. prompts.Select(prompt => prompt.Distance).Distinct().Order()];

        Console.WriteLine($"| attention | {string.Join(" | ", distances.Select(distance => $"distance {distance}"))} |");
        Console.WriteLine($"| --- |{string.Concat(distances.Select(_ => " ---: |"))}");
        (string Name, IAttention Attention)[] rows =
        [
            ("dense", ModelPipelines.Dense),
            .. Sizes(anchor: true).Select(star => ($"Star, blocks of {star.Plan.BlockSize}", star)),
            .. Sizes(anchor: false).Select(star => ($"blocks of {star.Plan.BlockSize}, no anchor", star)),
        ];
        foreach ((string name, IAttention attention) in rows)
        {
            using var decoder = new LlamaDecoder(model.Config, model.Weights, _ => attention, model.Config.ContextLength);
            var cells = distances.Select(distance =>
            {
                Prompt[] some = [.. prompts.Where(prompt => prompt.Distance == distance)];
                return $"{(double)some.Count(prompt => Recalls(model, decoder, prompt)) / some.Length:0.0 %}";
            });
            Console.WriteLine($"| {name} | {string.Join(" | ", cells)} |");
        }

        return 0;
    }

    static IEnumerable<IAttention> Sizes(bool anchor) =>
        ModelPipelines.BlockSizes.Select(size => ModelPipelines.Find(size, anchor)).OfType<IAttention>().Where(star => star.Plan.BlockSize < 1000);

    /// <summary>Whether greedy decoding writes the whole value.</summary>
    static bool Recalls(LlamaModel model, LlamaDecoder decoder, Prompt prompt)
    {
        int[] tokens = [.. model.Tokenizer.Encode(prompt.Text)];
        int value = tokens.Length - prompt.Answer - 1; // behind the value stands the end of the line
        int context = Array.LastIndexOf(tokens, tokens[^1], tokens.Length - 2) + 1; // the last line is the question
        decoder.Clear();
        decoder.Decode(tokens.AsSpan(0, context));
        decoder.EndContext();
        ReadOnlySpan<float> logits = decoder.Decode(tokens.AsSpan(context, value - context));
        for (int i = 0; i < prompt.Answer; i++)
        {
            int best = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits);
            if (best != tokens[value + i])
                return false;
            if (i + 1 < prompt.Answer)
                logits = decoder.Decode([best]);
        }

        return true;
    }
}
