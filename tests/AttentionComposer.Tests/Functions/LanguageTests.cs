using AttentionComposer.Kernels;
using AttentionComposer.Tests.Functions.Declared;

namespace AttentionComposer.Tests.Functions;

/// <summary>What C# offers beyond comparisons and sums of ints and floats: the kernels compute what the methods compute.</summary>
public sealed class LanguageTests
{
    static readonly (int Positions, int Rows)[] s_sizes = [(150, 150), (150, 1), (150, 5), (33, 20)];

    [Fact]
    public void SmallAndUnsignedIntegersComputeAsInCSharp()
    {
        foreach (uint threshold in new[] { 0u, 1u << 30, 3u << 30 })
        {
            var random = new Random(7);
            T[] Table<T>(Func<int, T> element) => [.. Enumerable.Range(0, 150).Select(_ => element(random.Next()))];
            var attention = new SmallIntegers(
                Table(x => (byte)(x % 5)), Table(x => (sbyte)x), Table(x => (short)(x % 3 - 1)), Table(x => (ushort)(60000 + x % 5000)),
                Table(x => 0x7FFFFFFFu + (uint)(x % 3)), Table(x => (TokenKind)(x % 3)), threshold);
            Check(attention, ReferenceAttention.Of(attention.Plan) with
            {
                Mask = (_, query, key) => attention.Visible(query, key),
                Score = (score, _, query, key) => attention.Dropped((float)score, query, key),
            });
        }
    }

    [Fact]
    public void TuplesTypeParametersAndOtherObjectsAreFollowed()
    {
        var attention = new Language(new Grid(12), [3, 9, 60], 0.3f);
        Check(attention, ReferenceAttention.Of(attention.Plan) with
        {
            Mask = (_, query, key) => attention.Near(query, key),
            Score = (score, head, query, key) => attention.Biased((float)score, head, query, key),
        });
    }

    /// <summary>Tables may grow from call to call; what they become as ints is made anew for each, in memory that is kept.</summary>
    [Fact]
    public void WidenedTablesAreThoseOfTheCall()
    {
        const int Positions = 40;
        int[]? memory = null;
        byte[] bytes = [.. Enumerable.Range(200, 53).Select(x => (byte)x)];
        Assert.Equal(Array.ConvertAll(bytes, x => (int)x), TableLoad.Widen<byte, byte>(bytes, ref memory).ToArray());
        int[] first = memory!;
        Assert.Equal([-1, int.MinValue], TableLoad.Widen<uint, uint>([uint.MaxValue, 0x80000000], ref memory).ToArray());
        Assert.Same(first, memory);
        Assert.Equal([-3, 4, 5, 6], TableLoad.Widen<short, short>([-3, 4, 5, 6], ref memory).ToArray());

        var attention = new SmallIntegers([], [], [], default, [], [], 0);
        Sequence sequence = Sequence.Random(attention.Shape, Positions, 1, seed: 1);
        Assert.Contains("SmallIntegers.Visible", Assert.Throws<IndexOutOfRangeException>(() => Result.OfStored(attention, sequence)).Message);
    }

    static void Check(IAttention attention, ReferenceAttention reference)
    {
        foreach ((int positions, int rows) in s_sizes)
        {
            Sequence sequence = Sequence.Random(attention.Shape, positions, rows, seed: rows);
            Result expected = Result.OfReference(reference, sequence);
            foreach (int bits in KernelSettings.VectorWidths)
            {
                using var _ = KernelSettings.VectorBits(bits);
                RowTolerance.Float32.Check(Result.OfStored(attention, sequence), expected, $"{attention.Plan.Name}, {positions} positions, {rows} rows, {bits} bits");
            }

            sequence.Keys[0] = float.NaN; // what sees the first key is not a number; the rest goes through the careful loop
            Result careful = Result.OfStored(attention, sequence);
            expected = Result.OfReference(reference, sequence);
            for (int row = 0; row < rows * attention.Shape.QueryHeads; row++)
                Assert.Equal(float.IsNaN(expected.LogSumExp[row]), float.IsNaN(careful.LogSumExp[row]));
        }
    }
}
