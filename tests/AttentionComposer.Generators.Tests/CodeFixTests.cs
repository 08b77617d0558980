using System.Collections.Immutable;
using AttentionComposer.CodeFixes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace AttentionComposer.Generators.Tests;

/// <summary>Every code fix: what it is called, the text that it leaves, and that the generator accepts that text.</summary>
public sealed class CodeFixTests
{
    const string Good = "Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)";

    static readonly CodeFixProvider[] s_fixes =
        [.. typeof(TextCodeFix).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(TextCodeFix)))
            .Select(type => (CodeFixProvider)Activator.CreateInstance(type)!)];

    /// <summary>The diagnostic, the fix, the code before and the code after.</summary>
    public static TheoryData<string, string, string, string> Mended => new()
    {
        { "ATC0001", "Make 'Local' partial", $"[{Good}] public sealed class Local;", $"[{Good}] public sealed partial class Local;" },
        { "ATC0001", "Make 'Local' partial", $"[{Good}]\n/* here */ class Local;", $"[{Good}]\n/* here */ partial class Local;" },
        { "ATC0001", "Make 'Local' partial", $"[{Good}] sealed record Local;", $"[{Good}] sealed partial record Local;" },
        { "ATC0001", "Make 'Local' partial", $"[{Good}] record class Local;", $"[{Good}] partial record class Local;" },
        {
            "ATC0002", "Make 'Outer' partial",
            $"static class Outer {{ [{Good}] public partial class Local; }}",
            $"static partial class Outer {{ [{Good}] public partial class Local; }}"
        },
        {
            "ATC0002", "Make 'Middle' partial",
            $"partial class Outer {{ readonly ref struct Middle {{ [{Good}] public partial class Local; }} }}",
            $"partial class Outer {{ readonly ref partial struct Middle {{ [{Good}] public partial class Local; }} }}"
        },
        { "ATC0004", "Remove 'static'", $"[{Good}] static partial class Local;", $"[{Good}] partial class Local;" },
        { "ATC0004", "Remove 'static'", $"[{Good}]\npublic static /* one */ partial class Local;", $"[{Good}]\npublic /* one */ partial class Local;" },
        { "ATC0004", "Remove 'file'", $"[{Good}]\nfile sealed partial class Local;", $"[{Good}]\nsealed partial class Local;" },
        {
            "ATC0006", "Set HeadDim to 104",
            "[Attention(HeadDim = /* odd */ 100, QueryHeads = 8, KeyValueHeads = 2)] partial class Local;",
            "[Attention(HeadDim = /* odd */ 104, QueryHeads = 8, KeyValueHeads = 2)] partial class Local;"
        },
        {
            "ATC0006", "Set HeadDim to 32",
            "[Attention(HeadDim = 3 * Size.Of, QueryHeads = 8, KeyValueHeads = 2)] partial class Local; class Size { public const int Of = 8; }",
            "[Attention(HeadDim = 32, QueryHeads = 8, KeyValueHeads = 2)] partial class Local; class Size { public const int Of = 8; }"
        },
        {
            "ATC0007", "Remove [SlidingWindow]",
            $"[{Good}, Causal, SlidingWindow(0)] partial class Local;",
            $"[{Good}, Causal] partial class Local;"
        },
        {
            "ATC0008", "Remove [Sinks]",
            $"[{Good}, Causal, Sinks(0), SlidingWindow(8)] partial class Local;",
            $"[{Good}, Causal, SlidingWindow(8)] partial class Local;"
        },
        {
            "ATC0009", "Remove [Sinks]",
            $"[{Good}]\n[Causal, // as always\n Sinks(4)] // four\npartial class Local;",
            $"[{Good}]\n[Causal // as always\n ] // four\npartial class Local;"
        },
        {
            "ATC0009", "Remove [Sinks]",
            $"[{Good}]\n[Causal, // as always\n Sinks(4), // four\n SoftCap(5)] // five\npartial class Local;",
            $"[{Good}]\n[Causal, // as always\n SoftCap(5)] // five\npartial class Local;"
        },
        {
            "ATC0010", "Add [Causal]",
            $"[{Good}]\n[SlidingWindow(8), Sinks(4)]\npartial class Local;",
            $"[{Good}]\n[Causal, SlidingWindow(8), Sinks(4)]\npartial class Local;"
        },
        {
            "ATC0010", "Add [Causal]",
            $"[{Good}]\n[type: SlidingWindow(8)]\npartial class Local;",
            $"[{Good}]\n[type: Causal, SlidingWindow(8)]\npartial class Local;"
        },
        {
            "ATC0010", "Add [Causal]", // a name that means something else here is written out
            $"namespace User {{ class CausalAttribute : System.Attribute; [{Good}, SlidingWindow(8)] partial class Local; }}",
            $"namespace User {{ class CausalAttribute : System.Attribute; [{Good}, AttentionComposer.Causal, SlidingWindow(8)] partial class Local; }}"
        },
        {
            "ATC0303", "Add [Causal]",
            $"[{Good}]\n[Star(BlockSize = 8)]\npartial class Local;",
            $"[{Good}]\n[Causal, Star(BlockSize = 8)]\npartial class Local;"
        },
        {
            "ATC0206", "Add [Causal]",
            $"[{Good}]\n[HeavyHitters(Budget = 8)]\npartial class Local;",
            $"[{Good}]\n[Causal, HeavyHitters(Budget = 8)]\npartial class Local;"
        },
        {
            "ATC0010", "Remove [SlidingWindow]",
            $"/// <summary>Encoder.</summary>\n[{Good}]\n[SlidingWindow(8)]\npartial class Local;",
            $"/// <summary>Encoder.</summary>\n[{Good}]\npartial class Local;"
        },
        { "ATC0011", "Remove [SoftCap]", $"[{Good}] [SoftCap(0)]\npartial class Local;", $"[{Good}]\npartial class Local;" },
        { "ATC0011", "Remove [SoftCap]", $"[SoftCap(-1)] [{Good}]\npartial class Local;", $"[{Good}]\npartial class Local;" },
        {
            "ATC0011", "Remove [SoftCap]",
            $"[{Good}]\n[AttentionComposer.SoftCapAttribute(cap: float.NaN)] partial class Local;",
            $"[{Good}]\npartial class Local;"
        },
        {
            "ATC0012", "Remove [Scale]",
            $"partial class Outer\n{{\n    /// <summary>Layer.</summary>\n    [Scale(float.NaN)]\n    [{Good}]\n    public partial class Local;\n}}",
            $"partial class Outer\n{{\n    /// <summary>Layer.</summary>\n    [{Good}]\n    public partial class Local;\n}}"
        },
        {
            "ATC0012", "Remove [Scale]",
            $"[{Good}]\n[Scale(float.NaN)] // measured\npartial class Local;",
            $"[{Good}]\n// measured\npartial class Local;"
        },
        { "ATC0013", "Use KvFormat.Float32", $"[{Good}, KvCache((KvFormat)7)] partial class Local;", $"[{Good}, KvCache(KvFormat.Float32)] partial class Local;" },
        {
            "ATC0013", "Use KvFormat.Float32",
            $"[{Good}, KvCache(format: (KvFormat)(-1))] partial class Local;",
            $"[{Good}, KvCache(format: KvFormat.Float32)] partial class Local;"
        },
        {
            "ATC0102", "Write 0.5f",
            $"[{Good}] partial class Local {{ [Score] float Half(float score) => (float)(score * 0.5); }}",
            $"[{Good}] partial class Local {{ [Score] float Half(float score) => (float)(score * 0.5f); }}"
        },
        {
            "ATC0102", "Call MathF.Sqrt",
            $"[{Good}] partial class Local {{ [Score] float Root(float score, int key) => score + (float)System.Math.Sqrt(key); }}",
            $"[{Good}] partial class Local {{ [Score] float Root(float score, int key) => score + (float)System.MathF.Sqrt(key); }}"
        },
        {
            "ATC0107", "Divide by at least 1",
            $"[{Good}] partial class Local {{ [Mask] bool Divides(int query, int key) => key % (query + 1) == 0; }}",
            $"[{Good}] partial class Local {{ [Mask] bool Divides(int query, int key) => key % System.Math.Max(1, query + 1) == 0; }}"
        },
        {
            "ATC0110", "Make 's_slope' readonly",
            $"[{Good}] partial class Local {{ static float s_slope = 2; [Score] float Steep(float score) => score * s_slope; }}",
            $"[{Good}] partial class Local {{ static readonly float s_slope = 2; [Score] float Steep(float score) => score * s_slope; }}"
        },
        {
            "ATC0111", "Rename 'kv_idx' to 'key'",
            $"[{Good}] partial class Local {{ [Mask] bool Past(int query, int kv_idx) => kv_idx <= query && Near(kv_idx: kv_idx); bool Near(int kv_idx) => kv_idx > 3; }}",
            $"[{Good}] partial class Local {{ [Mask] bool Past(int query, int key) => key <= query && Near(kv_idx: key); bool Near(int kv_idx) => kv_idx > 3; }}"
        },
        {
            "ATC0111", "Rename 'h' to 'head'",
            $"[{Good}] partial class Local {{ [Score] float Steep(float score, int h)\n{{\n    return score * h; // each head\n}} }}",
            $"[{Good}] partial class Local {{ [Score] float Steep(float score, int head)\n{{\n    return score * head; // each head\n}} }}"
        },
        {
            "ATC0114", "Run 'B' behind it, with Order = 1",
            $"[{Good}] partial class Local {{ [Score] float A(float score) => score + 1; [Score] float B(float score) => score * 2; }}",
            $"[{Good}] partial class Local {{ [Score] float A(float score) => score + 1; [Score(Order = 1)] float B(float score) => score * 2; }}"
        },
        {
            "ATC0114", "Run 'B' behind it, with Order = 4",
            $"[{Good}] partial class Local {{ [Score(Order = 3)] float A(float score) => score + 1; [Score(Order = 3)] float B(float score) => score * 2; }}",
            $"[{Good}] partial class Local {{ [Score(Order = 3)] float A(float score) => score + 1; [Score(Order = 4)] float B(float score) => score * 2; }}"
        },
    };

    [Theory, MemberData(nameof(Mended))]
    public async Task MendsTheDeclaration(string id, string title, string source, string mended)
    {
        GeneratorRun run = GeneratorRun.OfWrong(source);
        Project project = ProjectOf(source);
        Diagnostic diagnostic = Assert.Single(run.Diagnostics);
        Assert.Equal(id, diagnostic.Id);

        (CodeAction fix, _) = Assert.Single(await FixesFor(diagnostic, project), fix => fix.Action.Title == title);
        Assert.Equal(mended, await TextAfter(fix, project));
        GeneratorRun.Of(mended);
    }

    [Fact]
    public void EveryFixIsTested() => Assert.Equal(
        s_fixes.SelectMany(fix => fix.FixableDiagnosticIds).Distinct().Order(StringComparer.Ordinal),
        Mended.Select(row => (string)row[0]).Distinct().Order(StringComparer.Ordinal));

    public static TheoryData<string> WithoutFix =>
    [
        "[Attention(QueryHeads = 8, KeyValueHeads = 2)] partial class Local;", // no head dimension to be near to
        $"static partial class Local; [{Good}] partial class Local;", // the modifier is elsewhere
        $"[{Good}] partial class Local<T>;",
        "[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 3)] partial class Local;",
        $"[{Good}] partial class Local {{ void Attend() {{ }} }}",
    ];

    /// <summary>A fix that would guess what was meant, or mend nothing, is not offered.</summary>
    [Theory, MemberData(nameof(WithoutFix))]
    public async Task OffersNothingWhereNoEditMends(string source)
    {
        Diagnostic diagnostic = Assert.Single(GeneratorRun.OfWrong(source).Diagnostics);
        Assert.Empty(await FixesFor(diagnostic, ProjectOf(source)));
    }

    /// <summary>Each of the modifiers is mended apart.</summary>
    [Fact]
    public async Task TwoModifiers()
    {
        string source = $"[{Good}] file static partial class Local;";
        Diagnostic[] diagnostics = [.. GeneratorRun.OfWrong(source).Diagnostics];
        Assert.Equal(2, diagnostics.Length);
        Assert.Equal(
            ["Remove 'file'", "Remove 'static'"], (await FixesFor(diagnostics[0], ProjectOf(source))).Select(fix => fix.Action.Title));
    }

    /// <summary>All of a project at once, where several diagnostics ask for the same edit, and edits touch each other's lines.</summary>
    public static TheoryData<string, string[], string[]> MendedTogether => new()
    {
        {
            "Make 'Outer' partial",
            [
                $"class Outer {{ [{Good}] public class One; [{Good}] public partial class Two; struct Middle {{ [{Good}] public partial class Three; }} }}",
                $"[{Good}] class Four; [{Good}] class Five;",
            ],
            [
                $"partial class Outer {{ [{Good}] public partial class One; [{Good}] public partial class Two; " +
                $"partial struct Middle {{ [{Good}] public partial class Three; }} }}",
                $"[{Good}] partial class Four; [{Good}] partial class Five;",
            ]
        },
        {
            "Remove [Sinks]",
            [$"[{Good}, Causal]\n[Sinks(0)]\npartial class One;\n[{Good}, Causal, Sinks(4)] partial class Two;", $"[{Good}, Sinks(1)]\npartial class Three;"],
            [$"[{Good}, Causal]\npartial class One;\n[{Good}, Causal] partial class Two;", $"[{Good}]\npartial class Three;"]
        },
        {
            "Set HeadDim to 104",
            [.. HeadDims.Select((headDim, i) => Pipeline(headDim.Wrong, i))],
            [.. HeadDims.Select((headDim, i) => Pipeline(headDim.Right, i))]
        },
        {
            "Remove 'static'",
            [$"[{Good}] static partial class One; [{Good}] static partial class Two;", $"[{Good}] partial class Three;"],
            [$"[{Good}] partial class One; [{Good}] partial class Two;", $"[{Good}] partial class Three;"]
        },
        {
            "Add [Causal]",
            [$"[{Good}, SlidingWindow(8)] partial class One; [SlidingWindow(8), {Good}] partial class Two;"],
            [$"[{Good}, Causal, SlidingWindow(8)] partial class One; [Causal, SlidingWindow(8), {Good}] partial class Two;"]
        },
        {
            "Use KvFormat.Float32",
            [$"[{Good}, KvCache((KvFormat)4)] partial class One;", $"[{Good}, KvCache((KvFormat)9)] partial class Two;"],
            [$"[{Good}, KvCache(KvFormat.Float32)] partial class One;", $"[{Good}, KvCache(KvFormat.Float32)] partial class Two;"]
        },
    };

    [Theory, MemberData(nameof(MendedTogether))]
    public async Task MendsAWholeProject(string title, string[] sources, string[] mended)
    {
        Project project = ProjectOf(sources);
        Diagnostic[] diagnostics = [.. GeneratorRun.OfWrong(sources).Diagnostics];
        (CodeAction action, CodeFixProvider provider) = (await Task.WhenAll(diagnostics.Select(diagnostic => FixesFor(diagnostic, project))))
            .SelectMany(fixes => fixes).First(fix => fix.Action.Title == title);

        var context = new FixAllContext(
            DocumentOf(diagnostics[0], project), provider, FixAllScope.Project, action.EquivalenceKey!, provider.FixableDiagnosticIds,
            new FoundDiagnostics(diagnostics), CancellationToken.None);
        CodeAction together = (await provider.GetFixAllProvider()!.GetFixAsync(context))!;
        Solution solution = await SolutionAfter(together);
        Assert.Equal(mended, await Task.WhenAll(project.DocumentIds.Select(async id => WithoutUsing(await solution.GetDocument(id)!.GetTextAsync()))));
        GeneratorRun.Of(mended);
    }

    static (string Wrong, string Right)[] HeadDims { get; } =
        [("100", "104"), ("-64", "32"), ("1", "32"), ("33", "40"), ("97", "104"), ("255", "256"), ("257", "256"), ("int.MaxValue", "256"), ("80", "80")];

    static string Pipeline(string headDim, int number) =>
        $"[Attention(HeadDim = {headDim}, QueryHeads = 2, KeyValueHeads = 1)] partial class Local{number};";

    static async Task<List<(CodeAction Action, CodeFixProvider Provider)>> FixesFor(Diagnostic diagnostic, Project project)
    {
        List<(CodeAction, CodeFixProvider)> fixes = [];
        foreach (CodeFixProvider provider in s_fixes.Where(fix => fix.FixableDiagnosticIds.Contains(diagnostic.Id)))
            await provider.RegisterCodeFixesAsync(new CodeFixContext(
                DocumentOf(diagnostic, project), diagnostic, (action, _) => fixes.Add((action, provider)), CancellationToken.None));
        return fixes;
    }

    static async Task<string> TextAfter(CodeAction fix, Project project) =>
        WithoutUsing(await (await SolutionAfter(fix)).GetDocument(project.DocumentIds.Single())!.GetTextAsync());

    static async Task<Solution> SolutionAfter(CodeAction fix) =>
        Assert.IsType<ApplyChangesOperation>(Assert.Single(await fix.GetOperationsAsync(CancellationToken.None))).ChangedSolution;

    static string WithoutUsing(object text) => text.ToString()!["using AttentionComposer;\n".Length..];

    static Project ProjectOf(params string[] sources)
    {
        Compilation compilation = GeneratorRun.CompilationOf(sources);
        Project project = new AdhocWorkspace().AddProject(ProjectInfo.Create(
            ProjectId.CreateNewId(), VersionStamp.Default, "User", "User", LanguageNames.CSharp,
            compilationOptions: compilation.Options, parseOptions: compilation.SyntaxTrees.First().Options, metadataReferences: compilation.References));
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
            project = project.AddDocument(Path.GetFileName(tree.FilePath), tree.GetText(), filePath: tree.FilePath).Project;
        return project;
    }

    static Document DocumentOf(Diagnostic diagnostic, Project project) =>
        project.Documents.Single(document => document.FilePath == diagnostic.Location.GetLineSpan().Path);

    /// <summary>The generator's diagnostics as an editor hands them on: it turns a path back into the document's syntax tree.</summary>
    sealed class FoundDiagnostics(IEnumerable<Diagnostic> diagnostics) : FixAllContext.DiagnosticProvider
    {
        public override async Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(Document document, CancellationToken cancellation)
        {
            SyntaxTree tree = (await document.GetSyntaxTreeAsync(cancellation))!;
            return diagnostics
                .Where(diagnostic => DocumentOf(diagnostic, document.Project).Id == document.Id)
                .Select(diagnostic => Diagnostic.Create(diagnostic.Descriptor, Location.Create(tree, diagnostic.Location.SourceSpan)));
        }

        public override async Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(Project project, CancellationToken cancellation) =>
            (await Task.WhenAll(project.Documents.Select(document => GetDocumentDiagnosticsAsync(document, cancellation)))).SelectMany(found => found);

        public override Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(Project project, CancellationToken cancellation) =>
            Task.FromResult<IEnumerable<Diagnostic>>([]);
    }
}
