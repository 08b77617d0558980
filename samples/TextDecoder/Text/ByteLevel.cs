using System.Text;

namespace TextDecoder.Text;

/// <summary>
/// GPT-2's way to write any bytes as visible characters: printable Latin-1 characters stand for themselves, and the others
/// for the characters from U+0100 on. Vocabularies and merges are written so.
/// </summary>
static class ByteLevel
{
    static readonly char[] _characters = MakeCharacters();
    static readonly Dictionary<char, byte> _bytes = Enumerable.Range(0, 256).ToDictionary(b => _characters[b], b => (byte)b);

    /// <summary>The character that stands for a byte.</summary>
    public static char Character(byte value) => _characters[value];

    /// <summary>A text's UTF-8 bytes as characters.</summary>
    public static string Encode(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(bytes.Length, bytes, static (characters, bytes) =>
        {
            for (int i = 0; i < bytes.Length; i++)
                characters[i] = _characters[bytes[i]];
        });
    }

    /// <summary>The bytes that characters stand for; a character that stands for none is taken as itself, in UTF-8.</summary>
    public static byte[] Decode(string characters)
    {
        var bytes = new List<byte>(characters.Length);
        foreach (var rune in characters.EnumerateRunes())
        {
            if (rune.IsBmp && _bytes.TryGetValue((char)rune.Value, out byte value))
                bytes.Add(value);
            else
                bytes.AddRange(Encoding.UTF8.GetBytes(rune.ToString()));
        }

        return [.. bytes];
    }

    static char[] MakeCharacters()
    {
        var characters = new char[256];
        int invisible = 0;
        for (int b = 0; b < characters.Length; b++)
        {
            bool visible = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[b] = visible ? (char)b : (char)(256 + invisible++);
        }

        return characters;
    }
}
