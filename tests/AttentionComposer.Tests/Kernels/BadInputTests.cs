namespace AttentionComposer.Tests.Kernels;

/// <summary>
/// A refused call says which argument was wrong and what it should have been, and leaves cache, output and later results as
/// they were.
/// </summary>
public sealed class BadInputTests
{
    static readonly IAttention Attention = Variants.Named(nameof(Variants.AlibiOf40F32));
    static readonly AttentionShape Shape = Attention.Shape;
    static readonly Sequence Prefix = Sequence.Random(Shape, 20, 20, seed: 1);
    static readonly Sequence Token = Sequence.Random(Shape, 2, 2, seed: 2);

    [Fact]
    public void NullCaches()
    {
        var result = Result.Unwritten(Shape, 2);
        Refused<ArgumentNullException>("cache", () => Attention.Append(null!, Token.Keys, Token.Values));
        Refused<ArgumentNullException>("cache", () => Attention.Attend(null!, Token.Queries, result.Output));
        Refused<ArgumentNullException>("cache", () => Attention.Attend(null!, Token.Queries, Token.Keys, Token.Values, result.Output));
        Refused<ArgumentNullException>("caches", () => Attention.AttendBatch([null!, null!], Token.Queries, result.Output));
        Unwritten(result);
    }

    [Fact]
    public void ForeignCaches()
    {
        foreach (string name in Variants.Names.Where(name => name != nameof(Variants.AlibiOf40F32)))
        {
            IAttention other = Variants.Named(name);
            if (other.Shape == Shape && other.Plan.Format == KvFormat.Float32)
                continue;
            using KvCache foreign = other.CreateCache(4), own = Attention.CreateCache(4);
            var result = Result.Unwritten(Shape, 2);
            string message = Refused<ArgumentException>("cache", () => Attention.Append(foreign, Token.Keys, Token.Values));
            Assert.Contains(other.Shape.ToString(), message);
            Assert.Contains(Shape.ToString(), message);
            Refused<ArgumentException>("cache", () => Attention.Attend(foreign, Token.Queries, result.Output));
            Refused<ArgumentException>("cache", () => Attention.Attend(foreign, Token.Queries, Token.Keys, Token.Values, result.Output));
            Refused<ArgumentException>("caches", () => Attention.AttendBatch([own, foreign], Token.Queries, result.Output));
            Assert.Equal(0, foreign.Length);
            Unwritten(result);
        }
    }

    /// <summary>A window's cache drops what another pipeline of the same shape would still need.</summary>
    [Fact]
    public void CachesOfAnotherWindow()
    {
        IAttention narrow = new Narrow(), wide = new Wide(), dense = new Dense();
        Sequence token = Sequence.Random(narrow.Shape, 1, 1, 1);
        using KvCache narrowCache = narrow.CreateCache(4), wideCache = wide.CreateCache(4), denseCache = dense.CreateCache(4);
        Refused<ArgumentException>("cache", () => wide.Append(narrowCache, token.Keys, token.Values));
        Refused<ArgumentException>("cache", () => dense.Append(narrowCache, token.Keys, token.Values));
        Refused<ArgumentException>("cache", () => narrow.Append(wideCache, token.Keys, token.Values));
        Refused<ArgumentException>("cache", () => narrow.Append(denseCache, token.Keys, token.Values));
    }

    [Fact]
    public void DisposedCaches()
    {
        KvCache cache = Attention.CreateCache(8);
        Attention.Append(cache, Token.Keys, Token.Values);
        cache.Dispose();
        cache.Dispose();
        var result = Result.Unwritten(Shape, 2);
        Assert.Throws<ObjectDisposedException>(() => Attention.Append(cache, Token.Keys, Token.Values));
        Assert.Throws<ObjectDisposedException>(() => Attention.Attend(cache, Token.Queries, result.Output));
        Assert.Throws<ObjectDisposedException>(() => Attention.Attend(cache, Token.Queries, Token.Keys, Token.Values, result.Output));
        Assert.Throws<ObjectDisposedException>(() => Attention.AttendBatch([cache, cache], Token.Queries, result.Output));
        Assert.Throws<ObjectDisposedException>(() => cache.Truncate(0));
        Assert.Throws<ObjectDisposedException>(cache.Clear);
        Unwritten(result);
    }

    [Theory]
    [InlineData(1, 0, 0, 0, 0, "queries")]
    [InlineData(0, 1, 0, 0, 0, "keys")]
    [InlineData(0, -80, 0, 0, 0, "keys")]
    [InlineData(0, 80, 80, 0, 0, "keys")]
    [InlineData(0, 0, -1, 0, 0, "values")]
    [InlineData(0, 0, 80, 0, 0, "values")]
    [InlineData(0, 0, 0, 1, 0, "output")]
    [InlineData(0, 0, 0, -480, 0, "output")]
    [InlineData(0, 0, 0, 0, 1, "logSumExp")]
    [InlineData(0, 0, 0, 0, -6, "logSumExp")]
    public void WrongLengthsOfAStep(int queries, int keys, int values, int output, int logSumExp, string name)
    {
        var result = new Result(new float[2 * 240 + output], new float[2 * 6 + logSumExp]);
        Array.Fill(result.Output, -77777);
        Array.Fill(result.LogSumExp, -77777);
        Unchanged(cache => Refused<ArgumentException>(name, () => Attention.Attend(
            cache, new float[2 * 240 + queries], new float[2 * 80 + keys], new float[2 * 80 + values], result.Output, result.LogSumExp)));
        Unwritten(result);
    }

    [Theory]
    [InlineData(-1, 0, 0, "queries")]
    [InlineData(0, 1, 0, "output")]
    [InlineData(0, 240, 0, "output")]
    [InlineData(0, 0, 1, "logSumExp")]
    public void WrongLengthsOfAQuestion(int queries, int output, int logSumExp, string name)
    {
        var result = new Result(new float[240 + output], new float[6 + logSumExp]);
        Array.Fill(result.Output, -77777);
        Array.Fill(result.LogSumExp, -77777);
        Unchanged(cache => Refused<ArgumentException>(
            name, () => Attention.Attend(cache, new float[240 + queries], result.Output, result.LogSumExp)));
        Unwritten(result);
    }

    [Fact]
    public void WrongLengthsOfAppendsAndBatches()
    {
        float[] output = new float[480];
        Unchanged(cache => Refused<ArgumentException>("keys", () => Attention.Append(cache, new float[81], new float[81])));
        Unchanged(cache => Refused<ArgumentException>("values", () => Attention.Append(cache, new float[80], new float[160])));
        Unchanged(cache => Refused<ArgumentException>(
            "queries", () => Attention.AttendBatch([cache], new float[480], output.AsSpan(0, 240))));
        Unchanged(cache => Refused<ArgumentException>("output", () => Attention.AttendBatch([cache], new float[240], output)));
        Assert.All(output, scalar => Assert.Equal(0, scalar));
    }

    /// <summary>The message tells what was expected in the words of the documentation.</summary>
    [Fact]
    public void MessagesTellTheExpectedShape()
    {
        using KvCache cache = Attention.CreateCache(8);
        string message = Refused<ArgumentException>("queries", () => Attention.Attend(cache, new float[7], []));
        Assert.Contains("[tokens, QueryHeads, HeadDim]", message);
        message = Refused<ArgumentException>(
            "keys", () => Attention.Attend(cache, new float[240], new float[7], new float[80], new float[240]));
        Assert.Contains("[tokens, KeyValueHeads, HeadDim]", message);
        Assert.Contains("80", message);
        Assert.Contains("7", message);
    }

    [Fact]
    public void FullCaches()
    {
        using KvCache cache = Attention.CreateCache(21);
        Attention.Append(cache, Prefix.Keys, Prefix.Values);
        var result = Result.Unwritten(Shape, 2);
        var error = Assert.Throws<InvalidOperationException>(() => Attention.Append(cache, Token.Keys, Token.Values));
        Assert.Contains("20 of 21", error.Message);
        Assert.Throws<InvalidOperationException>(
            () => Attention.Attend(cache, Token.Queries, Token.Keys, Token.Values, result.Output, result.LogSumExp));
        Unwritten(result);
        CheckPrefix(cache);
        Attention.Append(cache, Token.KeysAt(..1), Token.ValuesAt(..1));
        Assert.Equal(21, cache.Length);

        using KvCache empty = Attention.CreateCache(0);
        Attention.Append(empty, [], []);
        Assert.Throws<InvalidOperationException>(() => Attention.Append(empty, Token.Keys, Token.Values));
        Assert.Throws<ArgumentOutOfRangeException>("capacity", () => Attention.CreateCache(-1));
    }

    /// <summary>A window's cache has a capacity too, although its memory does not grow with it.</summary>
    [Fact]
    public void FullRings()
    {
        IAttention attention = Variants.Named(nameof(Variants.WindowOfOneOf72F32));
        using KvCache cache = attention.CreateCache(3000);
        Sequence sequence = Sequence.Random(attention.Shape, 3001, 3001, 3);
        var result = Result.Unwritten(attention.Shape, 3001);
        Assert.Throws<InvalidOperationException>(() => attention.Attend(
            cache, sequence.Queries, sequence.Keys, sequence.Values, result.Output, result.LogSumExp));
        Assert.Equal(0, cache.Length);
        Unwritten(result);
        attention.Append(cache, sequence.KeysAt(..3000), sequence.ValuesAt(..3000));
        Assert.Throws<InvalidOperationException>(() => attention.Append(cache, sequence.KeysAt(..1), sequence.ValuesAt(..1)));
        Assert.Equal(3000, cache.Length);
    }

    /// <summary>A million positions of a narrow window are a matter of kilobytes, and so is their promise.</summary>
    [Fact]
    public void HugeCapacitiesOfRingsCostNothing()
    {
        using KvCache cache = Variants.Named(nameof(Variants.WindowOfOneOf72F32)).CreateCache(int.MaxValue);
        Assert.InRange(cache.SizeInBytes, 1, 1 << 20);
    }

    [Fact]
    public void BadTruncations() => Unchanged(cache =>
    {
        Assert.Throws<ArgumentOutOfRangeException>("length", () => cache.Truncate(-1));
        Assert.Throws<ArgumentOutOfRangeException>("length", () => cache.Truncate(21));
        Assert.Throws<ArgumentOutOfRangeException>("value", () => cache.ContextLength = 21);
        Assert.Throws<ArgumentOutOfRangeException>("value", () => cache.ContextLength = -1);
    });

    /// <summary>Rows whose keys a ring has dropped are refused, wherever they are, and the ring serves the rest as before.</summary>
    [Theory]
    [InlineData(nameof(Variants.EverythingOf32F32))]
    [InlineData(nameof(Variants.WindowOf80F32))]
    [InlineData(nameof(Variants.MoreSinksThanWindowOf64F32))]
    public void RowsWhoseKeysAreGone(string name)
    {
        IAttention attention = Variants.Named(name);
        AttentionPlan plan = attention.Plan;
        const int Positions = 4000;
        Sequence whole = Sequence.Random(plan.Shape, Positions, Positions + 10, 4);
        using KvCache cache = attention.CreateCache(Positions);
        attention.Append(cache, whole.Keys, whole.Values);
        int behindSinks = Positions - plan.Sinks;
        foreach (int rows in new[]
        {
            Positions + 10, Positions, Positions - 1, behindSinks, behindSinks - 1, behindSinks - 5, Positions / 2, plan.RingSize + 1,
        })
        {
            var result = Result.Unwritten(plan.Shape, rows);
            Assert.Throws<InvalidOperationException>(
                () => attention.Attend(cache, whole.QueriesAt(..rows), result.Output, result.LogSumExp));
            Unwritten(result);
        }

        foreach (int length in new[] { plan.Sinks + 1, plan.Sinks + 2, plan.Sinks + plan.Window, Positions / 2, Positions - plan.RingSize })
        {
            Assert.Throws<InvalidOperationException>(() => cache.Truncate(length));
            Assert.Equal(Positions, cache.Length);
        }

        Sequence last = whole with { Queries = whole.QueriesAt(..3).ToArray() };
        var answer = Result.Unwritten(plan.Shape, 3);
        attention.Attend(cache, last.Queries, answer.Output, answer.LogSumExp);
        answer.CheckAgainst(Result.OfReference(ReferenceAttention.Of(plan), last), Tolerance.Float32, name);
    }

    /// <summary>Threads write results while others read arguments, so they must not share memory.</summary>
    [Fact]
    public void OverlappingSpans()
    {
        float[] memory = new float[1000];
        Unchanged(cache => Refused<ArgumentException>("output", () => Attention.Attend(
            cache, memory.AsSpan(0, 240), memory.AsSpan(239, 240))));
        Unchanged(cache => Refused<ArgumentException>("logSumExp", () => Attention.Attend(
            cache, memory.AsSpan(0, 240), memory.AsSpan(240, 240), memory.AsSpan(479, 6))));
        Unchanged(cache => Refused<ArgumentException>("logSumExp", () => Attention.Attend(
            cache, memory.AsSpan(0, 240), memory.AsSpan(240, 240), memory.AsSpan(0, 6))));
        Unchanged(cache => Refused<ArgumentException>("output", () => Attention.Attend(
            cache, memory.AsSpan(0, 240), memory.AsSpan(300, 80), memory.AsSpan(900, 80), memory.AsSpan(310, 240))));
        Unchanged(cache => Refused<ArgumentException>("output", () => Attention.Attend(
            cache, memory.AsSpan(0, 240), memory.AsSpan(900, 80), memory.AsSpan(300, 80), memory.AsSpan(310, 240))));
        Unchanged(cache => Refused<ArgumentException>("output", () => Attention.AttendBatch(
            [cache], memory.AsSpan(0, 240), memory.AsSpan(100, 240))));
        Assert.All(memory, scalar => Assert.Equal(0, scalar));
    }

    [Fact]
    public void NoTokensAreNoRefusal() => Unchanged(cache =>
    {
        Attention.Append(cache, [], []);
        Attention.Attend(cache, [], []);
        Attention.Attend(cache, [], [], [], []);
    });

    [Fact]
    public void BadOptions()
    {
        int threads = AttentionOptions.MaxDegreeOfParallelism, bits = AttentionOptions.MaxVectorBits;
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionOptions.MaxDegreeOfParallelism = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => AttentionOptions.MaxVectorBits = 64);
        Assert.Equal((threads, bits), (AttentionOptions.MaxDegreeOfParallelism, AttentionOptions.MaxVectorBits));
    }

    /// <summary>Runs a refused call on a cache with a prefix, which must still be there and answer as before.</summary>
    static void Unchanged(Action<KvCache> refused)
    {
        using KvCache cache = Attention.CreateCache(30);
        Attention.Append(cache, Prefix.Keys, Prefix.Values);
        refused(cache);
        Assert.Equal(20, cache.Length);
        CheckPrefix(cache);
    }

    static void CheckPrefix(KvCache cache)
    {
        var result = Result.Unwritten(Shape, Prefix.Rows);
        Attention.Attend(cache, Prefix.Queries, result.Output, result.LogSumExp);
        result.CheckSame(Result.OfStored(Attention, Prefix), "after a refused call");
    }

    static string Refused<T>(string argument, Action call)
        where T : ArgumentException
    {
        T error = Assert.Throws<T>(call);
        Assert.Equal(argument, error.ParamName);
        return error.Message;
    }

    static void Unwritten(Result result)
    {
        Assert.All(result.Output, scalar => Assert.Equal(-77777, scalar));
        Assert.All(result.LogSumExp, scalar => Assert.Equal(-77777, scalar));
    }
}

[Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 1), Causal, SlidingWindow(8)]
sealed partial class Narrow;

[Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 1), Causal, SlidingWindow(9)]
sealed partial class Wide;

[Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 1), Causal]
sealed partial class Dense;
