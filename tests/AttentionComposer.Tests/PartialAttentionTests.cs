using FsCheck;
using FsCheck.Fluent;

namespace AttentionComposer.Tests;

public sealed class PartialAttentionTests
{
    const float Nothing = float.NegativeInfinity;

    [Fact]
    public void PartsWeighByTheirMass()
    {
        float[] output = new float[2], logSumExp = new float[1];
        PartialAttention.Merge([1, 2, 5, 6], [MathF.Log(1), MathF.Log(3)], output, logSumExp);
        Assert.Equal([4, 5], output);
        Assert.Equal(MathF.Log(4), logSumExp[0], 6);
    }

    [Fact]
    public void EmptyPartsAreNotRead()
    {
        float[] output = new float[2], logSumExp = new float[2];
        PartialAttention.Merge([float.NaN, 7, 3, float.PositiveInfinity], [Nothing, Nothing, -2, Nothing], output, logSumExp);
        Assert.Equal([3, 0], output);
        Assert.Equal([-2, Nothing], logSumExp);
    }

    [Fact]
    public void NoPartsGiveTheNeutralElement()
    {
        float[] output = [1, 2, 3, 4], logSumExp = [1, 2];
        PartialAttention.Merge([], [], output, logSumExp);
        Assert.Equal([0, 0, 0, 0], output);
        Assert.Equal([Nothing, Nothing], logSumExp);
        PartialAttention.Merge([], [], [], []);
    }

    [Theory]
    [InlineData(200, 100)]
    [InlineData(1e30f, -1e30f)]
    [InlineData(-3e38f, Nothing)]
    public void FarApartMassesNeitherOverflowNorVanish(float large, float small)
    {
        float[] output = new float[1], logSumExp = new float[1];
        PartialAttention.Merge([1, 2], [large, small], output, logSumExp);
        Assert.Equal((1, large), (output[0], logSumExp[0]));
        PartialAttention.Merge([2, 1], [small, large], output, logSumExp);
        Assert.Equal((1, large), (output[0], logSumExp[0]));
    }

    [Fact]
    public void ANaNStaysInItsRow()
    {
        float[] output = new float[4], logSumExp = new float[4];
        PartialAttention.Merge([1, 2, float.NaN, 4, 5, 6, 7, 8], [0, float.NaN, 0, 0, 0, 0, 0, float.PositiveInfinity], output, logSumExp);
        Assert.Equal([3, float.NaN, float.NaN, float.NaN], output);
        Assert.Equal([MathF.Log(2), float.NaN, MathF.Log(2), float.NaN], logSumExp, Tolerant);

        static bool Tolerant(float x, float y) => Tolerance.Float32.Accepts(x, y);
    }

    [Fact]
    public void LogSumExpMayBeLeftOut()
    {
        float[] with = new float[8], without = new float[8];
        float[] outputs = [.. Enumerable.Range(0, 24).Select(i => (float)i)], logSumExps = [1, 2, 3, 4, 5, 6];
        PartialAttention.Merge(outputs, logSumExps, with, new float[2]);
        PartialAttention.Merge(outputs, logSumExps, without);
        Assert.Equal(with, without);
    }

    /// <summary>Any pieces of the keys, merged in any order and grouping, give what the reference gives over all keys at once.</summary>
    [Fact]
    public void AnySplitMergesToTheWhole()
    {
        var shape = new AttentionShape(HeadDim: 24, QueryHeads: 3, KeyValueHeads: 1);
        var reference = new ReferenceAttention(shape);
        Gen<int[]> pieces = Gen.Sized(size => Gen.Choose(0, size / 4 + 1).ArrayOf()), groups = Gen.Choose(2, 6).ArrayOf();
        RepeatableCheck.ForAll(pieces.Zip(groups), 200, split =>
        {
            (int[] pieces, int[] groups) = split;
            Sequence whole = Sequence.Random(shape, pieces.Sum(), rows: 2, seed: pieces.Length);
            var parts = new List<Result>();
            int start = 0;
            foreach (int length in pieces)
            {
                Sequence piece = whole with
                {
                    Keys = whole.KeysAt(start..(start + length)).ToArray(),
                    Values = whole.ValuesAt(start..(start + length)).ToArray(),
                };
                parts.Insert(parts.Count / 2, Result.OfReference(reference, piece));
                start += length;
            }

            foreach (int group in groups.Where(group => group <= parts.Count))
            {
                Result merged = Merge(shape, whole.Rows, parts[..group]);
                parts.RemoveRange(0, group);
                parts.Add(merged);
            }

            Merge(shape, whole.Rows, parts).CheckAgainst(Result.OfReference(reference, whole), Tolerance.Float32, "the merged pieces");
        });
    }

    [Theory]
    [InlineData(7, 2, 4, 2, "outputs")] // not a multiple of the output
    [InlineData(8, 2, 0, 2, "outputs")] // parts of what
    [InlineData(8, 3, 4, 2, "logSumExps")] // two parts, three of them
    [InlineData(8, 6, 4, 2, "logSumExps")] // three rows in an output of four
    [InlineData(8, 0, 4, 2, "logSumExps")]
    [InlineData(0, 2, 4, 2, "logSumExps")]
    [InlineData(8, 4, 4, 1, "logSumExp")]
    [InlineData(8, 4, 4, 4, "logSumExp")]
    [InlineData(0, 0, 4, 3, "logSumExp")]
    [InlineData(0, 0, 0, 3, "logSumExp")]
    public void WrongLengthsAreRefused(int outputs, int logSumExps, int output, int logSumExp, string name)
    {
        float[] merged = new float[output], mergedLogSumExp = new float[logSumExp];
        Array.Fill(merged, 5);
        Array.Fill(mergedLogSumExp, 5);
        var error = Assert.Throws<ArgumentException>(
            () => PartialAttention.Merge(new float[outputs], new float[logSumExps], merged, mergedLogSumExp));
        Assert.Equal(name, error.ParamName);
        Assert.All(merged, scalar => Assert.Equal(5, scalar));
        Assert.All(mergedLogSumExp, scalar => Assert.Equal(5, scalar));
    }

    [Fact]
    public void OverlapsAreRefused()
    {
        float[] memory = new float[100];
        Assert.Equal("output", Assert.Throws<ArgumentException>(
            () => PartialAttention.Merge(memory.AsSpan(0, 8), new float[2], memory.AsSpan(7, 4), new float[1])).ParamName);
        Assert.Equal("logSumExp", Assert.Throws<ArgumentException>(
            () => PartialAttention.Merge(memory.AsSpan(0, 8), memory.AsSpan(20, 2), memory.AsSpan(30, 4), memory.AsSpan(21, 1))).ParamName);
        Assert.Equal("logSumExp", Assert.Throws<ArgumentException>(
            () => PartialAttention.Merge(memory.AsSpan(0, 8), memory.AsSpan(20, 2), memory.AsSpan(30, 4), memory.AsSpan(33, 1))).ParamName);
    }

    [Fact]
    public void NothingIsAllocated()
    {
        float[] outputs = new float[6 * 32], logSumExps = new float[6], output = new float[64], logSumExp = new float[2];
        PartialAttention.Merge(outputs, logSumExps, output, logSumExp);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            PartialAttention.Merge(outputs, logSumExps, output, logSumExp);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    static Result Merge(AttentionShape shape, int rows, List<Result> parts)
    {
        Result merged = Result.Unwritten(shape, rows);
        PartialAttention.Merge(
            parts.SelectMany(part => part.Output).ToArray(), parts.SelectMany(part => part.LogSumExp).ToArray(),
            merged.Output, merged.LogSumExp);
        return merged;
    }
}
