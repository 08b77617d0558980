using AttentionComposer.CodeFixes;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace AttentionComposer.Generators.Tests;

/// <summary>The pages under docs/diagnostics say what is so: their examples are run, and the index knows them all.</summary>
public sealed class DiagnosticPageTests
{
    static readonly string s_folder = Path.Combine(Repository.Root, "docs", "diagnostics");

    public static TheoryData<string> Ids =>
        [.. typeof(Descriptors).GetFields().Select(constant => constant.GetValue(null)).OfType<DiagnosticDescriptor>().Select(descriptor => descriptor.Id)];

    [Theory, MemberData(nameof(Ids))]
    public void ExamplesAreTrue(string id)
    {
        string page = Page(id);
        Assert.StartsWith($"# {id}: {Descriptors.ById(id).Title}\n", page);
        string wrong = Example(page, "Wrong");
        bool onDevice = id.StartsWith("ATC04", StringComparison.Ordinal);
        Diagnostic diagnostic = Assert.Single((onDevice ? GeneratorRun.OfWrongOnDevice(wrong) : GeneratorRun.OfWrong(wrong)).Diagnostics);
        Assert.Equal(id, diagnostic.Id);
        GeneratorRun.Of(Example(page, "Mended"));
    }

    [Theory, MemberData(nameof(Ids))]
    public void TheIndexTellsWhetherThereIsAFix(string id)
    {
        string[] index = File.ReadAllText(Path.Combine(s_folder, "README.md")).ReplaceLineEndings("\n").Split('\n');
        string row = Assert.Single(index, line => line.StartsWith($"| [{id}]({id}.md) | {Descriptors.ById(id).Title} |", StringComparison.Ordinal));
        bool fixable = typeof(TextCodeFix).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(TextCodeFix)))
            .Any(type => ((CodeFixProvider)Activator.CreateInstance(type)!).FixableDiagnosticIds.Contains(id));
        Assert.Equal(fixable, !row.EndsWith("|  |", StringComparison.Ordinal));
        Assert.Equal(fixable, !Page(id).Contains("## Code fix\n\nNone", StringComparison.Ordinal));
    }

    static string Page(string id) => File.ReadAllText(Path.Combine(s_folder, id + ".md")).ReplaceLineEndings("\n");

    static string Example(string page, string heading) =>
        page.Split($"## {heading}\n\n```csharp\n")[1].Split("```")[0];
}
