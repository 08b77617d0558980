using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Tests;

/// <summary>Every wrong declaration: its id, a message that names the user's class, and the exact place between [| and |].</summary>
public sealed class DiagnosticTests
{
    const string Good = "Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)";
    const string Labels = "[LabelChannels] readonly int[] _channels = new int[32];";

    public static TheoryData<string, string, string> Wrong => new()
    {
        { "ATC0001", $"[{Good}] public sealed class [|Local|];", "partial" },
        { "ATC0001", $"partial class Outer {{ [{Good}] class [|Local|] {{ }} }}", "partial" },
        { "ATC0002", $"class [|Outer|] {{ [{Good}] partial class Local; }}", "'Outer'" },
        { "ATC0002", $"partial class Outer {{ struct [|Middle|] {{ [{Good}] partial class Local; }} }}", "'Middle'" },
        { "ATC0003", $"[{Good}] partial class [|Local|]<T>;", "type parameters" },
        { "ATC0003", $"partial class [|Outer|]<T> {{ [{Good}] partial class Local; }}", "'Outer'" },
        { "ATC0004", $"[{Good}] static partial class [|Local|];", "'static'" },
        { "ATC0004", $"[{Good}] file partial class [|Local|];", "'file'" },
        { "ATC0005", "[[|Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 3)|]] partial class Local;", "KeyValueHeads = 3" },
        { "ATC0005", "[[|Attention(HeadDim = 64, QueryHeads = 2, KeyValueHeads = 8)|]] partial class Local;", "QueryHeads = 2" },
        { "ATC0005", "[[|Attention(HeadDim = 64, QueryHeads = 0, KeyValueHeads = 1)|]] partial class Local;", "QueryHeads = 0" },
        { "ATC0005", "[[|Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 0)|]] partial class Local;", "KeyValueHeads = 0" },
        { "ATC0005", "[[|Attention(HeadDim = 64, QueryHeads = -8, KeyValueHeads = -2)|]] partial class Local;", "QueryHeads = -8" },
        { "ATC0005", "[[|Attention(HeadDim = 64)|]] partial class Local;", "QueryHeads = 0" },
        { "ATC0006", "[[|Attention(HeadDim = 24, QueryHeads = 8, KeyValueHeads = 2)|]] partial class Local;", "32" },
        { "ATC0006", "[[|Attention(HeadDim = 100, QueryHeads = 8, KeyValueHeads = 2)|]] partial class Local;", "104" },
        { "ATC0006", "[[|Attention(HeadDim = 264, QueryHeads = 8, KeyValueHeads = 2)|]] partial class Local;", "256" },
        { "ATC0006", "[[|Attention(HeadDim = -64, QueryHeads = 8, KeyValueHeads = 2)|]] partial class Local;", "HeadDim = -64" },
        { "ATC0006", "[[|Attention(HeadDim = int.MaxValue, QueryHeads = 8, KeyValueHeads = 2)|]] partial class Local;", "256" },
        { "ATC0006", "[[|Attention(QueryHeads = 8, KeyValueHeads = 2)|]] partial class Local;", "HeadDim = 0" },
        { "ATC0007", $"[{Good}, Causal, [|SlidingWindow(0)|]] partial class Local;", "0 keys" },
        { "ATC0007", $"[{Good}][Causal][[|SlidingWindow(size: -3)|]] partial class Local;", "-3 keys" },
        { "ATC0008", $"[{Good}, Causal, SlidingWindow(8), [|Sinks(0)|]] partial class Local;", "0 sinks" },
        { "ATC0008", $"[{Good}, Causal, SlidingWindow(8), [|Sinks(-1)|]] partial class Local;", "-1 sinks" },
        { "ATC0009", $"[{Good}, Causal, [|Sinks(4)|]] partial class Local;", "[SlidingWindow]" },
        { "ATC0010", $"[{Good}, [|SlidingWindow(8)|]] partial class Local;", "[Causal]" },
        { "ATC0011", $"[{Good}, [|SoftCap(0)|]] partial class Local;", "0" },
        { "ATC0011", $"[{Good}, [|SoftCap(-1.5f)|]] partial class Local;", "-1.5" },
        { "ATC0011", $"[{Good}, [|SoftCap(float.NaN)|]] partial class Local;", "NaN" },
        { "ATC0011", $"[{Good}, [|SoftCap(1f / 0)|]] partial class Local;", "Infinity" },
        { "ATC0012", $"[{Good}, [|Scale(float.NaN)|]] partial class Local;", "NaN" },
        { "ATC0012", $"[{Good}, [|Scale(float.NegativeInfinity)|]] partial class Local;", "-Infinity" },
        { "ATC0013", $"[{Good}, [|KvCache((KvFormat)7)|]] partial class Local;", "7" },
        { "ATC0013", $"[{Good}, [|KvCache((KvFormat)(-1))|]] partial class Local;", "-1" },
        { "ATC0014", $"[{Good}] partial class Local {{ public int [|Plan|] => 1; }}", "'Plan'" },
        { "ATC0014", $"[{Good}] partial class Local {{ void [|Attend|](int tokens) {{ }} }}", "'Attend'" },
        { "ATC0014", $"[{Good}] partial class Local {{ class [|Traits|]; }}", "'Traits'" },
        { "ATC0015", $"[{Good}, [|Normalizer((Normalization)9)|]] partial class Local;", "Softmax, SoftmaxOne, Sigmoid, Relu" },
        { "ATC0015", $"[{Good}, TopK(8), [|Normalizer((Normalization)(-1))|]] partial class Local;", "-1" },
        { "ATC0015", $"[{Good}, [|SparQ(Variant = (SparQVariant)2)|]] partial class Local;", "SparQVariant" },
        { "ATC0015", $"[{Good}, [|SparQ(Reallocation = (SparQReallocation)7)|]] partial class Local;", "SparQReallocation" },
        { "ATC0015", $"[{Good}, [|TopK(8, Remainder = (TopKRemainder)5)|]] partial class Local;", "TopKRemainder" },
        { "ATC0201", $"[{Good}, Causal, SparQ(Rank = 8), [|TopK(16)|]] partial class Local;", "[SparQ] and [TopK]" },
        { "ATC0201", $"[{Good}, TopK(16), [|Pages(Size = 8)|]] partial class Local;", "[TopK] and [Pages]" },
        { "ATC0202", $"[{Good}, [|SparQ(Rank = 0)|]] partial class Local;", "Rank = 0" },
        { "ATC0202", $"[{Good}, [|SparQ(TopK = -1)|]] partial class Local;", "TopK = -1" },
        { "ATC0202", $"[{Good}, [|SparQ(Local = -2)|]] partial class Local;", "Local = -2" },
        { "ATC0202", $"[{Good}, [|TopK(0)|]] partial class Local;", "count = 0" },
        { "ATC0202", $"[{Good}, [|Pages(Size = 0)|]] partial class Local;", "Size = 0" },
        { "ATC0202", $"[{Good}, [|Pages(Count = 0)|]] partial class Local;", "Count = 0" },
        { "ATC0201", $"[{Good}, Causal, SparQ, [|HeavyHitters|]] partial class Local;", "[SparQ] and [HeavyHitters]" },
        { "ATC0202", $"[{Good}, Causal, [|HeavyHitters(Budget = 0)|]] partial class Local;", "Budget = 0" },
        { "ATC0202", $"[{Good}, Causal, [|HeavyHitters(Local = -2)|]] partial class Local;", "Local = -2" },
        { "ATC0202", $"[{Good}, [|DoubleSparsity(Rank = 0)|]] partial class Local {{ {Labels} }}", "Rank = 0" },
        { "ATC0202", $"[{Good}, [|DoubleSparsity(TopK = 0)|]] partial class Local {{ {Labels} }}", "TopK = 0" },
        { "ATC0203", $"[{Good}, [|TopK(4)|], Normalizer(Normalization.Relu)] partial class Local;", "Relu" },
        { "ATC0203", $"[{Good}, [|SparQ|], Normalizer(Normalization.Sigmoid)] partial class Local;", "Sigmoid" },
        { "ATC0203", $"[{Good}, Normalizer(Normalization.Sigmoid)][[|SparQ(Variant = SparQVariant.Released, Reallocation = SparQReallocation.Always)|]] partial class Local;", "Sigmoid" },
        { "ATC0203", $"[{Good}, Causal, [|HeavyHitters|], Normalizer(Normalization.Relu)] partial class Local;", "Relu" },
        { "ATC0204", $"[{Good}, [|DoubleSparsity|]] partial class Local;", "DoubleSparsity.Calibrate" },
        { "ATC0204", $"[{Good}, [|DoubleSparsity|]] partial class Local {{ int[] _channels = new int[32]; }}", "[LabelChannels]" },
        { "ATC0205", $"[{Good}] partial class Local {{ [LabelChannels] int[] [|_channels|] = new int[32]; }}", "no [DoubleSparsity]" },
        { "ATC0205", $"[{Good}, SparQ] partial class Local {{ [LabelChannels] int[] [|_channels|] = new int[32]; }}", "no [DoubleSparsity]" },
        { "ATC0205", $"[{Good}, DoubleSparsity] partial class Local {{ [LabelChannels] long[] [|_channels|] = new long[32]; }}", "is not an int[]" },
        { "ATC0205", $"[{Good}, DoubleSparsity] partial class Local {{ [LabelChannels] int[,] [|_channels|] = new int[2, 16]; }}", "is not an int[]" },
        { "ATC0205", $"[{Good}, DoubleSparsity] partial class Local {{ [LabelChannels] static int[] [|s_channels|] = new int[32]; }}", "static field that can change" },
        { "ATC0206", $"[{Good}, [|HeavyHitters|]] partial class Local;", "[Causal]" },
        { "ATC0301", $"[{Good}, Causal, [|Star|]] partial class Local;", "0 positions" },
        { "ATC0301", $"[{Good}, Causal, [|Star(BlockSize = -1)|]] partial class Local;", "-1 positions" },
        { "ATC0302", $"[{Good}, Causal, [|Star(BlockSize = 8, AnchorSize = 9)|]] partial class Local;", "9 positions" },
        { "ATC0302", $"[{Good}, Causal, [|Star(AnchorSize = -1, BlockSize = 8)|]] partial class Local;", "-1 positions" },
        { "ATC0303", $"[{Good}, [|Star(BlockSize = 8)|]] partial class Local;", "[Causal]" },
        { "ATC0304", $"[{Good}, Causal, SlidingWindow(8), [|Star(BlockSize = 8)|]] partial class Local;", "[SlidingWindow]" },
        { "ATC0305", $"[{Good}, Causal, TopK(8), [|Star(BlockSize = 8)|]] partial class Local;", "selection" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public void IsReportedWhereItIsWritten(string id, string markedSource, string part) => AssertReported(id, markedSource, part);

    /// <summary>The diagnostic, alone, at the text between [| and |], with 'Local' and <paramref name="part"/> in its message.</summary>
    internal static void AssertReported(string id, string markedSource, string part)
    {
        (string source, string marked) = Unmark(markedSource);
        GeneratorRun run = GeneratorRun.OfWrong(source);
        Diagnostic diagnostic = Assert.Single(run.Diagnostics);
        Assert.Equal((id, DiagnosticSeverity.Error), (diagnostic.Id, diagnostic.Severity));
        Assert.Equal(marked, TextAt(run, diagnostic));
        Assert.Contains("'Local'", diagnostic.GetMessage());
        Assert.Contains(part, diagnostic.GetMessage());
        Assert.Empty(run.Sources);
    }

    public static TheoryData<string, string> OnDevice => new()
    {
        { "ATC0401", $"[{Good}, Causal, [|KvCache(KvFormat.Int8)|]] partial class Local;" },
    };

    /// <summary>What devices cannot do is told where it is written, and only where there are devices; the processor can do it all the same.</summary>
    [Theory, MemberData(nameof(OnDevice))]
    public void WhatDevicesCannotDoIsNoted(string id, string markedSource)
    {
        (string source, string marked) = Unmark(markedSource);
        GeneratorRun run = GeneratorRun.OnDevice(source);
        Diagnostic diagnostic = Assert.Single(run.Diagnostics);
        Assert.Equal((id, DiagnosticSeverity.Info), (diagnostic.Id, diagnostic.Severity));
        Assert.Equal(marked, TextAt(run, diagnostic));
        Assert.Contains("'Local'", diagnostic.GetMessage());
        Assert.Contains(".Attention.", Assert.Single(run.Sources).HintName);
        Assert.Empty(GeneratorRun.Of(source).Diagnostics);
    }

    [Fact]
    public void EveryDiagnosticIsTested() => Assert.Equal(
        AllDescriptors.Select(descriptor => descriptor.Id), Wrong.Concat(FunctionDiagnosticTests.Wrong).Concat(OnDevice).Select(row => (string)row[0]).Distinct().Order(StringComparer.Ordinal));

    /// <summary>Selections that rank by scores need no softmax.</summary>
    [Theory]
    [InlineData("Pages, Normalizer(Normalization.Sigmoid)")]
    [InlineData("SparQ(Variant = SparQVariant.Released), Normalizer(Normalization.Relu)")]
    [InlineData("TopK(4), Normalizer(Normalization.SoftmaxOne)")]
    public void SelectionsByScoreTakeEveryNormaliser(string attributes) =>
        Assert.NotEmpty(GeneratorRun.Of($"[{Good}, {attributes}] partial class Local;").Sources);

    /// <summary>A person corrects one file in one go.</summary>
    [Fact]
    public void AllMistakesAreReportedTogether()
    {
        GeneratorRun run = GeneratorRun.OfWrong(
            "[Attention(HeadDim = 30, QueryHeads = 8, KeyValueHeads = 3), SlidingWindow(0), Sinks(0), SoftCap(-1)] class Local;");
        Assert.Equal(
            ["ATC0001", "ATC0005", "ATC0006", "ATC0007", "ATC0008", "ATC0010", "ATC0011"],
            run.Diagnostics.Select(diagnostic => diagnostic.Id).Order(StringComparer.Ordinal));
    }

    /// <summary>A mistake in one class is no reason to withhold the others.</summary>
    [Fact]
    public void OtherPipelinesAreStillGenerated()
    {
        GeneratorRun run = GeneratorRun.OfWrong($"[{Good}] class Wrong;", $"[{Good}] partial class Right;");
        Assert.Equal("ATC0001", Assert.Single(run.Diagnostics).Id);
        Assert.Contains("Right", Assert.Single(run.Sources).HintName);
    }

    public static TheoryData<string> Ids => [.. AllDescriptors.Select(descriptor => descriptor.Id)];

    [Theory, MemberData(nameof(Ids))]
    public void HasAPage(string id)
    {
        DiagnosticDescriptor descriptor = AllDescriptors.Single(descriptor => descriptor.Id == id);
        string page = Path.Combine(Repository.Root, "docs", "diagnostics", id + ".md");
        Assert.True(File.Exists(page), $"{page} is missing");
        string text = File.ReadAllText(page);
        Assert.StartsWith("# " + id, text);
        Assert.EndsWith($"/docs/diagnostics/{id}.md", descriptor.HelpLinkUri);
    }

    /// <summary>A page without a diagnostic helps nobody.</summary>
    [Fact]
    public void EveryPageHasADiagnostic() => Assert.Equal(
        AllDescriptors.Select(descriptor => descriptor.Id),
        Directory.GetFiles(Path.Combine(Repository.Root, "docs", "diagnostics"), "ATC*.md")
            .Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));

    static IEnumerable<DiagnosticDescriptor> AllDescriptors => typeof(Descriptors)
        .GetFields().Select(constant => constant.GetValue(null)).OfType<DiagnosticDescriptor>()
        .OrderBy(descriptor => descriptor.Id, StringComparer.Ordinal);

    static (string Source, string Marked) Unmark(string source)
    {
        int start = source.IndexOf("[|", StringComparison.Ordinal), end = source.IndexOf("|]", StringComparison.Ordinal);
        return (source.Remove(end, 2).Remove(start, 2), source[(start + 2)..end]);
    }

    static string TextAt(GeneratorRun run, Diagnostic diagnostic)
    {
        FileLinePositionSpan lines = diagnostic.Location.GetLineSpan();
        var text = run.Compilation.SyntaxTrees.Single(tree => tree.FilePath == lines.Path).GetText();
        Assert.Equal(diagnostic.Location.SourceSpan, text.Lines.GetTextSpan(lines.Span));
        return text.ToString(diagnostic.Location.SourceSpan);
    }
}
