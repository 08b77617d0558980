using AttentionComposer.Caches;

namespace AttentionComposer.Tests.Kernels;

/// <summary>What a cache of 8-bit rows gives back, scalar by scalar.</summary>
public sealed class Int8RowTests
{
    static readonly IAttention s_attention = Variants.Named(nameof(Variants.AlibiOf40I8)); // 2 heads of 40: a row of 5 vectors, and padding

    [Fact]
    public void MultiplesOfTheScaleAreExact()
    {
        foreach (int power in new[] { 0, -2, -100, 100 }) // 127 of any other scale is rounded
        {
            float[] row = [.. Enumerable.Range(0, 40).Select(i => MathF.ScaleB(i == 7 ? -127 : i * 6 - 113, power))];
            Assert.Equal(row, Stored(row));
        }
    }

    [Fact]
    public void TiesGoToTheEvenNeighbour()
    {
        var row = new float[40];
        (float Value, float Nearest)[] cases = [(127, 127), (0.5f, 0), (1.5f, 2), (2.5f, 2), (-0.5f, 0), (-1.5f, -2), (-2.5f, -2), (126.5f, 126), (-125.5f, -126), (0.50001f, 1), (-3.49999f, -3)];
        for (int i = 0; i < cases.Length; i++)
            row[i] = cases[i].Value;
        Assert.Equal(cases.Select(each => each.Nearest), Stored(row)[..cases.Length]);
    }

    /// <summary>No scalar is off by more than half a scale, whatever the row's magnitude.</summary>
    [Fact]
    public void AScalarIsWithinHalfAScale()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 1000; trial++)
        {
            double magnitude = Math.Pow(10, random.Next(-35, 38));
            float[] row = [.. Enumerable.Range(0, 40).Select(_ => (float)(magnitude * Math.Pow(2 * random.NextDouble() - 1, 3)))];
            double half = row.Max(Math.Abs) / 254.0;
            foreach ((float exact, float stored) in row.Zip(Stored(row)))
                Assert.True(Math.Abs((double)stored - exact) <= half * (1 + 1e-6) + 1e-6 * Math.Abs(exact), $"{stored} for {exact}, where half a scale is {half}");
        }
    }

    /// <summary>Below float32's normal numbers a scale is off by half a unit itself, and 127 of it by 63.5: no scalar by more than that and half a scale.</summary>
    [Theory]
    [InlineData(1e-45f)]
    [InlineData(2.7e-43f)] // 190 units, whose 127th is one and a half
    [InlineData(1e-40f)]
    [InlineData(1e-37f)]
    public void SubnormalRowsKeepTheirSize(float largest)
    {
        float[] row = [.. Enumerable.Range(0, 40).Select(i => largest * (i - 20) / 20)];
        foreach ((float exact, float stored) in row.Zip(Stored(row)))
            Assert.True(Math.Abs((double)stored - exact) <= largest / 254.0 * (1 + 1e-6) + 64.0 * float.Epsilon, $"{stored} for {exact}");
    }

    [Fact]
    public void AZeroRowIsZero() => Assert.All(Stored(new float[40]), scalar => Assert.Equal(0, scalar));

    /// <summary>A row with NaN or infinity is NaN throughout; the rows around it, its value and the other head are what they were.</summary>
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void AnUndefinedScalarTakesItsRowAndNoOther(float poison)
    {
        Sequence sequence = Sequence.Random(s_attention.Shape, 3, 0, seed: 1, KvFormat.Int8);
        float[] keys = [.. sequence.Keys];
        keys[1 * 80 + 40 + 7] = poison; // position 1, head 1
        using var cache = (RowCache)s_attention.CreateCache(3);
        s_attention.Append(cache, keys, sequence.Values);
        Assert.True(cache.HoldsNonFinite);
        var row = new float[40];
        for (int position = 0; position < 3; position++)
        {
            for (int head = 0; head < 2; head++)
            {
                cache.ReadKey(head, position, row);
                if ((position, head) == (1, 1))
                    Assert.All(row, scalar => Assert.Equal(float.NaN, scalar));
                else
                    Check(row, sequence.Keys);
                cache.ReadValue(head, position, row);
                Check(row, sequence.Values);

                void Check(float[] actual, float[] expected) =>
                    new Tolerance(0, 1e-6).Check(actual, expected.AsSpan(position * 80 + head * 40, 40), $"position {position}, head {head}");
            }
        }

        cache.Truncate(1);
        Assert.False(cache.HoldsNonFinite);
    }

    /// <summary>Near the largest float the scale's rounding may take a row beyond it: the cache knows, as it does of halves.</summary>
    [Fact]
    public void TheLargestFloatIsFiniteOrKnownNotToBe()
    {
        foreach (float largest in new[] { float.MaxValue, MathF.BitDecrement(float.MaxValue), 3.4e38f, 1e38f })
        {
            using var cache = (RowCache)s_attention.CreateCache(1);
            var row = new float[80];
            row[0] = largest;
            s_attention.Append(cache, row, row);
            var stored = new float[40];
            cache.ReadKey(0, 0, stored);
            Assert.Equal(!float.IsFinite(stored[0]), cache.HoldsNonFinite);
            if (float.IsFinite(stored[0]))
                Assert.Equal(largest, stored[0], largest * 1e-6f);
        }
    }

    // One head's key as the cache gives it back.
    static float[] Stored(float[] row)
    {
        using var cache = (RowCache)s_attention.CreateCache(1);
        s_attention.Append(cache, [.. new float[40], .. row], new float[80]);
        var stored = new float[40];
        cache.ReadKey(head: 1, position: 0, stored);
        return stored;
    }
}
