using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests;

/// <summary>The reference is believed at sight; these are the cases that a glance may miss. The golden set covers the rest.</summary>
public sealed class ReferenceAttentionTests
{
    static readonly AttentionShape Shape = new(HeadDim: 2, QueryHeads: 2, KeyValueHeads: 1);

    [Fact]
    public void OneVisibleKeyGivesItsValue()
    {
        var reference = new ReferenceAttention(Shape) { Causal = true, Window = 1, Scale = 3 };
        double[] output = new double[4], logSumExp = new double[2];
        reference.Attend([1, 2, 3, 4], [9, 9, 10, 20], [7, 7, 5, 6], output, logSumExp);
        Assert.Equal([5, 6, 5, 6], output);
        Assert.Equal([3 * (1 * 10 + 2 * 20), 3 * (3 * 10 + 4 * 20)], logSumExp);
    }

    [Fact]
    public void StagesRunInTheirOrder()
    {
        // One key one position back: dot 10, scaled 5, capped 4·tanh(5/4), ALiBi -0.5, then the function.
        var reference = new ReferenceAttention(Shape with { QueryHeads = 1 })
        {
            Scale = 0.5, SoftCap = 4, AlibiSlopes = [0.5f],
            Mask = (_, _, key) => key == 0,
            Score = (score, head, query, key) => 100 * score + 10 * query + key + head,
        };
        double[] output = new double[2], logSumExp = new double[1];
        reference.Attend([3, 4], [2, 1, 0, 0], [1, 2, 3, 4], output, logSumExp);
        Assert.Equal(100 * (4 * Math.Tanh(1.25) - 0.5) + 10, logSumExp[0], 12);
        Assert.Equal([1, 2], output);
    }

    [Fact]
    public void RowsWithoutKeysAreNeutral()
    {
        var reference = new ReferenceAttention(Shape) { Causal = true };
        double[] output = new double[12], logSumExp = new double[6];
        reference.Attend(new float[12], [1, 2], [3, 4], output, logSumExp);
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 3, 4], output);
        Assert.Equal([double.NegativeInfinity, double.NegativeInfinity, double.NegativeInfinity, double.NegativeInfinity, 0, 0], logSumExp);

        reference.Attend(new float[12], [], [], output, logSumExp);
        Assert.All(output, scalar => Assert.Equal(0, scalar));
        Assert.All(logSumExp, scalar => Assert.Equal(double.NegativeInfinity, scalar));
    }

    /// <summary>Some rows of a call by their positions are the same as those rows of the whole call.</summary>
    [Fact]
    public void RowsCanBeAskedForByTheirPositions()
    {
        var reference = new ReferenceAttention(Shape) { Causal = true, Score = (score, head, query, key) => score + query - 2 * key };
        float[] queries = [1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6], keys = [0.5f, -1, 2, 0, 1, 1], values = [1, 2, 4, 8, 16, 32];
        double[] whole = new double[12], some = new double[8];
        reference.Attend(queries, keys, values, whole);
        (reference with { QueryPositions = [2, 0] }).Attend([.. queries[8..], .. queries[..4]], keys, values, some);
        Assert.Equal([.. whole[8..], .. whole[..4]], some);

        var error = Assert.Throws<ArgumentException>(() => (reference with { QueryPositions = [2] }).Attend(queries, keys, values, whole));
        Assert.Equal("queries", error.ParamName);
    }

    [Fact]
    public void HiddenKeysAreNotRead()
    {
        var reference = new ReferenceAttention(Shape) { Causal = true };
        double[] output = new double[8];
        reference.Attend(new float[8], [1, 2, float.NaN, float.NaN], [3, 4, float.PositiveInfinity, float.NaN], output);
        Assert.Equal([3, 4, 3, 4], output[..4]);
        Assert.All(output[4..], scalar => Assert.Equal(double.NaN, scalar));
    }

    [Theory]
    [InlineData(1, new float[] { 1f / 256 })]
    [InlineData(4, new[] { 1f / 4, 1f / 16, 1f / 64, 1f / 256 })]
    [InlineData(3, new[] { 1f / 16, 1f / 256, 1f / 4 })]
    [InlineData(6, new[] { 1f / 4, 1f / 16, 1f / 64, 1f / 256, 1f / 2, 1f / 8 })]
    public void AlibiSlopes(int heads, float[] expected) => Assert.Equal(expected, ReferenceAttention.AlibiSlopesFor(heads));

    [Fact]
    public void AlibiSlopesAreTheGoldenOnes()
    {
        foreach (GoldenCase golden in GoldenCase.Of("attention").Where(golden => golden.Flag("alibi")))
        {
            float[] slopes = golden.Expected("slopes").Data;
            golden.Tolerance("slopes").Check(ReferenceAttention.AlibiSlopesFor(slopes.Length), slopes, golden.Name);
        }
    }

    [Theory]
    [InlineData(3, 4, 4, 4, 2, "queries")]
    [InlineData(4, 3, 3, 4, 2, "keys")]
    [InlineData(4, 4, 2, 4, 2, "values")]
    [InlineData(4, 4, 4, 8, 2, "output")]
    [InlineData(4, 4, 4, 4, 1, "logSumExp")]
    public void WrongLengthsAreRefused(int queries, int keys, int values, int output, int logSumExp, string name)
    {
        var error = Assert.Throws<ArgumentException>(() => new ReferenceAttention(Shape).Attend(
            new float[queries], new float[keys], new float[values], new double[output], new double[logSumExp]));
        Assert.Equal(name, error.ParamName);
    }
}
