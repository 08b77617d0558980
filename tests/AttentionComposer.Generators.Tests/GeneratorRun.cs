using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace AttentionComposer.Generators.Tests;

/// <summary>
/// The generator run over sources. Every test of the generator goes through here, so that every test also asserts that the
/// generator does not throw, that what it caches is plain data, that edits elsewhere re-run nothing, and that what it writes
/// compiles without a warning.
/// </summary>
sealed class GeneratorRun
{
    /// <summary>The stages' tracking names in AttentionGenerator, in their order.</summary>
    static readonly string[] s_stages = ["Model", "Specification", "Plan", "AmbiguousNames", "Diagnostics"];

    const string UsersFolder = "/user/";

    static readonly CSharpParseOptions s_parseOptions = new(LanguageVersion.Latest, DocumentationMode.Diagnose);

    static readonly ImmutableArray<MetadataReference> s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
        MetadataReference.CreateFromFile(typeof(IAttention).Assembly.Location),
    ];

    /// <summary>What a project has that runs pipelines on devices: beside our library ILGPU, or what stands in for it.</summary>
    static readonly ImmutableArray<MetadataReference> s_deviceReferences =
    [
        .. s_references,
        .. new[] { typeof(Ilgpu.Kernels.IDeviceKernels), typeof(ILGPU.Grid), typeof(ILGPU.Algorithms.XMath) }
            .Select(type => type.Assembly.Location).Distinct().Select(path => MetadataReference.CreateFromFile(path)),
    ];

    GeneratorRun(Compilation output, GeneratorDriverRunResult result)
    {
        Compilation = output;
        Sources = [.. result.Results.Single().GeneratedSources];
        Diagnostics = result.Diagnostics;
    }

    /// <summary>The user's sources and the generated ones.</summary>
    public Compilation Compilation { get; }

    /// <summary>The generated files.</summary>
    public ImmutableArray<GeneratedSourceResult> Sources { get; }

    /// <summary>The generator's diagnostics.</summary>
    public ImmutableArray<Diagnostic> Diagnostics { get; }

    /// <summary>The text of the only file for devices.</summary>
    public string DeviceText => Assert.Single(Sources, source => source.HintName.Contains(".Device", StringComparison.Ordinal)).SourceText.ToString();

    /// <summary>The text of the only generated file.</summary>
    public string Text => Assert.Single(Sources).SourceText.ToString();

    /// <summary>Runs the generator on correct declarations, and once more as in a project with devices, which must change nothing but add files.</summary>
    /// <param name="sources">C# files; <c>using AttentionComposer;</c> is put in front of each.</param>
    public static GeneratorRun Of(params string[] sources)
    {
        GeneratorRun run = Run(CompilationOf(sources));
        Assert.Empty(run.Diagnostics);
        AssertCompiles(run.Compilation);

        GeneratorRun onDevice = OnDevice(sources);
        Assert.Equal(Texts(run.Sources), Texts(onDevice.Sources.Where(source => !source.HintName.Contains(".Device", StringComparison.Ordinal))));
        return run;

        static IEnumerable<(string, string)> Texts(IEnumerable<GeneratedSourceResult> sources) =>
            sources.Select(source => (source.HintName, source.SourceText.ToString()));
    }

    /// <summary>Runs the generator on correct declarations in a project with devices.</summary>
    public static GeneratorRun OnDevice(params string[] sources)
    {
        GeneratorRun run = Run(CompilationOf(sources).WithReferences(s_deviceReferences));
        Assert.DoesNotContain(run.Diagnostics, diagnostic => diagnostic.Severity != DiagnosticSeverity.Info);
        AssertCompiles(run.Compilation);
        return run;
    }

    /// <summary>Runs the generator on declarations of which some are wrong; what the compiler says about them is not looked at.</summary>
    public static GeneratorRun OfWrong(params string[] sources) => Run(CompilationOf(sources));

    /// <summary>The same in a project with devices.</summary>
    public static GeneratorRun OfWrongOnDevice(params string[] sources) => Run(CompilationOf(sources).WithReferences(s_deviceReferences));

    /// <summary>Sources in a project as a user would have it: nullable, documented, every warning on, no unsafe code.</summary>
    public static CSharpCompilation CompilationOf(params string[] sources) => CSharpCompilation.Create(
        "User",
        sources.Select((source, i) => Parse(source, $"{UsersFolder}File{i}.cs")),
        s_references,
        new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, warningLevel: 9999,
            optimizationLevel: OptimizationLevel.Release));

    public static SyntaxTree Parse(string source, string path) =>
        CSharpSyntaxTree.ParseText(
            "using AttentionComposer;\n" + source.ReplaceLineEndings("\n"), s_parseOptions, path, System.Text.Encoding.UTF8);

    public static GeneratorDriver DriverFor(ISourceGenerator generator) => CSharpGeneratorDriver.Create(
        [generator], parseOptions: s_parseOptions,
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    public static void AssertCompiles(Compilation compilation)
    {
        var problems = compilation.GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error
                || diagnostic.Severity == DiagnosticSeverity.Warning && !IsUsers(diagnostic.Location));
        Assert.True(!problems.Any(), "The generated code must compile without warnings:\n" + string.Join('\n', problems));
    }

    // What a test leaves undocumented or unused in its own few lines is no concern of the generator.
    static bool IsUsers(Location location) => location.SourceTree?.FilePath.StartsWith(UsersFolder, StringComparison.Ordinal) == true;

    static GeneratorRun Run(CSharpCompilation compilation)
    {
        GeneratorDriver driver = DriverFor(new AttentionGenerator().AsSourceGenerator())
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out ImmutableArray<Diagnostic> diagnostics);
        GeneratorDriverRunResult first = driver.GetRunResult();
        AssertDidNotThrow(first, diagnostics);
        AssertStagesAreTracked(first);
        AssertHoldsPlainData(first);

        // The user types in another file.
        SyntaxTree elsewhere = Parse("class Elsewhere { int _unrelated; }", UsersFolder + "Elsewhere.cs");
        CSharpCompilation edited = compilation.Clone().AddSyntaxTrees(elsewhere);
        GeneratorDriverRunResult second = driver.RunGenerators(edited).GetRunResult();
        AssertReused(first, second);

        // The user types above the declaration: places move, and nothing that does not hold a place may notice.
        if (diagnostics.IsEmpty)
        {
            SyntaxTree tree = compilation.SyntaxTrees[0];
            CSharpCompilation moved = compilation.ReplaceSyntaxTree(
                tree, CSharpSyntaxTree.ParseText("// A new line.\n" + tree, s_parseOptions, tree.FilePath, System.Text.Encoding.UTF8));
            AssertReused(first, driver.RunGenerators(moved).GetRunResult());
        }

        return new GeneratorRun(output, first);
    }

    static void AssertDidNotThrow(GeneratorDriverRunResult result, ImmutableArray<Diagnostic> diagnostics)
    {
        Assert.Null(result.Results.Single().Exception);
        Assert.DoesNotContain(diagnostics, diagnostic => diagnostic.Id is "CS8785" or "CS8784");
    }

    /// <summary>Under another name a stage would pass every other check here by not being looked at.</summary>
    static void AssertStagesAreTracked(GeneratorDriverRunResult result)
    {
        foreach (string stage in s_stages)
            if (stage == "Diagnostics" ? !result.Diagnostics.IsEmpty : !result.GeneratedTrees.IsEmpty)
                Assert.NotEmpty(StepsOf(result, stage));
    }

    /// <summary>
    /// A cached symbol, syntax or compilation keeps every past version of the user's project in memory, and is never equal to
    /// its next version.
    /// </summary>
    static void AssertHoldsPlainData(GeneratorDriverRunResult result)
    {
        foreach (string stage in s_stages)
            foreach (IncrementalGeneratorRunStep step in StepsOf(result, stage))
                foreach ((object value, _) in step.Outputs)
                    ObjectGraph.AssertPlainData(value, stage);
    }

    static void AssertReused(GeneratorDriverRunResult first, GeneratorDriverRunResult second)
    {
        AssertDidNotThrow(second, second.Diagnostics);
        foreach (string stage in s_stages)
        {
            var before = StepsOf(first, stage);
            var after = StepsOf(second, stage);
            Assert.Equal(before.SelectMany(step => step.Outputs).Count(), after.SelectMany(step => step.Outputs).Count());
            foreach (var (_, reason) in after.SelectMany(step => step.Outputs))
                Assert.True(
                    reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged,
                    $"{stage} was {reason} after an edit elsewhere");
        }

        var outputs = second.Results.Single().TrackedOutputSteps.SelectMany(steps => steps.Value);
        foreach (var (_, reason) in outputs.SelectMany(step => step.Outputs))
            Assert.True(reason == IncrementalStepRunReason.Cached, $"an output was {reason} after an edit elsewhere");
    }

    static ImmutableArray<IncrementalGeneratorRunStep> StepsOf(GeneratorDriverRunResult result, string stage) =>
        result.Results.Single().TrackedSteps.TryGetValue(stage, out var steps) ? steps : [];
}
