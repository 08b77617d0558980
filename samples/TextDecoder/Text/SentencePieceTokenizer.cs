using System.Globalization;
using System.Text;

namespace TextDecoder.Text;

/// <summary>
/// SentencePiece as Llama 1 and 2 use it: spaces are written as ▁, neighbours merge into the token of the highest score, and
/// characters without a token are spelled as bytes.
/// </summary>
sealed class SentencePieceTokenizer : ITokenizer
{
    const char Space = '▁';

    readonly Dictionary<string, int> _tokens;
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    readonly byte[][] _bytes;
    readonly int?[] _byteTokens = new int?[256];
    readonly int? _unknown;
    readonly bool _spaceFirst;
    readonly SymbolMerger _merger;
    readonly SpecialTokens _special;

    /// <param name="vocabulary">The tokens; bytes as <c>&lt;0xNN&gt;</c>.</param>
    /// <param name="scores">How much each token is worth; the highest is merged first.</param>
    /// <param name="special">Which tokens are no text.</param>
    /// <param name="unknown">The token for what cannot be spelled.</param>
    /// <param name="spaceFirst">Whether a text, and each part of it behind a special token, gets a space in front, so that its first
    /// word is like the others; as llama.cpp does it.</param>
    public SentencePieceTokenizer(
        IReadOnlyList<string> vocabulary, IReadOnlyList<double> scores, IReadOnlySet<int> special, int? unknown, bool spaceFirst)
    {
        (_unknown, _spaceFirst) = (unknown, spaceFirst);
        _special = new SpecialTokens(special.Select(token => (vocabulary[token], token)));
        _tokens = new Dictionary<string, int>(vocabulary.Count);
        _bySpan = _tokens.GetAlternateLookup<ReadOnlySpan<char>>();
        _bytes = new byte[vocabulary.Count][];
        for (int token = 0; token < vocabulary.Count; token++)
        {
            string text = vocabulary[token];
            if (TryByte(text, out byte value))
            {
                _byteTokens[value] ??= token;
                _bytes[token] = [value];
                continue;
            }

            _bytes[token] = Encoding.UTF8.GetBytes(text.Replace(Space, ' '));
            if (!special.Contains(token))
                _tokens.TryAdd(text, token);
        }

        var worth = scores;
        _merger = new SymbolMerger((left, right) => TryFind(left, right, out int token) && !double.IsNaN(worth[token]) ? -worth[token] : null);
    }

    /// <inheritdoc/>
    public int VocabularySize => _bytes.Length;

    /// <inheritdoc/>
    public int? BeginOfText { get; init; }

    /// <inheritdoc/>
    public IReadOnlySet<int> EndOfText { get; init; } = new HashSet<int>();

    /// <inheritdoc/>
    public List<int> Encode(string text)
    {
        var tokens = new List<int>();
        _special.Encode(text, tokens, EncodeText);
        return tokens;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Decode(int token) => _bytes[token];

    void EncodeText(string text, List<int> tokens)
    {
        string spelled = (_spaceFirst ? " " + text : text).Replace(' ', Space);
        var starts = new List<int>();
        int position = 0;
        foreach (var rune in spelled.EnumerateRunes())
        {
            starts.Add(position);
            position += rune.Utf16SequenceLength;
        }

        foreach (var piece in _merger.Merge(spelled, starts))
            EncodePiece(spelled[piece], tokens);
    }

    void EncodePiece(string piece, List<int> tokens)
    {
        if (_tokens.TryGetValue(piece, out int token))
        {
            tokens.Add(token);
            return;
        }

        foreach (byte value in Encoding.UTF8.GetBytes(piece))
            tokens.Add(_byteTokens[value] ?? _unknown
                ?? throw new Weights.ModelException($"The vocabulary has no token for '{piece}' in the text."));
    }

    bool TryFind(ReadOnlySpan<char> left, ReadOnlySpan<char> right, out int token)
    {
        Span<char> both = left.Length + right.Length <= 256 ? stackalloc char[left.Length + right.Length] : new char[left.Length + right.Length];
        left.CopyTo(both);
        right.CopyTo(both[left.Length..]);
        return _bySpan.TryGetValue(both, out token);
    }

    static bool TryByte(string text, out byte value)
    {
        value = 0;
        return text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>'
            && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
