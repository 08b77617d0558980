namespace AttentionComposer.Tests;

/// <summary>An output <c>[rows, QueryHeads, HeadDim]</c> and its log-sum-exps <c>[rows, QueryHeads]</c>.</summary>
public sealed record Result(float[] Output, float[] LogSumExp)
{
    /// <summary>
    /// Memory for a result, full of a number that no kernel gives: a scalar that a kernel forgets to write is found out.
    /// </summary>
    public static Result Unwritten(AttentionShape shape, int rows)
    {
        var result = new Result(new float[rows * shape.QueryWidth], new float[rows * shape.QueryHeads]);
        Array.Fill(result.Output, -77777);
        Array.Fill(result.LogSumExp, -77777);
        return result;
    }

    /// <summary>The float64 reference over the whole sequence.</summary>
    public static Result OfReference(ReferenceAttention reference, Sequence sequence)
    {
        Result result = Unwritten(sequence.Shape, sequence.Rows);
        reference.Attend(sequence.Queries, sequence.Keys, sequence.Values, result.Output, result.LogSumExp);
        return result;
    }

    /// <summary>Stores all keys and values, then attends with all queries.</summary>
    public static Result OfStored(IAttention attention, Sequence sequence)
    {
        using KvCache cache = attention.CreateCache(sequence.Positions);
        Result result = Unwritten(sequence.Shape, sequence.Rows);
        attention.Append(cache, sequence.Keys, sequence.Values);
        attention.Attend(cache, sequence.Queries, result.Output, result.LogSumExp);
        return result;
    }

    /// <summary>
    /// Stores the positions before the queries' and gives the rest together with the queries, as a decoder does.
    /// </summary>
    public static Result OfStep(IAttention attention, Sequence sequence)
    {
        using KvCache cache = attention.CreateCache(sequence.Positions);
        Result result = Unwritten(sequence.Shape, sequence.Rows);
        int start = sequence.Positions - sequence.Rows;
        attention.Append(cache, sequence.KeysAt(..start), sequence.ValuesAt(..start));
        attention.Attend(
            cache, sequence.Queries, sequence.KeysAt(start..), sequence.ValuesAt(start..), result.Output, result.LogSumExp);
        Assert.Equal(sequence.Positions, cache.Length);
        return result;
    }

    public void CheckAgainst(Result expected, Tolerance tolerance, string what)
    {
        tolerance.Check(Output, expected.Output, $"{what}, output");
        tolerance.Check(LogSumExp, expected.LogSumExp, $"{what}, log-sum-exp");
    }

    /// <summary>Bit for bit, NaN included.</summary>
    public void CheckSame(Result expected, string what)
    {
        Assert.True(SameBits(Output, expected.Output), $"{what}: outputs differ in their bits");
        Assert.True(SameBits(LogSumExp, expected.LogSumExp), $"{what}: log-sum-exps differ in their bits");
    }

    public static bool SameBits(ReadOnlySpan<float> x, ReadOnlySpan<float> y) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(x).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(y));
}
