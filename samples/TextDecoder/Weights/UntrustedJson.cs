using System.Text.Json;

namespace TextDecoder.Weights;

/// <summary>Reads JSON that may be anything, so that whatever is wrong with it ends in a <see cref="ModelException"/>.</summary>
static class UntrustedJson
{
    /// <summary>Parses, and reads what is wanted.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="what">What to call the file in a message.</param>
    /// <param name="read">May use the elements' getters as if the file were as it should be.</param>
    /// <exception cref="ModelException">The file is not JSON, or not laid out as <paramref name="read"/> takes it.</exception>
    public static T Read<T>(byte[] json, string what, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return read(document.RootElement);
        }
        catch (JsonException error)
        {
            throw new ModelException($"Could not read {what}: it is not valid JSON.", error);
        }
        // What the getters throw at an element of another kind, at a number out of range, and at a text that is no Unicode.
        catch (Exception error) when (error is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new ModelException($"Could not read {what}: it is not laid out as it should be.", error);
        }
    }
}
