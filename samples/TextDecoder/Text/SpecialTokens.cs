namespace TextDecoder.Text;

/// <summary>
/// Tokens that are no text, such as <c>&lt;|begin_of_text|&gt;</c>: where a prompt spells one out, it is that token and is not
/// merged with what stands beside it.
/// </summary>
sealed class SpecialTokens
{
    readonly (string Text, int Token)[] _tokens;

    /// <param name="tokens">Spelling and number of each.</param>
    public SpecialTokens(IEnumerable<(string Text, int Token)> tokens) =>
        _tokens = [.. tokens.Where(token => token.Text.Length > 0).OrderByDescending(token => token.Text.Length)];

    /// <summary>Appends the tokens of a text, in which <paramref name="encode"/> appends those of the ordinary parts.</summary>
    public void Encode(string text, List<int> tokens, Action<string, List<int>> encode)
    {
        while (text.Length > 0)
        {
            var (index, special, token) = First(text);
            if (index > 0)
                encode(text[..index], tokens);
            if (special.Length > 0)
                tokens.Add(token);
            text = text[(index + special.Length)..];
        }
    }

    /// <summary>The first special token in a text, the longest of those at one place; behind the text without one.</summary>
    (int Index, string Text, int Token) First(string text)
    {
        var first = (Index: text.Length, Text: "", Token: 0);
        foreach (var (special, token) in _tokens)
        {
            int index = text.IndexOf(special, StringComparison.Ordinal);
            if (index >= 0 && index < first.Index)
                first = (index, special, token);
        }

        return first;
    }
}
