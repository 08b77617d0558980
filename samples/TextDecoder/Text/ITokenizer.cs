namespace TextDecoder.Text;

/// <summary>Text to tokens and back.</summary>
interface ITokenizer
{
    /// <summary>Number of tokens.</summary>
    int VocabularySize { get; }

    /// <summary>The token that the model expects before the text, if it expects one.</summary>
    int? BeginOfText { get; }

    /// <summary>Tokens after which the model has nothing more to say.</summary>
    IReadOnlySet<int> EndOfText { get; }

    /// <summary>The tokens of a text, without <see cref="BeginOfText"/>.</summary>
    /// <exception cref="Weights.ModelException">The vocabulary cannot spell the text.</exception>
    List<int> Encode(string text);

    /// <summary>The bytes of a token: UTF-8, of which a token may hold a part of a character only.</summary>
    ReadOnlySpan<byte> Decode(int token);
}
