using System.Text.Json;
using TextDecoder.Weights;

namespace TextDecoder.Text;

/// <summary>Makes the tokenizer that Hugging Face's tokenizer.json describes: byte-pair models, or plain bytes without a file.</summary>
static class JsonTokenizer
{
    /// <param name="directory">Where tokenizer.json is looked for.</param>
    /// <param name="config">The model's config.json.</param>
    /// <param name="vocabularySize">Number of the model's embeddings.</param>
    /// <exception cref="ModelException">There is no tokenizer, or one of a kind that is not read.</exception>
    public static ITokenizer Read(string directory, JsonElement config, int vocabularySize)
    {
        string path = Path.Combine(directory, "tokenizer.json");
        var ends = Integers(config, "eos_token_id").ToHashSet();
        if (File.Exists(path))
            return UntrustedJson.Read(File.ReadAllBytes(path), $"'{path}'", json => Read(json, ends));
        if (vocabularySize != 256)
            throw new ModelException($"There is no tokenizer.json in '{directory}', and the model's {vocabularySize} tokens are not the 256 bytes.");
        return new BytePairTokenizer(
            [.. Enumerable.Range(0, 256).Select(b => ByteLevel.Character((byte)b).ToString())], [], PreTokenizer.ForGpt2(),
            new HashSet<int>(), wholeWordsFirst: false)
        {
            EndOfText = ends,
        };
    }

    static ITokenizer Read(JsonElement json, HashSet<int> ends)
    {
        var model = json.GetProperty("model");
        string kind = model.TryGetProperty("type", out var type) ? type.GetString() ?? "" : "BPE";
        if (kind != "BPE")
            throw new ModelException($"tokenizer.json describes a model of the kind '{kind}'; this decoder knows 'BPE'.");

        var vocabulary = Vocabulary(json, model);
        var special = Items(json, "added_tokens").Select(token => token.GetProperty("id").GetInt32()).ToHashSet();
        var merges = Items(model, "merges").Select(Merge).ToList();
        string? first = json.TryGetProperty("post_processor", out var steps) ? FirstToken(steps) : null;
        int? begin = Array.IndexOf(vocabulary, first) is var token and >= 0 ? token : null;

        if (Flag(model, "byte_fallback"))
            return SentencePieces(json, model, vocabulary, merges, special, begin, ends);
        RefuseNormalizer(json);
        return new BytePairTokenizer(vocabulary, merges, Words(json), special, Flag(model, "ignore_merges"))
        {
            BeginOfText = begin,
            EndOfText = ends,
        };
    }

    /// <summary>Llama 2's vocabulary in byte-pair form: the order of the merges is that of SentencePiece's scores.</summary>
    static SentencePieceTokenizer SentencePieces(
        JsonElement json, JsonElement model, string[] vocabulary, List<string> merges, HashSet<int> special,
        int? begin, HashSet<int> ends)
    {
        var numbers = new Dictionary<string, int>();
        for (int token = 0; token < vocabulary.Length; token++)
            numbers.TryAdd(vocabulary[token], token);

        var scores = new double[vocabulary.Length];
        Array.Fill(scores, double.NaN);
        for (int i = 0; i < merges.Count; i++)
            if (numbers.TryGetValue(merges[i].Remove(merges[i].IndexOf(' '), 1), out int token) && double.IsNaN(scores[token]))
                scores[token] = -i;

        string normalizer = json.TryGetProperty("normalizer", out var value) ? value.GetRawText() : "";
        string? unknownText = model.TryGetProperty("unk_token", out var unk) ? unk.GetString() : null;
        int? unknown = unknownText is not null && numbers.TryGetValue(unknownText, out int id) ? id : null;
        return new SentencePieceTokenizer(
            vocabulary, scores, special, unknown, spaceFirst: normalizer.Contains("\"Prepend\"", StringComparison.Ordinal))
        {
            BeginOfText = begin,
            EndOfText = ends,
        };
    }

    /// <summary>The token that a post-processor's template puts in front of a text.</summary>
    static string? FirstToken(JsonElement step) =>
        step.ValueKind != JsonValueKind.Object ? null
        : Items(step, "processors").Select(FirstToken).FirstOrDefault(text => text is not null)
            ?? (Items(step, "single").FirstOrDefault() is { ValueKind: JsonValueKind.Object } first && first.TryGetProperty("SpecialToken", out var token)
                ? token.GetProperty("id").GetString()
                : null);

    static string[] Vocabulary(JsonElement json, JsonElement model)
    {
        var tokens = new Dictionary<int, string>();
        foreach (var entry in model.GetProperty("vocab").EnumerateObject())
            tokens[entry.Value.GetInt32()] = entry.Name;
        foreach (var added in Items(json, "added_tokens"))
            tokens[added.GetProperty("id").GetInt32()] = added.GetProperty("content").GetString()!;

        if (tokens.Count == 0 || tokens.Keys.Min() < 0 || tokens.Keys.Max() > 2 * tokens.Count)
            throw new ModelException("tokenizer.json's tokens are not numbered from 0 on.");
        var vocabulary = new string[tokens.Keys.Max() + 1];
        for (int token = 0; token < vocabulary.Length; token++)
            vocabulary[token] = tokens.GetValueOrDefault(token, "");
        return vocabulary;
    }

    static string Merge(JsonElement merge)
    {
        string pair = merge.ValueKind == JsonValueKind.Array ? $"{merge[0].GetString()} {merge[1].GetString()}" : merge.GetString()!;
        return pair.Contains(' ') ? pair : throw new ModelException($"The tokenizer's merge '{pair}' is not a pair.");
    }

    static PreTokenizer Words(JsonElement json)
    {
        var expressions = new List<string>();
        if (json.TryGetProperty("pre_tokenizer", out var step) && step.ValueKind == JsonValueKind.Object)
            AddSteps(step, expressions);
        return new PreTokenizer(expressions);
    }

    static void AddSteps(JsonElement step, List<string> expressions)
    {
        string kind = step.GetProperty("type").GetString() ?? "";
        switch (kind)
        {
            case "Sequence":
                foreach (var inner in Items(step, "pretokenizers"))
                    AddSteps(inner, expressions);
                break;
            case "ByteLevel" when !Flag(step, "add_prefix_space"):
                if (!step.TryGetProperty("use_regex", out var use) || use.GetBoolean())
                    expressions.Add(PreTokenizer.Gpt2);
                break;
            case "Digits" when Flag(step, "individual_digits"):
                expressions.Add(PreTokenizer.SingleDigits);
                break;
            case "Split" when step.GetProperty("behavior").GetString() == "Isolated"
                && step.GetProperty("pattern").TryGetProperty("Regex", out var regex):
                expressions.Add(regex.GetString()!);
                break;
            default:
                throw new ModelException($"tokenizer.json splits words by a step '{kind}' that this decoder does not know.");
        }
    }

    static void RefuseNormalizer(JsonElement json)
    {
        if (json.TryGetProperty("normalizer", out var normalizer) && normalizer.ValueKind != JsonValueKind.Null)
            throw new ModelException("tokenizer.json changes the text before it cuts it (normalizer); this decoder does not.");
    }

    static IEnumerable<JsonElement> Items(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    static bool Flag(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    static IEnumerable<int> Integers(JsonElement json, string name) =>
        !json.TryGetProperty(name, out var value) ? []
        : value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Where(IsInteger).Select(item => item.GetInt32())
        : IsInteger(value) ? [value.GetInt32()]
        : [];

    static bool IsInteger(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _);
}
