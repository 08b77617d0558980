using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace AttentionComposer.Generators.Tests;

/// <summary>Score and mask functions: files as a person has read them, and when an edit is seen.</summary>
public sealed class FunctionTests
{
    const string Attention = "Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)";

    /// <summary>The example of the README: a captured array for heads, one for positions, and a tile test.</summary>
    [Fact]
    public void PackedDocuments() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 64, QueryHeads = 12, KeyValueHeads = 12)]
        sealed partial class PackedDocuments(int[] document, float[] slopes)
        {
            readonly int[] _document = document;
            readonly float[] _slopes = slopes;

            [Score] float Alibi(float score, int head, int query, int key) => score + _slopes[head] * (key - query);
            [Mask]  bool Visible(int query, int key) => key <= query && _document[query] == _document[key];
        }
        """).Text);

    /// <summary>A block body with branches, a table over distances, and a helper in another file.</summary>
    [Fact]
    public void BucketedBias() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(KvFormat.Float16)]
        sealed partial class BucketedBias(float[,] bias)
        {
            readonly float[,] _bias = bias; // [heads, buckets]

            [Score]
            float Biased(float score, int head, int query, int key)
            {
                int bucket = Buckets.Of(query - key);
                return score + _bias[head, bucket];
            }
        }
        """,
        """
        namespace Decoder;

        static class Buckets
        {
            public static int Of(int distance)
            {
                if (distance < 16)
                    return distance;
                return System.Math.Min(31, 16 + (int)(System.MathF.Log(distance / 16f) * 7.7f));
            }
        }
        """).Sources.Single().SourceText.ToString());

    /// <summary>Where nothing is tested, a row of a table in registers is looked into without asking for its length.</summary>
    [Fact]
    public void ShortRowsAreLookedIntoWithoutABranch()
    {
        string text = GeneratorRun.Of(
            $$"""
            [{{Attention}}] partial class Local
            {
                readonly int[,] _distance = new int[1, 1];
                readonly float[,] _bias = new float[8, 1];
                [Score] float Biased(float score, int head, int query, int key) => score + _bias[head, _distance[query, key]];
            }
            """).Text;
        Assert.Contains("bool longTables = captured.Bias.GetLength(1) > 2 * TSimd.Width;", text);
        Assert.Contains("bool checksTables = longTables || ScoresMayReadOutside(", text);
        Assert.Contains("= TableLoad.Lookup(biasAtHeadDistanceAtQueryKeyRow, biasAtHeadDistanceAtQueryKeyLow, biasAtHeadDistanceAtQueryKeyHigh, distanceAtQueryKey);", text);
        Assert.Contains("= TableLoad.Lookup(biasAtHeadDistanceAtQueryKeyLow, biasAtHeadDistanceAtQueryKeyHigh, distanceAtQueryKey);", text);
    }

    /// <summary>Linear comparisons become intervals, and nothing is tested over tiles.</summary>
    [Theory]
    [InlineData("key <= query", "[0, query]")]
    [InlineData("key <= query && query - key < 9", "[query - 8, query]")]
    [InlineData("System.Math.Abs(query - key) <= 5", "[query - 5, query + 5]")]
    [InlineData("key <= query || key < 48", "[0, max(query, 47)]")]
    [InlineData("key <= query && key < 48 || key < query - 9", "[0, min(query, max(47, query - 10))]")]
    [InlineData("(key >= 5 || key >= query) && key < 9", "[min(5, query), 8]")]
    [InlineData("key < 4 || key <= query && query - key < 9", "[0, 3] and [query - 8, query]")]
    [InlineData("!(key > query)", "[0, query]")]
    [InlineData("2 * query - key > 7", "[0, 2 query - 8]")]
    [InlineData("key == query", "[query, query]")]
    public void LinearMasksAreIntervals(string mask, string intervals)
    {
        string text = GeneratorRun.Of($"[{Attention}] partial class Local {{ [Mask] bool Visible(int query, int key) => {mask}; }}").Text;
        Assert.Contains(intervals, text);
        Assert.DoesNotContain("BlockView See(", text);
    }

    /// <summary>Numbers that the call captures bound intervals too, where they stand alone on their side.</summary>
    [Theory]
    [InlineData("key <= query || key < _a", "[0, max(query, _a - 1)]")]
    [InlineData("query - key < _a && key <= query", "[query - _a + 1, query]")]
    [InlineData("System.Math.Abs(query - key) <= _a", "[query - _a, query + _a]")]
    [InlineData("key >= _a * 2 - _b && key < System.Math.Min(_a, 9)", "[_a * 2 - _b, min(_a, 9) - 1]")]
    [InlineData("key < _lengths[batch]", "[0, _lengths[batch] - 1]")]
    [InlineData("key < _lengths.Length && key <= query", "[0, min(_lengths.Length - 1, query)]")]
    [InlineData("key <= query + _a", "tile test")]
    [InlineData("key < _lengths[query]", "tile test")]
    public void CapturedNumbersAreBounds(string mask, string proved)
    {
        string text = GeneratorRun.Of(
            $$"""
            [{{Attention}}] partial class Local
            {
                readonly int _a = 3, _b = 4;
                readonly int[] _lengths = [5];
                [Mask] bool Visible(int batch, int query, int key) => {{mask}};
            }
            """).Text;
        Assert.Contains(proved, text);
        Assert.Equal(proved == "tile test", text.Contains("BlockView See("));
    }

    /// <summary>What is not linear keeps the bounds of the rest, and is tested over tiles.</summary>
    [Theory]
    [InlineData("key <= query && (query - key) % 4 == 0", "[0, query]")]
    [InlineData("(key & 8) != 0 && key < 100", "[0, 99]")]
    [InlineData("key / 16 == query / 16", "tile test")]
    public void OtherMasksAreTestedOverTiles(string mask, string proved)
    {
        string text = GeneratorRun.Of($"[{Attention}] partial class Local {{ [Mask] bool Visible(int query, int key) => {mask}; }}").Text;
        Assert.Contains(proved, text);
        Assert.Contains("BlockView See(", text);
    }

    /// <summary>A helper's body lies in another file; an edit there is an edit of the pipeline.</summary>
    [Fact]
    public void AnEditOfAHelperInAnotherFileIsSeen()
    {
        const string Helper = "static class Helper { public static float Twice(float x) => x * 2; }";
        CSharpCompilation compilation = GeneratorRun.CompilationOf(
            $"[{Attention}] partial class Local {{ [Score] float Bias(float score) => Helper.Twice(score); }}", Helper);
        GeneratorDriver driver = GeneratorRun.DriverFor(new AttentionGenerator().AsSourceGenerator()).RunGenerators(compilation);
        Assert.Contains("* 2f", driver.GetRunResult().GeneratedTrees.Single().ToString());

        // A comment there is not: the model is the same.
        CSharpCompilation commented = compilation.ReplaceSyntaxTree(compilation.SyntaxTrees[1], GeneratorRun.Parse(Helper + " // doubles", "/user/File1.cs"));
        driver = driver.RunGenerators(commented);
        Assert.All(
            driver.GetRunResult().Results.Single().TrackedSteps["Plan"].SelectMany(step => step.Outputs),
            output => Assert.True(output.Reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged));

        CSharpCompilation edited = commented.ReplaceSyntaxTree(
            commented.SyntaxTrees[1], GeneratorRun.Parse(Helper.Replace("2", "3", StringComparison.Ordinal), "/user/File1.cs"));
        Assert.Contains("* 3f", driver.RunGenerators(edited).GetRunResult().GeneratedTrees.Single().ToString());
    }

    /// <summary>Functions of unusual form translate, and what is emitted for them compiles.</summary>
    [Theory]
    [InlineData("[Score] static float F(float score) { float x = score; for (int i = 0; i < 3; i++) { if (i == 1) continue; x += i; } return x; }")]
    [InlineData("[Score] static float F(float score, int key) { switch (key & 3) { case 0: return score; case 1 or 2: score *= 2; break; default: score += 1; break; } return score; }")]
    [InlineData("[Score] static float F(float score) { int i = 0; while (i < 4) { score *= 0.5f; i++; if (i == 3) break; } return score; }")]
    [InlineData("[Score] static float F(float score, int key) { return Inner(key) + score; static float Inner(int x) => x * 0.1f; }")]
    [InlineData("float Slope { get; } = 0.5f; [Score] float F(float score, int key) => score + Slope * key;")]
    [InlineData("float Slope => 0.5f; [Score] float F(float score, int key) => score + Slope * key;")]
    [InlineData("sealed class Settings { public int Size = 3; } readonly Settings _settings = new(); [Mask] bool F(int key) => key < _settings.Size;")]
    [InlineData("readonly int _size = 3; [Mask] bool F(int query, int key) => query / _size == key / _size;")]
    [InlineData("[Score] static float F(float score, int key) => score + System.MathF.Pow(key, 0.5f) - System.Math.Sign(score) + System.MathF.Round(score);")]
    [InlineData("[Mask] static bool F(int query, int key) => (key ^ query) < 7 | ~key < -3 & (key << 2 >> 1 >>> 1) != query;")]
    [InlineData("[Mask] static bool @event(int query, int key) => key < query; [Score] float @class(float score) => score * 2;")]
    [InlineData("[Mask] static bool F(int batch, int keyValueHead, int key) => batch + keyValueHead <= key;")]
    [InlineData("readonly bool[] _b = [true]; [Mask] bool F(int query, int key) => key >= 3 && (_b[key - 3] || !_b[query]) == (key < 9);")]
    [InlineData("[Score] static float F(float score, int key) => key is >= 0 and < 9 or 12 ? score : float.NegativeInfinity;")]
    [InlineData("[Score] static float key_(float score, int key) { int visible = key, @class = 2, row = 3; return score + visible * @class + row; }")]
    [InlineData("readonly float[] _t = [1]; [Score] float F(float score, int key) { float x = _t[0]; int i = System.Math.Clamp(key - 4, 0, 0); return score + x * _t[i] + _t.Length; }")]
    [InlineData("[Score] static float F(float score, int head, int key) => (head % 2, key % 3) switch { (0, var r) when r > 1 => score + r, (_, 0) => score * 2, _ => score + 1 };")]
    [InlineData("[Mask] static bool F(int query, int key) { (int r, int c) = (query / 8, query % 8); var (r2, _) = (key / 8, 3); return r == r2 && c > 1; }")]
    [InlineData("[Mask] static bool F(in int query, in int key) => Past(key: key, query: query); static bool Past(int query, in int key, int more = 3) => key <= query + more;")]
    [InlineData("[Score] static float F(float score, int key) => Pick(key > 3, score, 1f); static T Pick<T>(bool first, T x, T y) => first ? x : y;")]
    [InlineData("[Score] static float F(float score, int key) => Twice(score) + Twice(key); static T Twice<T>(T x) where T : System.Numerics.INumber<T> => T.Max(x + x, T.Zero) * T.One;")]
    [InlineData("[Mask] private static partial bool F(int query, int key); private static partial bool F(int query, int key) => key <= query;")]
    [InlineData("private static partial bool F(int query, int key); [Mask] private static partial bool F(int query, int key) => Ok(query, key); private static partial bool Ok(int q, int k); private static partial bool Ok(int a, int b) => b <= a;")]
    [InlineData("readonly struct Grid(int w) { public readonly int W = w; public int Row(int p) => p / 8 + W; } readonly Grid _g = new(8); [Mask] bool F(int query, int key) => _g.Row(query) == _g.Row(key);")]
    [InlineData("enum Kind : byte { Text, Image } readonly Kind[] _kinds = []; readonly Kind _only = Kind.Image; [Mask] bool F(int key) => _kinds[key] == _only || _kinds[^1] == Kind.Text;")]
    [InlineData("readonly byte[] _a = []; readonly System.ReadOnlyMemory<short> _b; readonly uint _c = 3; [Mask] bool F(int query, int key) => _a[key] > _b.Span[query] || (uint)key < _c;")]
    [InlineData("readonly uint[] _sets = []; [Mask] bool F(int query, int key) => System.Numerics.BitOperations.PopCount(_sets[query] & _sets[key]) > int.PopCount(query) - (int)uint.PopCount(7u);")]
    [InlineData("readonly int captured = 3; readonly float[] score = [1]; [Mask] bool F(int key) => key < captured; [Score] float S(float score) => score + this.score[0];")]
    [InlineData("[Mask] static bool F(int head) => head != 3; [Mask] static bool G() => true;")]
    [InlineData("[Mask] static bool F(int query, int key) => Cell(query) == Cell(key) && (query, 1) != (key, 1); static (int, int) Cell(int p) => (p / 64, p % 64 / 8);")]
    [InlineData("interface ISees { static abstract bool Sees(int query, int key); } class Past : ISees { public static bool Sees(int query, int key) => key <= query; } class Not<T> : ISees where T : ISees { public static bool Sees(int query, int key) => !T.Sees(query, key); } [Mask] static bool F(int query, int key) => Not<Not<Past>>.Sees(query, key);")]
    [InlineData("enum Mode { Causal, Full } readonly Mode _mode; [Mask] bool F(int query, int key) => _mode switch { Mode.Causal => key <= query, _ => true };")]
    public void UnusualFunctionsCompile(string members) =>
        Assert.NotEmpty(GeneratorRun.Of($"namespace User; [{Attention}] public sealed partial class Local {{ {members} }}").Sources);

    /// <summary>Parameters of a primary constructor need no fields.</summary>
    [Theory]
    [InlineData("class Local(int[] document)", "[Mask] bool M(int query, int key) => document[query] == document[key];")]
    [InlineData("record Local(int[] Document)", "[Mask] bool M(int query, int key) => Document[query] == Document[key];")]
    [InlineData("class Local((int Window, float[] Slopes) settings, System.ReadOnlyMemory<int> document)", "[Mask] bool M(int query, int key) => document.Span[query] == document.Span[key] && query - key < settings.Window && settings.Slopes[key] > 0;")]
    [InlineData("class Local(((int Left, int Right) Window, int Size) settings)", "[Mask] bool M(int query, int key) { var near = (Ends: (query - settings.Window.Left, query + 1), 3); return key >= near.Ends.Item1 && key <= near.Ends.Item2; }")]
    public void ConstructorParametersAreCaptured(string declaration, string member) =>
        Assert.NotEmpty(GeneratorRun.Of($"[{Attention}] public sealed partial {declaration} {{ {member} }}").Sources);

    /// <summary>Fifty pipelines in one project: the generator's share of a build.</summary>
    [Fact]
    public void FiftyPipelinesAreGeneratedInSeconds()
    {
        string[] sources =
        [
            .. Enumerable.Range(0, 50).Select(i =>
                $$"""
                [{{Attention}}, Causal] partial class Local{{i}}
                {
                    readonly int[] _document = [];
                    readonly float[] _slopes = [];
                    [Mask] bool Visible(int query, int key) => _document[query] == _document[key] && (query - key) % {{i + 2}} < 3;
                    [Score] float Bias(float score, int head, int query, int key) => score + _slopes[head] * System.MathF.Log(1 + query - key);
                }
                """),
        ];
        CSharpCompilation compilation = GeneratorRun.CompilationOf(sources);
        GeneratorDriver driver = GeneratorRun.DriverFor(new AttentionGenerator().AsSourceGenerator());
        var watch = System.Diagnostics.Stopwatch.StartNew();
        GeneratorDriverRunResult result = driver.RunGenerators(compilation).GetRunResult();
        watch.Stop();
        Assert.Equal(50, result.GeneratedTrees.Length);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"generating took {watch.Elapsed}"); // 1 to 2 s on an idle machine; others may be busy
    }
}
