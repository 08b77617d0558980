using TextDecoder.Weights;

namespace TextDecoder.Text;

/// <summary>
/// Byte-level byte-pair encoding (GPT-2, Llama 3, Qwen 2): words of bytes, whose pairs are merged in the order in which
/// training found them. Without merges a token is a byte.
/// </summary>
sealed class BytePairTokenizer : ITokenizer
{
    readonly Dictionary<string, int> _tokens;
    readonly byte[][] _bytes;
    readonly Dictionary<(string, string), int>.AlternateLookup<Pair> _ranks;
    readonly SymbolMerger _merger;
    readonly PreTokenizer _words;
    readonly SpecialTokens _special;
    readonly bool _wholeWordsFirst;

    /// <param name="vocabulary">The tokens, written as <see cref="ByteLevel"/> characters; special ones as they are.</param>
    /// <param name="merges">Pairs, "left right", the first to be merged first.</param>
    /// <param name="words">Cuts a text into words.</param>
    /// <param name="special">Which tokens are no text.</param>
    /// <param name="wholeWordsFirst">Whether a word that is a token is taken as it is, merges or not (Llama 3).</param>
    /// <exception cref="ModelException">A merge is no pair.</exception>
    public BytePairTokenizer(
        IReadOnlyList<string> vocabulary, IReadOnlyList<string> merges, PreTokenizer words, IReadOnlySet<int> special, bool wholeWordsFirst)
    {
        _words = words;
        _wholeWordsFirst = wholeWordsFirst;
        _special = new SpecialTokens(special.Select(token => (vocabulary[token], token)));
        _tokens = new Dictionary<string, int>(vocabulary.Count);
        _bytes = new byte[vocabulary.Count][];
        for (int token = 0; token < vocabulary.Count; token++)
        {
            _tokens.TryAdd(vocabulary[token], token);
            _bytes[token] = special.Contains(token) ? System.Text.Encoding.UTF8.GetBytes(vocabulary[token]) : ByteLevel.Decode(vocabulary[token]);
        }

        var ranks = new Dictionary<(string, string), int>(merges.Count, new PairComparer());
        for (int i = 0; i < merges.Count; i++)
        {
            int space = merges[i].IndexOf(' ', 1);
            if (space < 0 || space == merges[i].Length - 1)
                throw new ModelException($"The tokenizer's merge '{merges[i]}' is not a pair.");
            ranks.TryAdd((merges[i][..space], merges[i][(space + 1)..]), i);
        }

        _ranks = ranks.GetAlternateLookup<Pair>();
        _merger = new SymbolMerger((left, right) => _ranks.TryGetValue(new Pair(left, right), out int rank) ? rank : null);
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
        foreach (string word in _words.Split(text))
        {
            string characters = ByteLevel.Encode(word);
            if (_wholeWordsFirst && _tokens.TryGetValue(characters, out int whole))
            {
                tokens.Add(whole);
                continue;
            }

            foreach (var piece in _merger.Merge(characters, [.. Enumerable.Range(0, characters.Length)]))
                EncodePiece(characters[piece], tokens);
        }
    }

    void EncodePiece(string piece, List<int> tokens)
    {
        if (_tokens.TryGetValue(piece, out int token))
        {
            tokens.Add(token);
            return;
        }

        // A merge may lead to what is no token; its bytes are.
        foreach (string character in piece.Select(character => character.ToString()))
            tokens.Add(_tokens.TryGetValue(character, out token)
                ? token
                : throw new ModelException($"The vocabulary has no token for the byte 0x{ByteLevel.Decode(character)[0]:X2} in the text."));
    }

    readonly ref struct Pair(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        public readonly ReadOnlySpan<char> Left = left;
        public readonly ReadOnlySpan<char> Right = right;
    }

    /// <summary>Looks pairs of texts up by parts of another text, without copying them.</summary>
    sealed class PairComparer : IEqualityComparer<(string, string)>, IAlternateEqualityComparer<Pair, (string, string)>
    {
        public bool Equals((string, string) a, (string, string) b) => a == b;

        public bool Equals(Pair pair, (string, string) other) => pair.Left.SequenceEqual(other.Item1) && pair.Right.SequenceEqual(other.Item2);

        public int GetHashCode((string, string) pair) => GetHashCode(new Pair(pair.Item1, pair.Item2));

        public int GetHashCode(Pair pair) => HashCode.Combine(string.GetHashCode(pair.Left), string.GetHashCode(pair.Right));

        public (string, string) Create(Pair pair) => (pair.Left.ToString(), pair.Right.ToString());
    }
}
