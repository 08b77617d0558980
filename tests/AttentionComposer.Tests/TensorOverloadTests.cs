using System.Buffers;
using System.Numerics.Tensors;
using AttentionComposer.Tests.Kernels;

namespace AttentionComposer.Tests;

/// <summary>The overloads for tensors: the span forms behind a check of every dimension.</summary>
public sealed class TensorOverloadTests
{
    const int Tokens = 7, Prefix = 5;

    static readonly IAttention Attention = Variants.Named(nameof(Variants.AlibiOf40F32)); // 6/2 heads of 40
    static readonly AttentionShape Shape = Attention.Shape;
    static readonly Sequence Sequence = Sequence.Random(Shape, Prefix + Tokens, Tokens, seed: 3);

    static ReadOnlyTensorSpan<float> Queries => new(Sequence.Queries, [Tokens, Shape.QueryHeads, Shape.HeadDim]);

    static ReadOnlyTensorSpan<float> Keys => new(Sequence.Keys, [Prefix + Tokens, Shape.KeyValueHeads, Shape.HeadDim]);

    static ReadOnlyTensorSpan<float> Values => new(Sequence.Values, [Prefix + Tokens, Shape.KeyValueHeads, Shape.HeadDim]);

    [Fact]
    public void AStepIsTheSpansStep()
    {
        Result result = Unwritten();
        using KvCache cache = Attention.CreateCache(Prefix + Tokens);
        Attention.Append(cache, Rows(Keys, ..Prefix), Rows(Values, ..Prefix));
        Assert.Equal(Prefix, cache.Length);
        Attention.Attend(cache, Queries, Rows(Keys, Prefix..), Rows(Values, Prefix..), Heads(result.Output), LogSumExps(result.LogSumExp));
        Assert.Equal(Prefix + Tokens, cache.Length);
        result.CheckSame(Result.OfStep(Attention, Sequence), "a step");
    }

    [Fact]
    public void AQuestionIsTheSpansQuestion()
    {
        Result result = Unwritten();
        using KvCache cache = Attention.CreateCache(Prefix + Tokens);
        Attention.Append(cache, Keys, Values);
        Attention.Attend(cache, Queries, Heads(result.Output), LogSumExps(result.LogSumExp));
        result.CheckSame(Result.OfStored(Attention, Sequence), "a question");
    }

    [Fact]
    public void ABatchIsTheSpansBatch()
    {
        using KvCache one = Attention.CreateCache(Prefix + Tokens), two = Attention.CreateCache(Prefix);
        Attention.Append(one, Keys, Values);
        Attention.Append(two, Rows(Keys, ..Prefix), Rows(Values, ..Prefix));
        float[] expected = new float[2 * Shape.QueryWidth], actual = new float[2 * Shape.QueryWidth];
        Attention.AttendBatch([one, two], Sequence.QueriesAt(..2), expected);
        Attention.AttendBatch([one, two], Rows(Queries, ..2), Heads(actual));
        Assert.True(Result.SameBits(expected, actual));
    }

    /// <summary>Whole tensors convert to spans of tensors by themselves, and the log-sum-exp may be left out.</summary>
    [Fact]
    public void TakesTensorsAsTheyAre()
    {
        Tensor<float> queries = Tensor.Create(Sequence.Queries, [Tokens, Shape.QueryHeads, Shape.HeadDim]);
        Tensor<float> keys = Tensor.Create(Sequence.Keys, [Prefix + Tokens, Shape.KeyValueHeads, Shape.HeadDim]);
        Tensor<float> values = Tensor.Create(Sequence.Values, [Prefix + Tokens, Shape.KeyValueHeads, Shape.HeadDim]);
        Tensor<float> output = Tensor.CreateFromShape<float>([Tokens, Shape.QueryHeads, Shape.HeadDim]);
        using KvCache cache = Attention.CreateCache(Prefix + Tokens);
        Attention.Append(cache, keys, values);
        Attention.Attend(cache, queries, output);
        var scalars = new float[output.FlattenedLength];
        output.FlattenTo(scalars);
        Assert.True(Result.SameBits(Result.OfStored(Attention, Sequence).Output, scalars));
    }

    /// <summary>A slice of whole tokens is in one piece: the call writes it in place and nothing beside it.</summary>
    [Fact]
    public void WritesIntoASlice()
    {
        var large = new float[(Tokens + 4) * Shape.QueryWidth];
        using KvCache cache = Attention.CreateCache(Prefix + Tokens);
        Attention.Append(cache, Keys, Values);
        Attention.Attend(cache, Queries, Heads(large).Slice([new NRange(3, 3 + Tokens), NRange.All, NRange.All]));
        Assert.True(Result.SameBits(
            Result.OfStored(Attention, Sequence).Output, large.AsSpan(3 * Shape.QueryWidth, Tokens * Shape.QueryWidth)));
        Assert.All(large[..(3 * Shape.QueryWidth)], scalar => Assert.Equal(0, scalar));
        Assert.All(large[^Shape.QueryWidth..], scalar => Assert.Equal(0, scalar));
    }

    [Fact]
    public void NoTokensAreNoMistake()
    {
        using KvCache cache = Attention.CreateCache(4);
        Attention.Attend(
            cache, Rows(Queries, ..0), Rows(Keys, ..0), Rows(Values, ..0),
            new TensorSpan<float>(new float[1], [0, Shape.QueryHeads, Shape.HeadDim]), new TensorSpan<float>(new float[1], [0, Shape.QueryHeads]));
        Assert.Equal(0, cache.Length);
    }

    [Theory]
    [InlineData("queries", "7, 6, 80", "[tokens, 6, 40]")]
    [InlineData("queries", "7, 3, 80", "[tokens, 6, 40]")] // as many scalars, which is all that a span would see
    [InlineData("queries", "7, 240", "[tokens, 6, 40]")]
    [InlineData("queries", "1, 7, 6, 40", "[tokens, 6, 40]")]
    [InlineData("queries", "", "[tokens, 6, 40]")]
    [InlineData("keys", "7, 6, 40", "[7, 2, 40]")]
    [InlineData("keys", "6, 2, 40", "[7, 2, 40]")]
    [InlineData("values", "8, 2, 40", "[7, 2, 40]")]
    [InlineData("values", "7, 40, 2", "[7, 2, 40]")]
    [InlineData("output", "6, 6, 40", "[7, 6, 40]")]
    [InlineData("output", "7, 40, 6", "[7, 6, 40]")]
    [InlineData("output", "", "[7, 6, 40]")]
    [InlineData("logSumExp", "6, 7", "[7, 6]")]
    [InlineData("logSumExp", "42", "[7, 6]")]
    [InlineData("logSumExp", "7, 6, 1", "[7, 6]")]
    [InlineData("logSumExp", "0, 6", "[7, 6]")]
    public void RefusesOtherShapes(string name, string lengths, string expected)
    {
        nint[] wrong = [.. lengths.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(nint.Parse)];
        Refused(
            name, $"{name}: expected {expected}, got [{lengths}].",
            (argument, right) => argument != name ? new TensorSpan<float>(new float[Scalars(right)], right)
                : wrong.Length == 0 ? default
                : new TensorSpan<float>(new float[Scalars(wrong)], wrong));
    }

    /// <summary>One and the same shape over memory with gaps: half of wider heads, rows of more heads, one row for all, columns first.</summary>
    [Theory]
    [InlineData("queries", 480, 80, 1)]
    [InlineData("queries", 480, 40, 1)]
    [InlineData("queries", 240, 40, 0)]
    [InlineData("queries", 240, 1, 6)]
    [InlineData("keys", 160, 40, 1)]
    [InlineData("keys", 0, 40, 1)]
    [InlineData("values", 160, 80, 1)]
    [InlineData("values", 80, 40, 0)]
    [InlineData("output", 480, 40, 1)]
    [InlineData("output", 240, 1, 6)]
    [InlineData("logSumExp", 12, 1)]
    [InlineData("logSumExp", 1, 7)]
    public void RefusesGaps(string name, params int[] strides)
    {
        nint[] wrong = [.. strides.Select(stride => (nint)stride)];
        string text = string.Join(", ", strides);
        Refused(
            name, $"with strides [{text}]",
            (argument, right) => argument != name ? new TensorSpan<float>(new float[Scalars(right)], right)
                : new TensorSpan<float>(new float[10_000], right, wrong));
    }

    [Fact]
    public void RefusesSlicesOfHeadsAndPermutedTensors()
    {
        using KvCache cache = Attention.CreateCache(Prefix + Tokens);
        Tensor<float> wide = Tensor.CreateFromShape<float>([Tokens, Shape.KeyValueHeads + 1, Shape.HeadDim]);
        Assert.Throws<ArgumentException>(
            "keys", () => Attention.Append(cache, wide.AsReadOnlyTensorSpan()[[NRange.All, new NRange(1, 3), NRange.All]], Rows(Values, ..Tokens)));
        Tensor<float> headsFirst = Tensor.CreateFromShape<float>([Shape.KeyValueHeads, Tokens, Shape.HeadDim]);
        Assert.Throws<ArgumentException>("values", () => Attention.Append(cache, Rows(Keys, ..Tokens), headsFirst.PermuteDimensions([1, 0, 2])));
        Assert.Equal(0, cache.Length);
    }

    [Fact]
    public void RefusesOtherShapesOfAppendsAndBatches()
    {
        using KvCache cache = Attention.CreateCache(Prefix + Tokens);
        Assert.Throws<ArgumentException>("keys", () => Attention.Append(cache, Queries, Values));
        Assert.Throws<ArgumentException>("values", () => Attention.Append(cache, Keys, Rows(Values, 1..)));
        Assert.Equal(0, cache.Length);
        var output = new float[2 * Shape.QueryWidth];
        string message = Assert.Throws<ArgumentException>("queries", () => Attention.AttendBatch([cache], Rows(Queries, ..2), Heads(output))).Message;
        Assert.StartsWith("queries: expected [1, 6, 40], got [2, 6, 40].", message);
        Assert.Throws<ArgumentException>("output", () => Attention.AttendBatch([cache], Rows(Queries, ..1), Heads(output)));
        Assert.All(output, scalar => Assert.Equal(0, scalar));
    }

    /// <summary>What spans refuse, tensors refuse: the check of the cache is the span form's own.</summary>
    [Fact]
    public void RefusesNull()
    {
        Assert.Throws<ArgumentNullException>("attention", () => ((IAttention)null!).Append(null!, Keys, Values));
        Assert.Throws<ArgumentNullException>("cache", () => Attention.Append(null!, Keys, Values));
    }

    [Fact]
    public void AllocatesNothing()
    {
        using KvCache cache = Attention.CreateCache(Prefix + Tokens);
        KvCache[] caches = [cache];
        Result result = Unwritten();
        void Call()
        {
            cache.Clear();
            Attention.Append(cache, Rows(Keys, ..Prefix), Rows(Values, ..Prefix));
            Attention.Attend(cache, Queries, Rows(Keys, Prefix..), Rows(Values, Prefix..), Heads(result.Output), LogSumExps(result.LogSumExp));
            Attention.Attend(cache, Queries, Heads(result.Output));
            Attention.AttendBatch(caches, Rows(Queries, ..1), Heads(result.Output.AsSpan(0, Shape.QueryWidth)));
        }

        for (int i = 0; i < 5; i++)
            Call();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++)
            Call();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    delegate TensorSpan<float> Argument(string name, nint[] rightLengths);

    /// <summary>Both forms of Attend with one wrong argument: the message, and that nothing happened.</summary>
    static void Refused(string name, string part, Argument argument)
    {
        using KvCache cache = Attention.CreateCache(Tokens);
        var forms = new List<Action>
        {
            () => Attention.Attend(cache, Query(), Key("keys"), Key("values"), Output(), LogSumExp()),
        };
        if (name is not ("keys" or "values"))
            forms.Add(() => Attention.Attend(cache, Query(), Output(), LogSumExp()));

        foreach (Action form in forms)
        {
            string message = Assert.Throws<ArgumentException>(name, form).Message;
            Assert.StartsWith(name + ": expected [", message);
            Assert.Contains(part, message);
            Assert.Equal(0, cache.Length);
        }

        ReadOnlyTensorSpan<float> Query() => argument("queries", [Tokens, Shape.QueryHeads, Shape.HeadDim]);
        ReadOnlyTensorSpan<float> Key(string keysOrValues) => argument(keysOrValues, [Tokens, Shape.KeyValueHeads, Shape.HeadDim]);
        TensorSpan<float> Output() => argument("output", [Tokens, Shape.QueryHeads, Shape.HeadDim]);
        TensorSpan<float> LogSumExp() => argument("logSumExp", [Tokens, Shape.QueryHeads]);
    }

    static Result Unwritten() => Result.Unwritten(Shape, Tokens);

    static ReadOnlyTensorSpan<float> Rows(ReadOnlyTensorSpan<float> tensor, Range rows) => tensor.Slice([rows, NRange.All, NRange.All]);

    static TensorSpan<float> Heads(Span<float> output) => new(output, [output.Length / Shape.QueryWidth, Shape.QueryHeads, Shape.HeadDim]);

    static TensorSpan<float> LogSumExps(Span<float> output) => new(output, [output.Length / Shape.QueryHeads, Shape.QueryHeads]);

    static int Scalars(ReadOnlySpan<nint> lengths)
    {
        nint product = 1;
        foreach (nint length in lengths)
            product *= length;
        return (int)product;
    }
}
