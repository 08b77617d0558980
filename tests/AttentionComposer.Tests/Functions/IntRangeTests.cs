using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Functions;

/// <summary>
/// What the tile test rests on: a range holds every result of an operator over the ranges of its operands, and a truth every outcome. A range that
/// is too small would drop visible keys.
/// </summary>
public sealed class IntRangeTests
{
    static readonly (string Name, Func<IntRange, IntRange, IntRange> OfRanges, Func<int, int, int> OfNumbers)[] s_operators =
    [
        ("+", (x, y) => x + y, (x, y) => x + y), ("-", (x, y) => x - y, (x, y) => x - y), ("*", (x, y) => x * y, (x, y) => x * y),
        ("/", (x, y) => x / y, (x, y) => y == 0 ? 0 : x / y), ("%", (x, y) => x % y, (x, y) => y == 0 ? 0 : x % y),
        ("&", (x, y) => x & y, (x, y) => x & y), ("|", (x, y) => x | y, (x, y) => x | y), ("^", (x, y) => x ^ y, (x, y) => x ^ y),
        ("<<", (x, y) => x << y, (x, y) => x << y), (">>", (x, y) => x >> y, (x, y) => x >> y), (">>>", (x, y) => x >>> y, (x, y) => x >>> y),
        ("min", IntRange.Least, Math.Min), ("max", IntRange.Most, Math.Max), ("abs", (x, _) => IntRange.Abs(x), (x, _) => Math.Abs(x)),
        ("negate", (x, _) => -x, (x, _) => -x), ("complement", (x, _) => ~x, (x, _) => ~x), ("popcount", (x, _) => IntRange.PopCount(x), (x, _) => int.PopCount(x)),
    ];

    static readonly (string Name, Func<IntRange, IntRange, Truth> OfRanges, Func<int, int, bool> OfNumbers)[] s_comparisons =
    [
        ("<", (x, y) => x < y, (x, y) => x < y), ("<=", (x, y) => x <= y, (x, y) => x <= y), (">", (x, y) => x > y, (x, y) => x > y),
        (">=", (x, y) => x >= y, (x, y) => x >= y), ("==", (x, y) => x == y, (x, y) => x == y), ("!=", (x, y) => x != y, (x, y) => x != y),
        ("and", (x, y) => (x < 3) & (y < 5), (x, y) => x < 3 && y < 5), ("or", (x, y) => (x < 3) | (y < 5), (x, y) => x < 3 || y < 5),
        ("xor", (x, y) => (x < 3) ^ (y < 5), (x, y) => x < 3 ^ y < 5), ("not", (x, y) => !(x < 3), (x, y) => !(x < 3)),
        ("select", (x, y) => Truth.Select(x < 3, y < 5, y == 7), (x, y) => x < 3 ? y < 5 : y == 7),
    ];

    [Fact]
    public void HoldEveryResult()
    {
        var random = new Random(20);
        for (int trial = 0; trial < 20_000; trial++)
        {
            (IntRange x, IntRange y) = (Range(random), Range(random));
            foreach (var (name, ofRanges, ofNumbers) in s_operators)
            {
                IntRange result = ofRanges(x, y);
                for (int i = 0; i < 12; i++)
                {
                    (int a, int b) = (Pick(random, x), Pick(random, y));
                    if (name is "/" or "%" && b == 0)
                        continue;
                    int number = ofNumbers(a, b);
                    Assert.True(result.Min <= number && number <= result.Max, $"{a} {name} {b} = {number} is outside of [{result.Min}, {result.Max}]");
                }
            }

            foreach (var (name, ofRanges, ofNumbers) in s_comparisons)
            {
                BlockView view = ofRanges(x, y).View;
                for (int i = 0; i < 12; i++)
                {
                    (int a, int b) = (Pick(random, x), Pick(random, y));
                    Assert.True(view == BlockView.Partial || ofNumbers(a, b) == (view == BlockView.Full), $"{a} {name} {b} is not {view}");
                }
            }
        }
    }

    [Fact]
    public void HoldEveryElement()
    {
        int[] table = [.. Enumerable.Range(0, 60).Select(i => i * 37 % 17)];
        bool[] flags = [.. table.Select(element => element > 9)];
        var random = new Random(3);
        for (int trial = 0; trial < 2000; trial++)
        {
            int low = random.Next(-2, 62), high = low + random.Next(0, 9);
            IntRange elements = IntRange.Of(table, new IntRange(low, high));
            Truth truths = Truth.Of(flags, new IntRange(low, high));
            for (int i = Math.Max(0, low); i <= Math.Min(59, high); i++)
            {
                Assert.True(elements.Min <= table[i] && table[i] <= elements.Max);
                Assert.True(truths.View == BlockView.Partial || flags[i] == (truths.View == BlockView.Full));
            }

            if (low < 0 || high > 59)
                Assert.Equal(BlockView.Partial, truths.View);
            IntRange row = new(random.Next(0, 5), 5), column = new(random.Next(0, 9), 9);
            IntRange square = IntRange.Of(table, row, 10, column);
            for (int i = row.Min; i <= 5; i++)
                for (int j = column.Min; j <= 9; j++)
                    Assert.True(square.Min <= table[i * 10 + j] && table[i * 10 + j] <= square.Max);
        }
    }

    /// <summary>What the planner's claims about modulo and bit patterns need: tiles are told apart.</summary>
    [Fact]
    public void TellTilesApart()
    {
        Assert.Equal(BlockView.Full, (new IntRange(128, 191) / 64 == new IntRange(130, 140) / 64).View);
        Assert.Equal(BlockView.Hidden, (new IntRange(128, 191) / 64 == new IntRange(192, 200) / 64).View);
        Assert.Equal(BlockView.Hidden, (new IntRange(66, 70) % 64 > 10).View);
        Assert.Equal(BlockView.Hidden, ((new IntRange(64, 127) & 128) != 0).View);
        Assert.Equal(BlockView.Full, ((new IntRange(64, 127) >> 6) == 1).View);
    }

    // Small numbers, whole words, and both ends of the integers.
    static IntRange Range(Random random)
    {
        int low = random.Next(4) switch
        {
            0 => random.Next(-5, 40),
            1 => random.Next(0, 5000),
            2 => int.MaxValue - random.Next(100),
            _ => random.Next(-100_000, 100_000),
        };
        int width = random.Next(3) == 0 ? 0 : random.Next(100);
        return new IntRange(low, (int)Math.Min(int.MaxValue, (long)low + width));
    }

    static int Pick(Random random, IntRange range) => random.Next(4) switch
    {
        0 => range.Min,
        1 => range.Max,
        _ => (int)random.NextInt64(range.Min, (long)range.Max + 1),
    };
}
