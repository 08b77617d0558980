using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using TextDecoder.Weights;

namespace TextDecoder.Text;

/// <summary>
/// Cuts a text into words before merging, since no token reaches over a word's end. Each expression cuts further what the ones before it left.
/// </summary>
sealed class PreTokenizer
{
    // The expressions as their models publish them; the names are those of GGUF's tokenizer.ggml.pre.
    internal const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    const string Qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Cuts every digit off.</summary>
    public const string SingleDigits = @"\p{N}";

    // An expression from a file could take forever on an unlucky text.
    static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    readonly Regex[] _expressions;

    /// <param name="expressions">Regular expressions; what an expression matches becomes a word, and what lies between matches too.</param>
    /// <exception cref="ModelException">An expression cannot be read.</exception>
    public PreTokenizer(params IEnumerable<string> expressions)
    {
        try
        {
            _expressions = [.. expressions.Select(text => new Regex(text, RegexOptions.CultureInvariant, _patience))];
        }
        catch (ArgumentException error)
        {
            throw new ModelException("The tokenizer splits words by a regular expression that .NET does not read.", error);
        }
    }

    /// <summary>GPT-2's words.</summary>
    public static PreTokenizer ForGpt2() => new(Gpt2);

    /// <summary>The words of a vocabulary in a GGUF file.</summary>
    /// <param name="name">tokenizer.ggml.pre.</param>
    public static PreTokenizer Named(string name) => name switch
    {
        "gpt-2" => ForGpt2(),
        // What llama.cpp does for a file without a name.
        "default" => new PreTokenizer(
            @"[\p{P}\$\+<=>\^~\|]+", @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)", @"\p{N}+", "[0-9][0-9][0-9]"),
        "llama-bpe" or "llama3" or "llama-v3" => new PreTokenizer(Llama3),
        "qwen2" => new PreTokenizer(Qwen2),
        "smollm" => new PreTokenizer(SingleDigits, Gpt2),
        _ => throw new ModelException(
            $"The tokenizer splits words by the rule '{name}'; this decoder knows gpt-2, default, llama-bpe, qwen2 and smollm."),
    };

    /// <summary>The words of a text, which put together are the text.</summary>
    public List<string> Split(string text)
    {
        string classes = OneCharacterEach(text);
        var words = new List<Range> { 0..classes.Length };
        try
        {
            foreach (var expression in _expressions)
                words = [.. words.SelectMany(word => Cut(expression, classes, word))];
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new ModelException("The tokenizer's regular expression takes too long on this text.", error);
        }

        return Spell(text, classes, words);
    }

    static IEnumerable<Range> Cut(Regex expression, string text, Range word)
    {
        // A word is judged alone: what follows it must not be seen by a look-ahead.
        var (start, length) = word.GetOffsetAndLength(text.Length);
        string alone = text.Substring(start, length);
        int done = 0;
        foreach (Match match in expression.Matches(alone))
        {
            if (match.Length == 0)
                continue;
            if (match.Index > done)
                yield return (start + done)..(start + match.Index);
            done = match.Index + match.Length;
            yield return (start + match.Index)..(start + done);
        }

        if (done < length)
            yield return (start + done)..(start + length);
    }

    /// <summary>
    /// .NET's expressions see a character beyond U+FFFF as two that are neither letter nor digit. One of the same class stands in for it here.
    /// </summary>
    static string OneCharacterEach(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;

        var classes = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            classes.Append(rune.IsBmp ? (char)rune.Value : Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                    or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => '\u4E00',
                UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => '\u0660',
                UnicodeCategory.OtherPunctuation or UnicodeCategory.DashPunctuation => '\u2026',
                _ => '\uE000',
            });
        return classes.ToString();
    }

    static List<string> Spell(string text, string classes, List<Range> words)
    {
        var spelled = new List<string>(words.Count);
        if (ReferenceEquals(text, classes))
        {
            spelled.AddRange(words.Select(word => text[word]));
            return spelled;
        }

        int position = 0;
        foreach (var word in words)
        {
            int start = position;
            for (int i = word.Start.Value; i < word.End.Value; i++)
                position += char.IsHighSurrogate(text[position]) && position + 1 < text.Length && char.IsLowSurrogate(text[position + 1]) ? 2 : 1;
            spelled.Add(text[start..position]);
        }

        return spelled;
    }
}
