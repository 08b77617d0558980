using TextDecoder.Decoder;
using TextDecoder.Tests.Support;
using TextDecoder.Weights;

namespace TextDecoder.Tests;

public class MatrixProductTests
{
    public static TheoryData<int, int> Cases()
    {
        var cases = new TheoryData<int, int>();
        foreach (int bits in (int[])[512, 256, 128])
            foreach (var format in Enum.GetValues<TensorFormat>())
                cases.Add(bits, (int)format);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Products_are_those_of_the_double_loop(int bits, int formatNumber)
    {
        var format = (TensorFormat)formatNumber;
        var random = new Random(30);
        var product = new MatrixProduct(bits);
        foreach (var (rows, columns) in ((int, int)[])[(1, 1), (3, 7), (33, 31), (37, 65), (64, 96), (5, 1056), (40, 2080), (130, 100), (600, 512)])
        {
            int width = format == TensorFormat.Q8_0 ? (columns + 31) / 32 * 32 : columns;
            var stored = StoredNumbers.Encode([.. Enumerable.Range(0, rows * width).Select(_ => random.NextSingle() - 0.5f)], format);
            var numbers = StoredNumbers.Decode(stored, format);
            var weights = WeightMatrix.Read(new StoredTensor("w", [rows, width], format, new MemoryStream(stored), 0));
            foreach (int tokens in (int[])[1, 2, 6, 13])
            {
                var input = Draw(random, tokens, width);
                var output = new TokenRows(tokens, rows);
                product.Multiply(input, tokens, new Product(weights, output));
                for (int t = 0; t < tokens; t++)
                    for (int r = 0; r < rows; r++)
                    {
                        double sum = 0, size = 0;
                        for (int c = 0; c < width; c++)
                        {
                            double term = (double)numbers[(r * width) + c] * input[t][c];
                            sum += term;
                            size += Math.Abs(term);
                        }

                        Assert.InRange(output[t][r], sum - (1e-6 * size) - 1e-10, sum + (1e-6 * size) + 1e-10);
                    }
            }
        }
    }

    [Fact]
    public void Products_that_share_their_input_are_those_of_each_alone()
    {
        var random = new Random(31);
        var product = new MatrixProduct(512);
        const int columns = 128, tokens = 40;
        var input = Draw(random, tokens, columns);
        int[] rows = [200, 33, 1];
        var weights = rows.Select(count => Random(random, count, columns)).ToArray();
        var together = rows.Select(count => new TokenRows(tokens, count)).ToArray();
        product.Multiply(input, tokens, new(weights[0], together[0]), new(weights[1], together[1]), new(weights[2], together[2]));
        for (int i = 0; i < rows.Length; i++)
        {
            var alone = new TokenRows(tokens, rows[i]);
            product.Multiply(input, tokens, new Product(weights[i], alone));
            Assert.Equal(alone.First(tokens), together[i].First(tokens));
        }
    }

    [Fact]
    public void Every_float16_widens_to_itself()
    {
        var halves = Enumerable.Range(0, 1 << 16).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits)).Where(Half.IsFinite).ToArray();
        var stored = StoredNumbers.Encode([.. halves.Select(h => (float)h)], TensorFormat.Float16);
        var weights = WeightMatrix.Read(new StoredTensor("w", [halves.Length / 64, 64], TensorFormat.Float16, new MemoryStream(stored), 0));
        foreach (int bits in (int[])[512, 256, 128])
        {
            // Products with the identity matrix are the numbers themselves.
            var product = new MatrixProduct(bits);
            var identity = new TokenRows(64, 64);
            for (int t = 0; t < 64; t++)
                identity[t][t] = 1;
            var output = new TokenRows(64, weights.Rows);
            product.Multiply(identity, 64, new Product(weights, output));
            AssertSame(64);

            output.First(64).Clear();
            product.Multiply(identity, 1, new Product(weights, output));
            AssertSame(1);

            void AssertSame(int tokens)
            {
                for (int t = 0; t < tokens; t++)
                    for (int r = 0; r < weights.Rows; r++)
                        Assert.Equal((float)halves[(r * 64) + t], output[t][r]);
            }
        }
    }

    static TokenRows Draw(Random random, int tokens, int width)
    {
        var rows = new TokenRows(tokens, width);
        foreach (ref float x in rows.First(tokens))
            x = random.NextSingle() - 0.5f;
        return rows;
    }

    static WeightMatrix Random(Random random, int rows, int columns) =>
        WeightMatrix.FromFloats([.. Enumerable.Range(0, rows * columns).Select(_ => random.NextSingle())], rows, columns);
}
