using TextDecoder.Weights;

namespace TextDecoder.Text;

/// <summary>Makes the tokenizer that a GGUF file describes.</summary>
static class GgufTokenizer
{
    // llama.cpp's kinds of tokens, tokenizer.ggml.token_type.
    const long Control = 3;
    const long UserDefined = 4;

    /// <exception cref="ModelException">The file has no vocabulary, or one of a kind that is not read.</exception>
    public static ITokenizer Read(Gguf file)
    {
        string model = file.Text("tokenizer.ggml.model");
        string[] vocabulary = file.Array<string>("tokenizer.ggml.tokens")
            ?? throw new ModelException("The GGUF file has no vocabulary (tokenizer.ggml.tokens).");
        var special = Special(file, vocabulary.Length);
        return model switch
        {
            "gpt2" => BytePairs(file, vocabulary, special),
            "llama" => SentencePieces(file, vocabulary, special),
            _ => throw new ModelException(
                $"The tokenizer is of the kind '{model}'; this decoder knows 'gpt2' (byte pairs) and 'llama' (SentencePiece)."),
        };
    }

    static BytePairTokenizer BytePairs(Gguf file, string[] vocabulary, HashSet<int> special)
    {
        string words = file.Text("tokenizer.ggml.pre", "default");
        bool llama3 = words is "llama-bpe" or "llama3" or "llama-v3";
        return new BytePairTokenizer(
            vocabulary, file.Array<string>("tokenizer.ggml.merges") ?? [], PreTokenizer.Named(words), special, wholeWordsFirst: llama3)
        {
            BeginOfText = BeginOfText(file, vocabulary.Length, absent: llama3),
            EndOfText = EndOfText(file, vocabulary),
        };
    }

    static SentencePieceTokenizer SentencePieces(Gguf file, string[] vocabulary, HashSet<int> special)
    {
        double[] scores = file.Array<double>("tokenizer.ggml.scores")
            ?? throw new ModelException("The GGUF file's SentencePiece vocabulary has no scores.");
        if (scores.Length != vocabulary.Length)
            throw new ModelException($"The GGUF file's vocabulary has {vocabulary.Length} tokens but {scores.Length} scores.");
        return new SentencePieceTokenizer(
            vocabulary, scores, special, Token(file, "tokenizer.ggml.unknown_token_id", vocabulary.Length),
            spaceFirst: file.Flag("tokenizer.ggml.add_space_prefix", true))
        {
            BeginOfText = BeginOfText(file, vocabulary.Length, absent: true),
            EndOfText = EndOfText(file, vocabulary),
        };
    }

    static HashSet<int> Special(Gguf file, int count)
    {
        var types = file.Array<long>("tokenizer.ggml.token_type") ?? [];
        if (types.Length > count)
            throw new ModelException($"The GGUF file's vocabulary has {count} tokens but {types.Length} token types.");
        return [.. Enumerable.Range(0, types.Length).Where(token => types[token] is Control or UserDefined)];
    }

    static int? BeginOfText(Gguf file, int count, bool absent) =>
        file.Flag("tokenizer.ggml.add_bos_token", absent) ? Token(file, "tokenizer.ggml.bos_token_id", count) : null;

    static HashSet<int> EndOfText(Gguf file, string[] vocabulary)
    {
        var ends = new HashSet<int>();
        foreach (string key in (ReadOnlySpan<string>)["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"])
            if (Token(file, key, vocabulary.Length) is { } token)
                ends.Add(token);
        return ends;
    }

    static int? Token(Gguf file, string key, int count)
    {
        // 2^32 - 1 is llama.cpp's "none".
        long token = file.Integer(key, uint.MaxValue);
        return token == uint.MaxValue ? null
            : token >= 0 && token < count ? (int)token
            : throw new ModelException($"The GGUF file's '{key}' is {token}, but the vocabulary has {count} tokens.");
    }
}
