using System.ComponentModel;

namespace AttentionComposer.Kernels;

/// <summary>What a condition can be over a whole tile of queries and keys: true, false, or either.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly struct Truth
{
    readonly bool _canBeTrue;
    readonly bool _canBeFalse;

    Truth(bool canBeTrue, bool canBeFalse)
    {
        _canBeTrue = canBeTrue;
        _canBeFalse = canBeFalse;
    }

    /// <summary>True everywhere in the tile.</summary>
    public static Truth Always => new(true, false);

    /// <summary>False everywhere in the tile.</summary>
    public static Truth Never => new(false, true);

    /// <summary>Not known to be the same everywhere.</summary>
    public static Truth Sometimes => new(true, true);

    /// <summary>The block of keys as a kernel treats it when this is its mask.</summary>
    public BlockView View => !_canBeTrue ? BlockView.Hidden : _canBeFalse ? BlockView.Partial : BlockView.Full;

    /// <summary>What two possibilities have in common.</summary>
    public static Truth Either(Truth x, Truth y) => new(x._canBeTrue || y._canBeTrue, x._canBeFalse || y._canBeFalse);

    /// <summary><c>condition ? x : y</c>.</summary>
    public static Truth Select(Truth condition, Truth x, Truth y) =>
        !condition._canBeFalse ? x : !condition._canBeTrue ? y : Either(x, y);

    /// <summary>Which elements a table of conditions holds at some indices; either where an index is outside of it.</summary>
    public static Truth Of(ReadOnlySpan<bool> table, IntRange index)
    {
        if (!index.IsInside(table.Length))
            return Sometimes;
        ReadOnlySpan<bool> part = table.Slice(index.Min, index.Max - index.Min + 1);
        return new(part.Contains(true), part.Contains(false));
    }

    /// <summary>Which elements a table of two dimensions holds at some indices; either where one is outside of it.</summary>
    public static Truth Of(ReadOnlySpan<bool> table, IntRange row, int columns, IntRange column)
    {
        const int ManyRows = 256; // beyond it looking costs more than it can save

        if (!column.IsInside(columns) || !row.IsInside(table.Length / columns) || row.Max - row.Min >= ManyRows)
            return Sometimes;
        Truth result = Of(table.Slice(row.Min * columns, columns), column);
        for (int i = row.Min + 1; i <= row.Max && result.View != BlockView.Partial; i++)
            result = Either(result, Of(table.Slice(i * columns, columns), column));
        return result;
    }

    /// <summary>A condition that is the same for the whole tile.</summary>
    public static implicit operator Truth(bool value) => value ? Always : Never;

    /// <summary>Both.</summary>
    public static Truth operator &(Truth x, Truth y) =>
        new(x._canBeTrue && y._canBeTrue, x._canBeFalse || y._canBeFalse);

    /// <summary>At least one.</summary>
    public static Truth operator |(Truth x, Truth y) => !(!x & !y);

    /// <summary>Exactly one.</summary>
    public static Truth operator ^(Truth x, Truth y) =>
        new(x._canBeTrue && y._canBeFalse || x._canBeFalse && y._canBeTrue, x._canBeTrue && y._canBeTrue || x._canBeFalse && y._canBeFalse);

    /// <summary>The opposite.</summary>
    public static Truth operator !(Truth x) => new(x._canBeFalse, x._canBeTrue);
}
