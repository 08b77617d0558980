using System.Globalization;
using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace AttentionComposer.Generators.Tests;

/// <summary>What holds for every generated file, and declarations of unusual form.</summary>
public sealed class GeneratorTests
{
    const string Attention = "Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)";
    const string Everything = $"[{Attention}, Causal, SlidingWindow(100), Sinks(3), Alibi, SoftCap(2.5f), Scale(-0.125f)] partial class Local;";

    [Fact]
    public void NothingIsGeneratedForNothing() => Assert.Empty(GeneratorRun.Of("class Plain;").Sources);

    /// <summary>The other half of the caching tests: an edit that matters does run the stages again.</summary>
    [Fact]
    public void AnEditOfTheDeclarationIsSeen()
    {
        CSharpCompilation compilation = GeneratorRun.CompilationOf($"[{Attention}] partial class Local;");
        GeneratorDriver driver = GeneratorRun.DriverFor(new AttentionGenerator().AsSourceGenerator()).RunGenerators(compilation);
        string before = driver.GetRunResult().GeneratedTrees.Single().ToString();
        CSharpCompilation edited = compilation.ReplaceSyntaxTree(
            compilation.SyntaxTrees[0], GeneratorRun.Parse($"[{Attention}, Causal] partial class Local;", "/user/File0.cs"));
        GeneratorDriverRunResult result = driver.RunGenerators(edited).GetRunResult();
        Assert.NotEqual(before, result.GeneratedTrees.Single().ToString());
        var reasons = result.Results.Single().TrackedSteps["Plan"].SelectMany(step => step.Outputs).Select(output => output.Reason);
        Assert.Equal([IncrementalStepRunReason.Modified], reasons);
    }

    /// <summary>An edit of one pipeline leaves the files of the others alone.</summary>
    [Fact]
    public void AnEditOfOnePipelineRunsNoOther()
    {
        CSharpCompilation compilation = GeneratorRun.CompilationOf(
            $"[{Attention}] partial class First;", $"[{Attention}] partial class Second;");
        GeneratorDriver driver = GeneratorRun.DriverFor(new AttentionGenerator().AsSourceGenerator()).RunGenerators(compilation);
        CSharpCompilation edited = compilation.ReplaceSyntaxTree(
            compilation.SyntaxTrees[0], GeneratorRun.Parse($"[{Attention}, Causal] partial class First;", "/user/File0.cs"));
        var steps = driver.RunGenerators(edited).GetRunResult().Results.Single().TrackedSteps["Plan"];
        IncrementalStepRunReason[] reasons = [.. steps.SelectMany(step => step.Outputs).Select(output => output.Reason)];
        Assert.Equal(2, reasons.Length);
        Assert.Equal(IncrementalStepRunReason.Modified, reasons[0]);
        Assert.True(reasons[1] is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged);
    }

    /// <summary>The walk over the cached model would find what it looks for.</summary>
    [Fact]
    public void TheObjectGraphFindsWhatMustNotBeCached()
    {
        CSharpCompilation compilation = GeneratorRun.CompilationOf("class Plain;");
        object[] bad =
        [
            compilation, compilation.SyntaxTrees[0], compilation.SyntaxTrees[0].GetRoot(), compilation.GetTypeByMetadataName("Plain")!,
            compilation.SyntaxTrees[0].GetRoot().GetLocation(), compilation.GetSemanticModel(compilation.SyntaxTrees[0]),
        ];
        foreach (object value in bad)
        {
            Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => ObjectGraph.AssertPlainData(value, "value"));
            Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => ObjectGraph.AssertPlainData(Tuple.Create("x", new[] { value }), "nested"));
        }

        ObjectGraph.AssertPlainData(Tuple.Create("x", new[] { 1, 2 }, new Microsoft.CodeAnalysis.Text.TextSpan(1, 2)), "plain");
    }

    [Theory]
    [InlineData("de-DE")] // decimal comma
    [InlineData("tr-TR")] // dotless i
    [InlineData("sv-SE")] // another minus sign
    [InlineData("ar-SA")] // another calendar
    public void TheTextIsTheSameUnderEveryCulture(string name)
    {
        string expected = GeneratorRun.Of(Everything).Text;
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(name);
            Assert.Equal(expected, GeneratorRun.Of(Everything).Text);
            GeneratorRun wrong = GeneratorRun.OfWrong($"[{Attention}, SoftCap(-1.5f)] partial class Local;");
            Assert.Contains("-1.5", wrong.Diagnostics.Single().GetMessage());
        }
        finally
        {
            CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = before;
        }
    }

    [Fact]
    public void TheTextNamesNoMachineAndNoTime()
    {
        string text = GeneratorRun.Of(Everything).Text;
        Assert.DoesNotContain('\r', text);
        Assert.DoesNotContain('\t', text);
        Assert.EndsWith("}\n", text);
        Assert.DoesNotContain("/user/", text);
        Assert.DoesNotContain(Repository.Root, text);
        Assert.DoesNotContain(DateTime.UtcNow.Year.ToString(CultureInfo.InvariantCulture), text);
        Assert.DoesNotContain(text.Split('\n'), line => line.EndsWith(' '));
        Assert.StartsWith("// <auto-generated", text);
    }

    /// <summary>Two declarations that differ in nothing but their name differ in nothing but their name.</summary>
    [Fact]
    public void TheTextDependsOnTheDeclarationAlone()
    {
        string alone = GeneratorRun.Of($"[{Attention}] partial class Local;").Text;
        GeneratorRun among = GeneratorRun.Of(
            $"[{Attention}, Causal] partial class Aaa;", $"[{Attention}] partial class Local;", $"[{Attention}] partial class Zzz;");
        GeneratedSourceResult local = among.Sources.Single(source => source.HintName.Contains("Local", StringComparison.Ordinal));
        Assert.Equal(alone, local.SourceText.ToString());
    }

    public static TheoryData<string> UnusualDeclarations =>
    [
        $"[{Attention}] partial record Local;",
        $"[{Attention}] abstract partial class Local;",
        $"[{Attention}] public sealed partial class Local(int layer) {{ public int Layer => layer; }}",
        $"[{Attention}] partial class Local : System.IDisposable {{ public void Dispose() {{ }} }}",
        $"[{Attention}] partial class Local {{ }} partial class Local {{ int _more; public int More => _more; }}",
        $"[{Attention}] [System.Obsolete] partial class Local;",
        $"namespace A.B {{ namespace C {{ [{Attention}] partial class Local; }} }}",
        $"namespace @namespace.@class {{ [{Attention}] partial class @event; }}",
        $"namespace Schlüssel {{ [{Attention}] partial class Größe; }}",
        $"namespace A {{ [{Attention}] partial class Local; }} namespace B {{ [{Attention}] partial class Local; }}",
        $"[{Attention}] partial class Local; [{Attention}] partial class local;",
        $"[{Attention}] partial class A_B; partial class A {{ [{Attention}] partial class B; }}",
        $"partial interface IOuter {{ partial struct Middle {{ partial record Inner {{ [{Attention}] partial class Local; }} }} }}",
        $"partial class Outer {{ [{Attention}] private sealed partial class Local; }}",
        // Names that the generated code uses itself must not be captured by the user's.
        $"namespace User.System {{ [{Attention}, Causal] partial class Local; }}",
        $"namespace AttentionComposer.User {{ class Math; class Span; class Vector512; class MathF; "
            + $"[{Attention}, Causal, SoftCap(3)] partial class Local; }}",
        "using A = AttentionComposer.AttentionAttribute; [A(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)] partial class Local;",
        "static class Sizes { public const int Dim = 32; } "
            + "[AttentionComposer.AttentionAttribute(HeadDim = Sizes.Dim + 8, QueryHeads = 2 * 3, KeyValueHeads = 3)] partial class Local;",
        $"[{Attention}, Causal, SlidingWindow(int.MaxValue), Sinks(int.MaxValue)] partial class Local;",
        $"[{Attention}, SoftCap(float.MaxValue), Scale(float.Epsilon)] partial class Local;",
        "[Attention(HeadDim = 256, QueryHeads = 64, KeyValueHeads = 1), Causal, Alibi] partial class Local;",
    ];

    [Theory, MemberData(nameof(UnusualDeclarations))]
    public void UnusualDeclarationsCompile(string source) => Assert.NotEmpty(GeneratorRun.Of(source).Sources);

    public static TheoryData<string> HalfTypedDeclarations =>
    [
        "[Attention",
        "[Attention] partial class",
        "[Attention] partial class ;",
        "[Attention()] partial class Local",
        "[Attention(HeadDim = )] partial class Local;",
        "[Attention(HeadDim = 64, QueryHeads = , KeyValueHeads = 2)] partial class Local;",
        "[Attention(HeadDim = \"64\", QueryHeads = 8, KeyValueHeads = 2)] partial class Local;",
        "[Attention(HeadDim = Missing.Dim, QueryHeads = 8, KeyValueHeads = 2)] partial class Local;",
        "[Attention(HeadDim = 64L << 40, QueryHeads = 8, KeyValueHeads = 2)] partial class Local;",
        "[Attention(64, 8, 2)] partial class Local;",
        "[Attention(Unknown = 3)] partial class Local;",
        $"[{Attention}, SlidingWindow] partial class Local;",
        $"[{Attention}, SlidingWindow(] partial class Local;",
        $"[{Attention}, SlidingWindow(\"wide\")] partial class Local;",
        $"[{Attention}, SlidingWindow(int.MaxValue + 1)] partial class Local;",
        $"[{Attention}, SlidingWindow(null)] partial class Local;",
        $"[{Attention}, Causal, SlidingWindow(3), SlidingWindow(4)] partial class Local;",
        $"[{Attention}, SoftCap(\"hard\"), Scale(null), KvCache(KvFormat.Missing)] partial class Local;",
        $"[{Attention}, {Attention}] partial class Local;",
        $"[{Attention}] partial class Local; [{Attention}] partial class Local;",
        $"[{Attention}] class Local; [{Attention}] class Local;",
        $"[{Attention}] partial struct Local;",
        $"[{Attention}] partial record struct Local;",
        $"[{Attention}] partial interface ILocal;",
        $"[{Attention}] enum Local {{ }}",
        $"[{Attention}] delegate void Local();",
        $"partial class Local {{ [{Attention}] void Method() {{ }} }}",
        $"[{Attention}] partial class Local : Missing;",
        $"[{Attention}] partial class Local {{ public void",
        $"partial class Outer<T> {{ [{Attention}] class Local<U>; }}",
    ];

    /// <summary>The generator runs at every key stroke: whatever stands there, it does not throw.</summary>
    [Theory, MemberData(nameof(HalfTypedDeclarations))]
    public void HalfTypedDeclarationsDoNotThrow(string source) => GeneratorRun.OfWrong(source);

    /// <summary>Every prefix of a declaration has been on somebody's screen.</summary>
    [Fact]
    public void TypingADeclarationDoesNotThrow()
    {
        const string Source = $"namespace User;\n{Everything}";
        for (int length = 0; length < Source.Length; length += 5)
            GeneratorRun.OfWrong(Source[..length]);
    }

    /// <summary>A project that is not using the library yet.</summary>
    [Fact]
    public void WithoutTheRuntimeNothingHappens()
    {
        CSharpCompilation compilation = GeneratorRun.CompilationOf($"[{Attention}] partial class Local;");
        compilation = compilation.RemoveReferences(compilation.References.Where(
            reference => reference.Display!.EndsWith("AttentionComposer.dll", StringComparison.Ordinal)));
        GeneratorDriver driver = GeneratorRun.DriverFor(new AttentionGenerator().AsSourceGenerator());
        GeneratorDriverRunResult result = driver.RunGenerators(compilation).GetRunResult();
        Assert.Null(result.Results.Single().Exception);
        Assert.Empty(result.GeneratedTrees);
    }

    /// <summary>Kernels count on arithmetic that wraps, and the user's project may check it: same bits, no exception.</summary>
    [Theory]
    [InlineData("Causal")]
    [InlineData("Causal, KvCache(KvFormat.Float16)")]
    [InlineData("Causal, SlidingWindow(9), Sinks(2), Alibi, SoftCap(3), KvCache(KvFormat.BFloat16)")]
    public void CheckedArithmeticChangesNothing(string stages)
    {
        var compilation = (CSharpCompilation)GeneratorRun.Of($"[{Attention}, {stages}] public partial class Local;").Compilation;
        float[][] results =
        [
            .. new[] { false, true }.Select(check => Attend(Load(compilation.WithOptions(compilation.Options.WithOverflowChecks(check))))),
        ];
        Assert.Equal(results[0], results[1]);
        Assert.DoesNotContain(float.NaN, results[0]);
    }

    static IAttention Load(CSharpCompilation compilation)
    {
        using var image = new MemoryStream();
        Assert.True(compilation.Emit(image).Success);
        image.Position = 0;
        Assembly assembly = new AssemblyLoadContext("user", isCollectible: false).LoadFromStream(image);
        return (IAttention)Activator.CreateInstance(assembly.GetType("Local")!)!;
    }

    static float[] Attend(IAttention attention)
    {
        const int Tokens = 70;
        var random = new Random(1);
        float[] Scalars(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 4 - 2)];
        AttentionShape shape = attention.Shape;
        float[] queries = Scalars(Tokens * shape.QueryWidth);
        float[] keys = Scalars(Tokens * shape.KeyValueWidth), values = Scalars(Tokens * shape.KeyValueWidth);
        float[] prefill = new float[queries.Length], decode = new float[shape.QueryWidth];
        using KvCache cache = attention.CreateCache(Tokens);
        attention.Attend(cache, queries, keys, values, prefill);
        attention.Attend(cache, queries.AsSpan(^shape.QueryWidth..), decode);
        return [.. prefill, .. decode];
    }
}
