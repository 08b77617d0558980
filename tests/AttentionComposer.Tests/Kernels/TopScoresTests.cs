using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Kernels;

/// <summary>The choice of the best scores against a sort, over sizes that are not multiples of anything.</summary>
public sealed class TopScoresTests
{
    const int ChunkScores = 1024;

    [Theory]
    [InlineData(0, 100)]
    [InlineData(1, 1)]
    [InlineData(1, 5000)]
    [InlineData(7, 5)]
    [InlineData(96, 129)]
    [InlineData(96, 1023)]
    [InlineData(96, 16385)]
    [InlineData(500, 3000)]
    [InlineData(2, 70000)]
    public void TheBestAreThoseOfASort(int keep, int candidates)
    {
        var random = new Random(keep + candidates);
        Check(keep, [.. Enumerable.Range(0, candidates).Select(_ => random.NextSingle() - 0.5f)]);
    }

    [Theory]
    [InlineData(96, 5000, 3)]
    [InlineData(96, 5000, 40)]
    [InlineData(33, 777, 1)]
    public void OfEqualScoresTheHigherIndicesStay(int keep, int candidates, int values)
    {
        var random = new Random(values);
        Check(keep, [.. Enumerable.Range(0, candidates).Select(_ => (float)random.Next(values))]);
    }

    [Fact]
    public void AscendingScoresEnterOneByOne() => Check(100, [.. Enumerable.Range(0, 9000).Select(i => (float)i)]);

    [Fact]
    public void ScoresBelowTheLeastAreNeverKept()
    {
        float[] scores = [.. Enumerable.Range(0, 3000).Select(i => i % 50 == 0 ? i : float.NegativeInfinity)];
        Check(100, scores);
    }

    static void Check(int keep, float[] scores)
    {
        int[] expected = [.. Enumerable.Range(0, scores.Length).Where(i => scores[i] >= float.MinValue)
            .OrderByDescending(i => scores[i]).ThenByDescending(i => i).Take(keep).Order()];
        Assert.Equal(expected, Best(keep, scores, surveys: true));
        Assert.Equal(expected, Best(keep, scores, surveys: false));
    }

    static int[] Best(int keep, float[] scores, bool surveys)
    {
        var notes = new float[TopScores.Capacity(keep)];
        var indices = new int[TopScores.Capacity(keep)];
        TopScores best = surveys
            ? new TopScores(notes, indices, new float[TopScores.PeakCapacity(keep, scores.Length)], keep, scores.Length, float.MinValue)
            : new TopScores(notes, indices, keep, float.MinValue);
        for (int first = 0; first < scores.Length && surveys; first += ChunkScores)
            best.Survey(scores.AsSpan(first, Math.Min(ChunkScores, scores.Length - first)));
        for (int first = 0; first < scores.Length; first += ChunkScores)
            best.Offer(scores.AsSpan(first, Math.Min(ChunkScores, scores.Length - first)), first);
        return best.Best().ToArray();
    }
}
