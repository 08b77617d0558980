using System.ComponentModel;
using System.Numerics.Tensors;

namespace AttentionComposer.Kernels;

#pragma warning disable CS0660, CS0661 // == and != compare what two ranges can hold; a range is never a key of anything

/// <summary>
/// The integers from <paramref name="min"/> to <paramref name="max"/>, both included: what an expression can be over a whole tile of
/// queries and keys. Operators give a range that holds every result; where arithmetic could wrap around, that is every integer.
/// </summary>
/// <remarks>Generated code evaluates masks over ranges to find tiles that are hidden or visible as a whole.</remarks>
/// <param name="min">The smallest.</param>
/// <param name="max">The largest; at least <paramref name="min"/>.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct IntRange(int min, int max)
{
    /// <summary>The smallest integer.</summary>
    public int Min { get; } = min;

    /// <summary>The largest integer.</summary>
    public int Max { get; } = max;

    /// <summary>Every integer.</summary>
    public static IntRange Any => new(int.MinValue, int.MaxValue);

    bool IsConstant => Min == Max;

    /// <summary>One integer.</summary>
    public static implicit operator IntRange(int value) => new(value, value);

    /// <summary>Whether all are indices of a table of that length.</summary>
    public bool IsInside(int length) => Min >= 0 && Max < length;

    /// <summary>Those from <paramref name="min"/> to <paramref name="max"/>; any one of the bounds when there are none.</summary>
    public IntRange Within(int min, int max)
    {
        int low = Math.Max(Min, min), high = Math.Min(Max, max);
        return new(low, Math.Max(low, high));
    }

    /// <summary>Whether an index is outside of a table of that length.</summary>
    public static Truth Outside(IntRange index, int length) => index.IsInside(length) ? Truth.Never : Truth.Sometimes;

    /// <summary>The elements that a table holds at some indices; every integer where an index is outside of it.</summary>
    public static IntRange Of(ReadOnlySpan<int> table, IntRange index)
    {
        if (!index.IsInside(table.Length))
            return Any;
        ReadOnlySpan<int> part = table.Slice(index.Min, index.Max - index.Min + 1);
        return part.Length == 1 ? part[0] : new IntRange(TensorPrimitives.Min(part), TensorPrimitives.Max(part));
    }

    /// <summary>The elements that a table of two dimensions holds at some indices; every integer where one is outside of it.</summary>
    public static IntRange Of(ReadOnlySpan<int> table, IntRange row, int columns, IntRange column)
    {
        const int ManyRows = 256; // beyond it looking costs more than it can save

        if (!column.IsInside(columns) || !row.IsInside(table.Length / columns) || row.Max - row.Min >= ManyRows)
            return Any;
        int min = int.MaxValue, max = int.MinValue;
        for (int i = row.Min; i <= row.Max; i++)
        {
            IntRange part = Of(table.Slice(i * columns, columns), column);
            (min, max) = (Math.Min(min, part.Min), Math.Max(max, part.Max));
        }

        return new(min, max);
    }

    /// <summary>The index of an element of a table of several dimensions, with the next dimension's length.</summary>
    /// <remarks>Outside of the dimension it is every integer, so that a neighbouring row is not taken for the element.</remarks>
    public static IntRange Flat(IntRange row, int columns, IntRange column) =>
        column.IsInside(columns) ? row * columns + column : Any;

    /// <summary>The smaller of two.</summary>
    public static IntRange Least(IntRange x, IntRange y) => new(Math.Min(x.Min, y.Min), Math.Min(x.Max, y.Max));

    /// <summary>The larger of two.</summary>
    public static IntRange Most(IntRange x, IntRange y) => new(Math.Max(x.Min, y.Min), Math.Max(x.Max, y.Max));

    /// <summary>The magnitude.</summary>
    public static IntRange Abs(IntRange x) =>
        x.Min == int.MinValue ? Any : x.Min >= 0 ? x : x.Max <= 0 ? -x : new(0, Math.Max(-x.Min, x.Max));

    /// <summary>How many bits are 1: at least those that all share, at most those that any could have.</summary>
    public static IntRange PopCount(IntRange x)
    {
        if (x.Min < 0)
            return x.IsConstant ? LaneMath.PopCount(x.Min) : new IntRange(0, 32);
        (int common, int open) = x.Bits;
        return new(LaneMath.PopCount(common), LaneMath.PopCount(common | open));
    }

    /// <summary><c>condition ? x : y</c>.</summary>
    public static IntRange Select(Truth condition, IntRange x, IntRange y) => condition.View switch
    {
        BlockView.Full => x,
        BlockView.Hidden => y,
        _ => new(Math.Min(x.Min, y.Min), Math.Max(x.Max, y.Max)),
    };

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator +(IntRange x, IntRange y) => Of((long)x.Min + y.Min, (long)x.Max + y.Max);

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator -(IntRange x, IntRange y) => Of((long)x.Min - y.Max, (long)x.Max - y.Min);

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator -(IntRange x) => Of(-(long)x.Max, -(long)x.Min);

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator ~(IntRange x) => new(~x.Max, ~x.Min);

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator *(IntRange x, IntRange y)
    {
        long a = (long)x.Min * y.Min, b = (long)x.Min * y.Max, c = (long)x.Max * y.Min, d = (long)x.Max * y.Max;
        return Of(Math.Min(Math.Min(a, b), Math.Min(c, d)), Math.Max(Math.Max(a, b), Math.Max(c, d)));
    }

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator /(IntRange x, IntRange y)
    {
        if (y.Min <= 0 && y.Max >= 0)
            return Any;
        long a = (long)x.Min / y.Min, b = (long)x.Min / y.Max, c = (long)x.Max / y.Min, d = (long)x.Max / y.Max;
        return Of(Math.Min(Math.Min(a, b), Math.Min(c, d)), Math.Max(Math.Max(a, b), Math.Max(c, d)));
    }

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator %(IntRange x, IntRange y)
    {
        if (!y.IsConstant || y.Min <= 0)
            return y.Min > 0 ? new(x.Min < 0 ? 1 - y.Max : 0, x.Max > 0 ? y.Max - 1 : 0) : Any;

        // Between two multiples the remainder grows with the dividend.
        int divisor = y.Min;
        if (x.Min / divisor == x.Max / divisor && (x.Min >= 0 || x.Max <= 0))
            return new(x.Min % divisor, x.Max % divisor);
        return new(x.Min < 0 ? 1 - divisor : 0, x.Max > 0 ? divisor - 1 : 0);
    }

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator <<(IntRange x, IntRange count) =>
        count.IsConstant && (count.Min & 31) < 31 ? x * (1 << count.Min) : Any;

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator >>(IntRange x, IntRange count) =>
        count.IsConstant ? new(x.Min >> count.Min, x.Max >> count.Min) : x.Min >= 0 ? new(0, x.Max) : Any;

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator >>>(IntRange x, IntRange count) => x.Min >= 0 ? x >> count : Any;

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator &(IntRange x, IntRange y)
    {
        if (x.Min >= 0 && y.Min >= 0)
        {
            (int common, int rest) = x.Bits;
            (int otherCommon, int otherRest) = y.Bits;
            int max = Math.Min((common | rest) & (otherCommon | otherRest), Math.Min(x.Max, y.Max));
            return new(common & otherCommon, max);
        }

        // Clearing low bits keeps the order.
        if (y.IsConstant && (~y.Min & (~y.Min + 1)) == 0)
            return new(x.Min & y.Min, x.Max & y.Min);
        return x.IsConstant && y.IsConstant ? x.Min & y.Min
            : x.Min >= 0 ? new(0, x.Max)
            : y.Min >= 0 ? new(0, y.Max)
            : Any;
    }

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator |(IntRange x, IntRange y)
    {
        if (x.Min < 0 || y.Min < 0)
            return x.IsConstant && y.IsConstant ? x.Min | y.Min : Any;
        (int common, int rest) = x.Bits;
        (int otherCommon, int otherRest) = y.Bits;
        return new(Math.Max(common | otherCommon, Math.Max(x.Min, y.Min)), common | otherCommon | rest | otherRest);
    }

    /// <inheritdoc cref="IntRange"/>
    public static IntRange operator ^(IntRange x, IntRange y)
    {
        if (x.Min < 0 || y.Min < 0)
            return x.IsConstant && y.IsConstant ? x.Min ^ y.Min : Any;
        (int common, int rest) = x.Bits;
        (int otherCommon, int otherRest) = y.Bits;
        int open = rest | otherRest, known = (common ^ otherCommon) & ~open;
        return new(known, known | open);
    }

    /// <inheritdoc cref="Truth"/>
    public static Truth operator <(IntRange x, IntRange y) =>
        x.Max < y.Min ? Truth.Always : x.Min >= y.Max ? Truth.Never : Truth.Sometimes;

    /// <inheritdoc cref="Truth"/>
    public static Truth operator >(IntRange x, IntRange y) => y < x;

    /// <inheritdoc cref="Truth"/>
    public static Truth operator <=(IntRange x, IntRange y) => !(y < x);

    /// <inheritdoc cref="Truth"/>
    public static Truth operator >=(IntRange x, IntRange y) => !(x < y);

    /// <inheritdoc cref="Truth"/>
    public static Truth operator ==(IntRange x, IntRange y) =>
        x.Max < y.Min || y.Max < x.Min ? Truth.Never : x.IsConstant && y.IsConstant ? Truth.Always : Truth.Sometimes;

    /// <inheritdoc cref="Truth"/>
    public static Truth operator !=(IntRange x, IntRange y) => !(x == y);

    static IntRange Of(long min, long max) => min < int.MinValue || max > int.MaxValue ? Any : new((int)min, (int)max);

    // The high bits that all numbers of a range without negative ones share, and the lower ones, which may be anything.
    (int Common, int Open) Bits
    {
        get
        {
            int differ = Min ^ Max;
            int rest = differ == 0 ? 0 : (int)(uint.MaxValue >> System.Numerics.BitOperations.LeadingZeroCount((uint)differ));
            return (Min & ~rest, rest);
        }
    }
}
