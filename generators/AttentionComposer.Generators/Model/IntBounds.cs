using System;
using System.Collections.Generic;

namespace AttentionComposer.Generators.Model;

/// <summary>What is known of an integer at compile time: it lies between two bounds, both included.</summary>
readonly record struct IntBounds(long Min, long Max)
{
    public static readonly IntBounds Any = new(int.MinValue, int.MaxValue);

    static readonly IntBounds s_natural = new(0, int.MaxValue);

    public bool IsNatural => Min >= 0;

    public bool IsWithin(long min, long max) => min <= Min && Max <= max;

    public bool Holds(long value) => Min <= value && value <= Max;

    /// <summary>The bounds of an expression, given those of its locals.</summary>
    public static IntBounds Of(Expr expr, int queryHeads, int keyValueHeads, IReadOnlyDictionary<string, IntBounds> locals)
    {
        IntBounds Bounds(Expr operand) => Of(operand, queryHeads, keyValueHeads, locals);
        return expr switch
        {
            IntConstant constant => new(constant.Value, constant.Value),
            Variable { Kind: VariableKind.Key or VariableKind.Batch } => s_natural,
            Variable { Kind: VariableKind.Head } => new(0, queryHeads - 1),
            Variable { Kind: VariableKind.KeyValueHead } => new(0, keyValueHeads - 1),
            CapturedLength => s_natural,
            CapturedScalar { Capture.Stored: { } stored } => Of(stored),
            CapturedElement { Capture.Stored: { } stored } => Of(stored),
            Local local when locals.TryGetValue(local.Name, out IntBounds known) => known,
            Select select => Either(Bounds(select.WhenTrue), Bounds(select.WhenFalse)),
            Unary { Operator: UnaryOperator.Abs } abs => Abs(Bounds(abs.Operand)),
            Unary { Operator: UnaryOperator.Sign } => new(-1, 1),
            Unary { Operator: UnaryOperator.PopCount } => new(0, 32),
            Unary { Operator: UnaryOperator.Negate } negate => new IntBounds(0, 0) - Bounds(negate.Operand),
            Binary { Type: ExprType.Int } binary => Of(binary.Operator, Bounds(binary.Left), Bounds(binary.Right)),
            _ => Any,
        };
    }

    static IntBounds Of(BinaryOperator op, IntBounds left, IntBounds right) => op switch
    {
        BinaryOperator.Add => left + right,
        BinaryOperator.Subtract => left - right,
        BinaryOperator.Multiply => left * right,
        BinaryOperator.Divide when left.IsNatural && right.Min > 0 => new(left.Min / right.Max, left.Max / right.Min),
        BinaryOperator.Remainder when right.Min > 0 => new(left.IsNatural ? 0 : 1 - right.Max, right.Max - 1),
        BinaryOperator.Minimum => new(Math.Min(left.Min, right.Min), Math.Min(left.Max, right.Max)),
        BinaryOperator.Maximum => new(Math.Max(left.Min, right.Min), Math.Max(left.Max, right.Max)),
        BinaryOperator.BitAnd when left.IsNatural && right.IsNatural => new(0, Math.Min(left.Max, right.Max)),
        BinaryOperator.BitAnd when left.IsNatural => new(0, left.Max),
        BinaryOperator.BitAnd when right.IsNatural => new(0, right.Max),
        BinaryOperator.BitOr or BinaryOperator.ExclusiveOr when left.IsNatural && right.IsNatural => s_natural,
        BinaryOperator.ShiftRight when right.Min == right.Max && right.Min is >= 0 and < 32 => new(left.Min >> (int)right.Min, left.Max >> (int)right.Min),
        BinaryOperator.ShiftRight or BinaryOperator.ShiftRightUnsigned when left.IsNatural => new(0, left.Max),
        BinaryOperator.ShiftLeft when right.Min == right.Max && right.Min is >= 0 and < 31 => left * new IntBounds(1L << (int)right.Min, 1L << (int)right.Min),
        _ => Any,
    };

    static IntBounds Of(StoredType type) => type.Keyword switch
    {
        "byte" => new(byte.MinValue, byte.MaxValue),
        "sbyte" => new(sbyte.MinValue, sbyte.MaxValue),
        "ushort" => new(ushort.MinValue, ushort.MaxValue),
        "short" => new(short.MinValue, short.MaxValue),
        _ => Any,
    };

    static IntBounds Either(IntBounds left, IntBounds right) => new(Math.Min(left.Min, right.Min), Math.Max(left.Max, right.Max));

    static IntBounds Abs(IntBounds x) =>
        x.Min >= 0 ? x : Wrap(x.Max <= 0 ? -x.Max : 0, Math.Max(-x.Min, x.Max));

    public static IntBounds operator +(IntBounds x, IntBounds y) => Wrap(x.Min + y.Min, x.Max + y.Max);

    public static IntBounds operator -(IntBounds x, IntBounds y) => Wrap(x.Min - y.Max, x.Max - y.Min);

    public static IntBounds operator *(IntBounds x, IntBounds y)
    {
        long a = x.Min * y.Min, b = x.Min * y.Max, c = x.Max * y.Min, d = x.Max * y.Max;
        return Wrap(Math.Min(Math.Min(a, b), Math.Min(c, d)), Math.Max(Math.Max(a, b), Math.Max(c, d)));
    }

    // C# wraps around at the ends, so beyond them anything can come out.
    static IntBounds Wrap(long min, long max) => min < int.MinValue || max > int.MaxValue ? Any : new(min, max);
}
