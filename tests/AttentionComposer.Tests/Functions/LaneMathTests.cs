using System.Runtime.Intrinsics;
using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Functions;

/// <summary>Vector forms of scalar operations, lane by lane against C#.</summary>
public sealed class LaneMathTests
{
    static readonly int[] s_integers = [0, 1, -1, 2, 3, -3, 7, 16, 100, -101, 65535, 1 << 20, int.MaxValue, int.MaxValue - 1, int.MinValue + 1, -7_654_321];

    [Fact]
    public void IntegersDivideAsInCSharp()
    {
        foreach (int shift in Enumerable.Range(0, s_integers.Length))
        {
            int[] divisors = [.. s_integers.Select((_, i) => s_integers[(i + shift) % 16]).Select(divisor => divisor == 0 ? 5 : divisor)];
            Vector512<int> x = Vector512.Create(s_integers), y = Vector512.Create(divisors);
            for (int i = 0; i < 16; i++)
            {
                Assert.Equal(s_integers[i] / divisors[i], LaneMath.Divide(x, y)[i]);
                Assert.Equal(s_integers[i] % divisors[i], LaneMath.Remainder(x, y)[i]);
                Assert.Equal(s_integers[i] / divisors[0], LaneMath.Divide(x, divisors[0])[i]);
                Assert.Equal(s_integers[i] % divisors[0], LaneMath.Remainder(x, divisors[0])[i]);
                Assert.Equal(s_integers[i % 8] / divisors[0], LaneMath.Divide(x.GetLower(), divisors[0])[i % 8]);
                Assert.Equal(s_integers[i % 4] % divisors[i % 4], LaneMath.Remainder(x.GetLower().GetLower(), y.GetLower().GetLower())[i % 4]);
                Assert.Equal(s_integers[i] << divisors[i], LaneMath.ShiftLeft(x, y)[i]);
                Assert.Equal(s_integers[i] >> divisors[i], LaneMath.ShiftRight(x, y)[i]);
                Assert.Equal(s_integers[i] >>> divisors[i], LaneMath.ShiftRightUnsigned(x, y)[i]);
            }
        }
    }

    [Fact]
    public void MultiplesAreThoseOfCSharp()
    {
        var random = new Random(2);
        foreach (int divisor in new[] { 1, 2, 3, 5, 6, 7, 12, 60, 64, 96, 1000, 65536, 3 << 20, (1 << 30) + 1, int.MaxValue - 1, int.MaxValue })
        {
            for (int trial = 0; trial < 1000; trial++)
            {
                int x = trial < 16 ? s_integers[trial] : trial == 16 ? int.MinValue : random.Next(int.MinValue, int.MaxValue) / divisor * divisor + random.Next(-1, 2);
                int expected = x % divisor == 0 ? -1 : 0;
                Assert.Equal(expected, LaneMath.IsMultiple(Vector512.Create(x), divisor)[9]);
                Assert.Equal(expected, LaneMath.IsMultiple(Vector256.Create(x), divisor)[6]);
                Assert.Equal(expected, LaneMath.IsMultiple(Vector128.Create(x), divisor)[3]);
            }
        }
    }

    [Fact]
    public void BitsAreCountedAsInCSharp()
    {
        Vector512<int> counts = LaneMath.PopCount(Vector512.Create(s_integers));
        for (int i = 0; i < 16; i++)
        {
            int expected = int.PopCount(s_integers[i]);
            Assert.Equal(expected, counts[i]);
            Assert.Equal(expected, LaneMath.PopCount(Vector256.Create(s_integers[i]))[i % 8]);
            Assert.Equal(expected, LaneMath.PopCount(Vector128.Create(s_integers[i]))[i % 4]);
            Assert.Equal(expected, LaneMath.PopCount(s_integers[i]));
        }
    }

    [Fact]
    public void EveryQuotientIsExact()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 100_000; trial++)
        {
            int divisor = random.Next(1, 1 << random.Next(1, 31)), x = random.Next(int.MinValue + 1, int.MaxValue);
            x = trial % 2 == 0 ? x / divisor * divisor - random.Next(2) : x; // at and beside exact quotients
            Assert.Equal(x / divisor, LaneMath.Divide(Vector128.Create(x), divisor)[0]);
            Assert.Equal(x / divisor, LaneMath.Divide(Vector256.Create(x), divisor)[5]);
            Assert.Equal(x / divisor, LaneMath.Divide(Vector512.Create(x), divisor)[13]);
            Assert.Equal(x / divisor, LaneMath.Divide(Vector256.Create(x), Vector256.Create(divisor))[5]);
        }
    }

    [Fact]
    public void PowersAreThoseOfMathF()
    {
        float[] bases = [0, 1, 2, -2, 0.5f, -0.5f, 3.7f, -3, float.PositiveInfinity, 1e10f, 1e-10f, 10, 100, 7, -1, 1.0001f];
        foreach (float exponent in new[] { 0, 1, 2, 3, -1, -2, 0.5f, 2.5f, -3, 7, 10 })
        {
            Vector512<float> powers = LaneMath.Pow(Vector512.Create(bases), Vector512.Create(exponent));
            for (int i = 0; i < 16; i++)
            {
                float expected = MathF.Pow(bases[i], exponent);
                Assert.True(
                    float.IsNaN(expected) ? float.IsNaN(powers[i]) : powers[i] == expected || Math.Abs(powers[i] - expected) <= 1e-6 * Math.Abs(expected),
                    $"{bases[i]} to the power of {exponent} is {expected}, not {powers[i]}");
            }
        }
    }
}
