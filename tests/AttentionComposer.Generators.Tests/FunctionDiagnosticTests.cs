namespace AttentionComposer.Generators.Tests;

/// <summary>Every function that cannot be translated: its diagnostic at the user's own expression, between [| and |].</summary>
public sealed class FunctionDiagnosticTests
{
    public static TheoryData<string, string, string> Wrong => new()
    {
        { "ATC0101", Score("=> key > 2 ? score : [|throw new System.Exception()|];"), "'throw'" },
        { "ATC0101", Score("{ try { return score; } finally { } }", "[|try { return score; } finally { }|]"), "'try'" },
        { "ATC0101", Score("{ [|foreach (int x in _ints) score += x;|] return score; }"), "foreach" },
        { "ATC0101", Score("=> key is >= 0 and [|int distance|] ? score + distance : 1f;"), "pattern" },
        { "ATC0101", Score("=> [|_ints == null|] ? score : score + _ints[key];"), "test its Length" },
        { "ATC0101", Score("=> _ints is [|null|] ? score : score + _ints[key];"), "test its Length" },
        { "ATC0101", Score("=> score + checked([|key * 2|]);"), "leave out 'checked'" },
        { "ATC0101", Score("{ System.Func<float, float> f = [|x => x|]; return score; }"), "as a delegate" },
        { "ATC0101", Score("=> Apply([|Twice|], score); float Twice(float x) => 2 * x; float Apply(System.Func<float, float> f, float x) => f(x);"), "by its name" },
        { "ATC0101", Score("=> [|(key, head).ToString().Length|];"), "'Bias'" },
        { "ATC0101", Score("=> score + Hidden.Peek(); static class Hidden { static readonly int s_private = 1; public static int Peek() => [|s_private|]; }"), "internal" },
        { "ATC0102", Score("=> (float)(score * [|0.5|]);"), "0.5f" },
        { "ATC0102", Score("{ var half = [|0.5|]; return (float)(score * half); }"), "0.5f" },
        { "ATC0102", Score("=> score + (float)[|System.Math.Sqrt(key)|];"), "MathF.Sqrt" },
        { "ATC0102", Score("=> (float)[|System.Math.Pow(score, 2)|];"), "MathF.Pow" },
        { "ATC0103", Score("=> score + [|_longs|][key];"), "make it int[]" },
        { "ATC0103", Score("=> score + (float)[|(long)key|];"), "make it int" },
        { "ATC0103", Score("=> score + ([|(uint)key + head|] > 3 ? 1 : 0);"), "convert one of them" },
        { "ATC0103", Score("=> score + [|(uint)key / 3|];"), "shift it right" },
        { "ATC0103", Score("=> score + ([|(uint)score|] > 3u ? 1 : 0);"), "to an int" },
        { "ATC0103", Score("=> score + ([|System.Math.Max((uint)key, 3u)|] > 3u ? 1 : 0);"), "takes ints" },
        { "ATC0103", Score("=> score + [|_text|][0];"), "string" },
        { "ATC0103", Score("=> score + (float)[|_doubles|][key];"), "make it float[]" },
        { "ATC0103", Score("=> score + [|_rows|][head][key];"), "two dimensions" },
        { "ATC0103", Score("=> score + [|_list|][key];"), "make it an array" },
        { "ATC0103", Score("=> score + [|_bytes|][query, key];"), "make it int[,]" },
        { "ATC0103", Score("=> score + ([|_optional|] is 3 ? 1 : 0);"), "where there is none" },
        { "ATC0103", Score("=> score + [|(float)_halves[key]|];"), "'Half'" },
        { "ATC0104", Score("{ for (int i = 0; [|i < head|]; i++) score += 1f; return score; }"), "constant" },
        { "ATC0104", Score("{ while ([|score > 0|]) score -= 1f; return score; }"), "constant" },
        { "ATC0104", Score("{ for (int i = 0; [|i < 100000|]; i++) score += 1f; return score; }"), "4096" },
        { "ATC0105", Score("=> Again(score); static float Again(float x) => x > 1 ? [|Again(x - 1)|] : x;"), "'Again'" },
        { "ATC0105", Score("=> One(score); float One(float x) => Two(x); float Two(float x) => [|One(x)|];"), "'One'" },
        { "ATC0106", Score("{ [|_count|]++; return score; }"), "'_count'" },
        { "ATC0106", Score("{ [|_ints[0]|] = 1; return score; }"), "'_ints[0]'" },
        { "ATC0106", Score("{ [|Other.Add(1)|]; return score; }"), "'Other.Add(1)'" },
        { "ATC0106", Score("=> [|score = 3|];"), "'score = 3'" },
        { "ATC0107", Mask("=> query != 0 && [|key % query|] == 0;"), "Math.Max(1, query)" },
        { "ATC0107", Mask("=> [|key / _ints[0]|] == 0;"), "_ints[0]" },
        { "ATC0108", $"[{Attention}, Causal] partial class Local {{ [Mask] bool [|Visible|](int query, int key) => key > query; }}", "'Visible'" },
        { "ATC0108", Mask("=> false;", "[|Visible|]"), "'Visible'" },
        { "ATC0108", Mask("=> key < -1;", "[|Visible|]"), "'Visible'" },
        { "ATC0109", Score("=> score + [|System.MathF.Cbrt(key)|];"), "MathF.Cbrt" },
        { "ATC0109", Score("=> score + [|new System.Random(3).NextSingle()|];"), "Random.NextSingle" },
        { "ATC0109", Score("=> [|Virtual(score)|]; protected virtual float Virtual(float x) => x;"), "virtual" },
        { "ATC0109", Score("=> [|_curve(score)|];"), "when it runs" },
        { "ATC0109", Score("=> [|Make().Twice(score)|]; Other Make() => new();"), "no field" },
        { "ATC0109", Score("{ float x = score; [|Change(ref x)|]; return x; } static float Change(ref float x) => x = 1;").Replace("[|Change(ref x)|];", "x = [|Change(ref x)|];"), "changes its arguments" },
        { "ATC0110", Score("=> score + [|s_mutable|];"), "'s_mutable'" },
        { "ATC0110", Score("=> score + [|Other.Mutable|];"), "'Mutable'" },
        { "ATC0111", $"[{Attention}] partial class Local {{ [Score] float Bias(float score, int [|position|]) => score; }}", "position" },
        { "ATC0111", $"[{Attention}] partial class Local {{ [Score] float Bias(float score, float [|key|]) => score; }}", "an int" },
        { "ATC0111", $"[{Attention}] partial class Local {{ [Mask] bool Visible(float [|score|]) => true; }}", "score" },
        { "ATC0111", $"[{Attention}] partial class Local {{ [Mask, Score] bool [|Visible|](int key) => true; }}", "[Score] and [Mask]" },
        { "ATC0111", $"[{Attention}] partial class Local {{ [Mask] bool Visible(ref int [|key|]) => true; }}", "by value" },
        { "ATC0111", $"[{Attention}] partial class Local {{ [Mask] int [|Visible|](int key) => key; }}", "bool" },
        { "ATC0111", $"[{Attention}] partial class Local {{ [Score] double [|Bias|](float score) => score; }}", "float" },
        { "ATC0111", $"[{Attention}] partial class Local {{ [Score] float [|Bias|]<T>(float score) => score; }}", "generic" },
        { "ATC0111", $"[{Attention}] abstract partial class Local {{ [Score] public abstract float [|Bias|](float score); }}", "abstract" },
        { "ATC0112", Score("=> score + [|new[] { 1f, 2f }|][0];"), "new[]" },
        { "ATC0112", Score("=> score + [|new float[2]|].Length;"), "new float[2]" },
        { "ATC0113", $"[{Attention}] partial class Local {{ [SinkLogits] readonly float [|_sink|] = 1; public float Sink => _sink; }}", "float[]" },
        { "ATC0113", $"[{Attention}, Normalizer(Normalization.Relu)] partial class Local {{ [SinkLogits] readonly float[] [|_sinks|] = []; }}", "Relu" },
        { "ATC0113", $"[{Attention}] partial class Local {{ [SinkLogits] static float[] [|s_sinks|] = []; }}", "static" },
        { "ATC0114", $"[{Attention}] partial class Local {{ [Score] float A(float score) => score; [Score] float [|B|](float score) => score; }}", "Order = 0" },
    };

    const string Attention = "Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)";

    [Theory, MemberData(nameof(Wrong))]
    public void IsReportedWhereItIsWritten(string id, string markedSource, string part) => DiagnosticTests.AssertReported(id, markedSource, part);

    /// <summary>What is wrong with a helper is reported in the helper's file.</summary>
    [Fact]
    public void AHelperInAnotherFileIsReportedThere()
    {
        GeneratorRun run = GeneratorRun.OfWrong(
            $"[{Attention}] partial class Local {{ [Score] float Bias(float score) => Helper.Twice(score); }}",
            "static class Helper { public static float Twice(float x) => (float)(x * 2.0); }");
        var diagnostic = Assert.Single(run.Diagnostics);
        Assert.Equal("ATC0102", diagnostic.Id);
        Assert.Equal("/user/File1.cs", diagnostic.Location.GetLineSpan().Path);
    }

    public static TheoryData<string> HalfTyped =>
    [
        Score("=>"), Score("=> score +;"), Score("{"), Score("{ return }"), Score("=> Missing(score);"), Score("=> score + missing[key];"),
        Score("=> _ints[;"), Score("{ for (;;) return score; }"), Score("{ for (;;) { } }"), Score("{ switch (key) { } }"), Score("=> key switch { };"),
        Score("{ int x; return x; }"), Score("=> this;"), Score("=> base.Foo;"), Score("=> default;"), Score("=> (float)default;"), Score("{ return; }"),
        Score("{ goto end; end: return score; }"), Score("=> score.Foo();"), Score("=> _ints.Length;"), Score("=> nameof(score).Length;"),
        $"[{Attention}] partial class Local {{ [Score] float",
        $"[{Attention}] partial class Local {{ [Score] [Mask] bool Both(int key) => key > 1; }}",
        $"[{Attention}] partial class Local {{ [Score(Order = \"x\")] float A(float score) => score; }}",
        $"[{Attention}, Normalizer((Normalization)9)] partial class Local;",
    ];

    /// <summary>The generator runs at every key stroke: whatever stands there, it does not throw.</summary>
    [Theory, MemberData(nameof(HalfTyped))]
    public void HalfTypedFunctionsDoNotThrow(string source) => GeneratorRun.OfWrong(source.Replace("[|", "").Replace("|]", ""));

    static string Score(string body, string? mark = null) => Class($"[Score] float Bias(float score, int head, int query, int key) {body}", mark);

    static string Mask(string body, string? mark = null) => Class($"[Mask] bool Visible(int query, int key) {body}", mark);

    static string Class(string member, string? mark) =>
        $$"""
        [{{Attention}}] partial class Local
        {
            readonly int[] _ints = [1]; readonly long[] _longs = [1]; readonly string _text = ""; int _count; static float s_mutable;
            readonly double[] _doubles = [1]; readonly float[][] _rows = []; readonly System.Collections.Generic.List<int> _list = []; readonly byte[,] _bytes = new byte[1, 1];
            readonly int? _optional = 3; readonly System.Half[] _halves = [];
            readonly System.Func<float, float> _curve = x => x;
            {{(mark is null ? member : member.Replace(mark.Replace("[|", "").Replace("|]", ""), mark, System.StringComparison.Ordinal))}}
        }

        class Other { public static int Mutable; public static int Add(int x) => x; public float Twice(float x) => 2 * x; }
        """;
}
