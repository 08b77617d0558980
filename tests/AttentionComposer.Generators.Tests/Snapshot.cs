using System.Runtime.CompilerServices;

namespace AttentionComposer.Generators.Tests;

/// <summary>
/// Compares text with a file that a person has read: <c>TestClass.TestMethod.verified.cs</c> beside the test, as the Verify
/// package keeps them (which not every feed has).
/// </summary>
/// <remarks>
/// On a difference the new text is written beside it as <c>.received.cs</c>, and the test fails with the first differing lines. To
/// accept it, read it, and rename <c>.received.cs</c> to <c>.verified.cs</c>:
/// <c>for f in tests/AttentionComposer.Generators.Tests/*.received.cs; do mv "$f" "${f/.received/.verified}"; done</c>
/// No switch accepts snapshots unread, and no test ever writes a verified file.
/// </remarks>
static class Snapshot
{
    public static void Verify(string text, [CallerFilePath] string testFile = "", [CallerMemberName] string method = "")
    {
        Assert.DoesNotContain('\r', text);
        string start = Path.Combine(Path.GetDirectoryName(testFile)!, $"{Path.GetFileNameWithoutExtension(testFile)}.{method}");
        string verifiedFile = start + ".verified.cs", receivedFile = start + ".received.cs";
        string? verified = File.Exists(verifiedFile) ? File.ReadAllText(verifiedFile).ReplaceLineEndings("\n") : null;
        if (verified == text)
        {
            File.Delete(receivedFile);
            return;
        }

        File.WriteAllText(receivedFile, text);
        Assert.Fail(verified is null
            ? $"{Path.GetFileName(verifiedFile)} does not exist yet. Read {receivedFile} and rename it."
            : $"{Path.GetFileName(receivedFile)} differs from what was verified:\n{FirstDifference(verified, text)}");
    }

    static string FirstDifference(string verified, string received)
    {
        const int Context = 3, Shown = 8;
        string[] before = verified.Split('\n'), after = received.Split('\n');
        int line = 0;
        while (line < before.Length && line < after.Length && before[line] == after[line])
            line++;

        IEnumerable<string> excerpt =
        [
            .. before[Math.Max(0, line - Context)..line].Select(text => "  " + text),
            .. before.Skip(line).Take(Shown).Select(text => "- " + text),
            .. after.Skip(line).Take(Shown).Select(text => "+ " + text),
        ];
        return $"line {line + 1}:\n{string.Join('\n', excerpt)}";
    }
}
