using System.Numerics;

namespace AttentionComposer.Tests.Functions.Declared;

/// <summary>What a position holds.</summary>
public enum TokenKind : byte
{
    Text,
    Image,
    Sound,
}

/// <summary>Tables of small integers, and bits that are computed without a sign.</summary>
[Attention(HeadDim = 88, QueryHeads = 4, KeyValueHeads = 2)]
public sealed partial class SmallIntegers(byte[] keep, sbyte[] level, short[] document, ReadOnlyMemory<ushort> page, uint[] owner, TokenKind[] kind, uint threshold)
{
    readonly TokenKind _shown = TokenKind.Image;

    [Mask]
    public bool Visible(int query, int key)
    {
        if (keep[key] == 0 || document[query] < document[key] || owner[query] > owner[key] || BitOperations.PopCount(owner[query] ^ owner[key]) == 32)
            return false;
        sbyte step = level[key];
        step += 100; // wraps around
        return step >= level[query] && page.Span[key] / 4 <= page.Span[query] / 4 && (kind[key] == _shown || kind[query] != TokenKind.Sound);
    }

    /// <summary>Drops keys at random, the same ones whenever it is asked.</summary>
    [Score] public float Dropped(float score, int query, int key)
    {
        uint hash = Hash((uint)query, (uint)key);
        return hash < threshold ? float.NegativeInfinity : score + hash * (0.5f / uint.MaxValue) + (byte)(key * 3) / 256f + hash / 1024 % 2 + 0.1f * int.PopCount(key);
    }

    static uint Hash(uint query, uint key)
    {
        uint bits = query * 2654435761u ^ key;
        bits ^= bits >> 15;
        bits *= 2246822519u;
        return bits ^ bits >> 13;
    }
}

/// <summary>A picture as a helper knows it.</summary>
public readonly struct Grid(int columns)
{
    /// <summary>Pixels in a row.</summary>
    public readonly int Columns = columns;

    /// <summary>A pixel's place.</summary>
    public (int Row, int Column) At(in int pixel) => (pixel / Math.Max(1, Columns), pixel % Math.Max(1, Columns));
}

static class Numbers
{
    public static T Between<T>(T x, T low, T high)
        where T : INumber<T> => T.Min(T.Max(x, low), high);

    public static T Pick<T>(bool first, T x, T y) => first ? x : y;
}

static class Line<T>
    where T : INumber<T>
{
    public static T At(T x, T slope) => x * slope + T.One - T.Abs(slope);
}

/// <summary>Tuples, type parameters, methods of other objects, partial methods, parameters of the primary constructor.</summary>
[Attention(HeadDim = 88, QueryHeads = 4, KeyValueHeads = 2)]
public sealed partial class Language(Grid grid, int[] ends, float slope)
{
    [Mask] public partial bool Near(in int query, in int key);

    public partial bool Near(in int query, in int key)
    {
        (int row, int column) = grid.At(query);
        var other = grid.At(key);
        bool isNear = Math.Abs(row - other.Row) <= Radius() && Math.Abs(column - other.Column) <= Radius();
        return isNear || key > ends[^1] - 5;

        int Radius() => Numbers.Between(row / 2, 1, 3);
    }

    [Score]
    public float Biased(float score, int head, int query, int key)
    {
        var (x, y) = Numbers.Pick(key > query, (0.5f, key), (0.25f, query));
        return (head % 2, (query - key) switch { < 0 => -1, 0 => 0, var distance when distance < 7 => 1, _ => 2 }) switch
        {
            (0, 0) => score * 2,
            (0, var side) => score + side * x,
            (_, < 0 or 2) => Line<float>.At(score, slope),
            _ => score - 0.01f * Line<int>.At(y, 2),
        };
    }
}
