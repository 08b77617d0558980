using System;
using System.Collections.Generic;
using System.Linq;

namespace AttentionComposer.Generators.Model;

enum ExprType
{
    Float,
    Int,
    Bool,
}

/// <summary>What an expression may depend on.</summary>
enum VariableKind
{
    /// <summary>The scaled dot product, or what earlier score stages made of it.</summary>
    Score,

    /// <summary>The query head.</summary>
    Head,

    /// <summary>The query's absolute position.</summary>
    Query,

    /// <summary>The key's absolute position.</summary>
    Key,

    /// <summary>The key/value head.</summary>
    KeyValueHead,

    /// <summary>The cache's index in a batched call.</summary>
    Batch,
}

enum UnaryOperator
{
    Negate,
    Not,
    Complement,

    /// <summary>How many bits of an integer are 1.</summary>
    PopCount,

    Abs,
    Sign,
    Sqrt,
    Exp,
    Log,
    Log2,
    Sin,
    Cos,
    Tanh,
    Floor,
    Ceiling,
    Round,
    Truncate,
}

enum BinaryOperator
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Minimum,
    Maximum,
    Power,
    And,
    Or,
    BitAnd,
    BitOr,
    ExclusiveOr,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    LessThan,
    LessThanOrEqual,
    Equal,
    NotEqual,
}

/// <summary>
/// Arithmetic on one (query, key) pair: the one form in which scores and masks travel from the model to every printer.
/// Values compare by content.
/// </summary>
/// <remarks>
/// The factories fold constants and drop neutral operands, so that no printer meets <c>x * 1</c>. Integers wrap around and floats are
/// float32, as in C#.
/// </remarks>
abstract record Expr(ExprType Type)
{
    public static readonly Expr Score = new Variable(VariableKind.Score);
    public static readonly Expr Head = new Variable(VariableKind.Head);
    public static readonly Expr Query = new Variable(VariableKind.Query);
    public static readonly Expr Key = new Variable(VariableKind.Key);

    /// <summary>The operands, from left to right.</summary>
    public abstract IEnumerable<Expr> Operands { get; }

    /// <summary>The expression and everything in it, operands first. What a local stands for is not in it.</summary>
    public IEnumerable<Expr> WithParts => Operands.SelectMany(operand => operand.WithParts).Append(this);

    /// <summary>The same with other operands.</summary>
    /// <param name="change">From each operand to the one that takes its place.</param>
    public Expr WithOperands(Func<Expr, Expr> change) => this switch
    {
        ToFloat conversion => conversion with { Operand = change(conversion.Operand) },
        ToInt conversion => conversion with { Operand = change(conversion.Operand) },
        Unary unary => unary with { Operand = change(unary.Operand) },
        Binary binary => binary with { Left = change(binary.Left), Right = change(binary.Right) },
        Select select => select with { Condition = change(select.Condition), WhenTrue = change(select.WhenTrue), WhenFalse = change(select.WhenFalse) },
        TableElement element => element with { Index = change(element.Index) },
        CapturedElement element => element with { Indices = new EquatableArray<Expr>(element.Indices.Select(change)) },
        OutsideOf outside => outside with { Index = change(outside.Index) },
        _ => this,
    };

    /// <summary>Whether the value differs from key to key; what does not is computed once a row.</summary>
    public bool VariesWithKey => DependsOn(VariableKind.Score) || DependsOn(VariableKind.Key);

    /// <summary>Whether the value depends on a variable.</summary>
    public virtual bool DependsOn(VariableKind variable) => Operands.Any(operand => operand.DependsOn(variable));

    public static Expr Float(double value) => new FloatConstant((float)value);

    public static Expr Int(int value) => new IntConstant(value);

    public static Expr Bool(bool value) => new BoolConstant(value);

    public static Expr ToFloat(Expr operand) => operand is IntConstant constant ? Float(constant.Value) : new ToFloat(operand);

    public static Expr ToInt(Expr operand) => new ToInt(operand);

    public static Expr Abs(Expr operand) => Of(UnaryOperator.Abs, operand);

    public static Expr Tanh(Expr operand) => Of(UnaryOperator.Tanh, operand);

    public static Expr Add(Expr left, Expr right) => Of(BinaryOperator.Add, left, right);

    public static Expr Subtract(Expr left, Expr right) => Of(BinaryOperator.Subtract, left, right);

    public static Expr Multiply(Expr left, Expr right) => Of(BinaryOperator.Multiply, left, right);

    public static Expr Divide(Expr left, Expr right) => Of(BinaryOperator.Divide, left, right);

    public static Expr LessThan(Expr left, Expr right) => Of(BinaryOperator.LessThan, left, right);

    public static Expr LessThanOrEqual(Expr left, Expr right) => Of(BinaryOperator.LessThanOrEqual, left, right);

    public static Expr And(Expr left, Expr right) => Of(BinaryOperator.And, left, right);

    public static Expr Or(Expr left, Expr right) => Of(BinaryOperator.Or, left, right);

    public static Expr Not(Expr operand) => Of(UnaryOperator.Not, operand);

    public static Expr Select(Expr condition, Expr whenTrue, Expr whenFalse) =>
        condition is BoolConstant constant ? constant.Value ? whenTrue : whenFalse
        : whenTrue.Equals(whenFalse) ? whenTrue
        : (whenTrue, whenFalse) is (BoolConstant { Value: true }, BoolConstant) ? condition
        : (whenTrue, whenFalse) is (BoolConstant, BoolConstant) ? Not(condition)
        : whenTrue is BoolConstant { Value: true } ? Or(condition, whenFalse)
        : whenTrue is BoolConstant ? And(Not(condition), whenFalse)
        : whenFalse is BoolConstant { Value: false } ? And(condition, whenTrue)
        : whenFalse is BoolConstant ? Or(Not(condition), whenTrue)
        : new Select(condition, whenTrue, whenFalse);

    public static Expr Of(UnaryOperator op, Expr operand) =>
        (op, operand) switch
        {
            (UnaryOperator.Negate, IntConstant constant) => Int(unchecked(-constant.Value)),
            (UnaryOperator.Negate, FloatConstant constant) => Float(-constant.Value),
            (UnaryOperator.Complement, IntConstant constant) => Int(~constant.Value),
            (UnaryOperator.Not, BoolConstant constant) => Bool(!constant.Value),
            (UnaryOperator.Not, Unary { Operator: UnaryOperator.Not } inner) => inner.Operand,
            (UnaryOperator.Not, Binary { Operator: BinaryOperator.Equal } equal) => new Binary(BinaryOperator.NotEqual, equal.Left, equal.Right),
            (UnaryOperator.Not, Binary { Operator: BinaryOperator.NotEqual } different) => new Binary(BinaryOperator.Equal, different.Left, different.Right),
            // Of integers only: with NaN both a comparison and its opposite are false.
            (UnaryOperator.Not, Binary { Operator: BinaryOperator.LessThan, Left.Type: ExprType.Int } less) => LessThanOrEqual(less.Right, less.Left),
            (UnaryOperator.Not, Binary { Operator: BinaryOperator.LessThanOrEqual, Left.Type: ExprType.Int } less) => LessThan(less.Right, less.Left),
            (UnaryOperator.Abs, IntConstant { Value: > int.MinValue } constant) => Int(Math.Abs(constant.Value)),
            (UnaryOperator.Abs, FloatConstant constant) => Float(Math.Abs(constant.Value)),
            (UnaryOperator.Sqrt, FloatConstant constant) => Float(Math.Sqrt(constant.Value)),
            (UnaryOperator.Exp, FloatConstant constant) => Float(Math.Exp(constant.Value)),
            (UnaryOperator.Log, FloatConstant constant) => Float(Math.Log(constant.Value)),
            _ => new Unary(op, operand),
        };

    public static Expr Of(BinaryOperator op, Expr left, Expr right) =>
        (left, right) switch
        {
            (IntConstant l, IntConstant r) => Fold(op, l.Value, r.Value) ?? new Binary(op, left, right),
            (FloatConstant l, FloatConstant r) => Fold(op, l.Value, r.Value) ?? new Binary(op, left, right),
            (BoolConstant l, BoolConstant r) => Fold(op, l.Value, r.Value),
            _ => WithoutNeutral(op, left, right) ?? new Binary(op, left, right),
        };

    static Expr? WithoutNeutral(BinaryOperator op, Expr left, Expr right) =>
        (op, left, right) switch
        {
            (BinaryOperator.Add, IntConstant { Value: 0 }, _) => right,
            (BinaryOperator.Add or BinaryOperator.Subtract, _, IntConstant { Value: 0 }) => left,
            (BinaryOperator.Multiply, FloatConstant { Value: 1 } or IntConstant { Value: 1 }, _) => right,
            (BinaryOperator.Multiply or BinaryOperator.Divide, _, FloatConstant { Value: 1 } or IntConstant { Value: 1 }) => left,
            (BinaryOperator.And, BoolConstant l, _) => l.Value ? right : left,
            (BinaryOperator.And, _, BoolConstant r) => r.Value ? left : right,
            (BinaryOperator.Or, BoolConstant l, _) => l.Value ? left : right,
            (BinaryOperator.Or, _, BoolConstant r) => r.Value ? right : left,
            (BinaryOperator.Equal, _, BoolConstant r) => r.Value ? left : Not(left),
            (BinaryOperator.NotEqual, _, BoolConstant r) => r.Value ? Not(left) : left,
            _ => null,
        };

    static Expr? Fold(BinaryOperator op, int left, int right) => unchecked(op switch
    {
        BinaryOperator.Add => Int(left + right),
        BinaryOperator.Subtract => Int(left - right),
        BinaryOperator.Multiply => Int(left * right),
        BinaryOperator.Divide when right is not (0 or -1) => Int(left / right),
        BinaryOperator.Remainder when right is not (0 or -1) => Int(left % right),
        BinaryOperator.Minimum => Int(Math.Min(left, right)),
        BinaryOperator.Maximum => Int(Math.Max(left, right)),
        BinaryOperator.BitAnd => Int(left & right),
        BinaryOperator.BitOr => Int(left | right),
        BinaryOperator.ExclusiveOr => Int(left ^ right),
        BinaryOperator.ShiftLeft => Int(left << right),
        BinaryOperator.ShiftRight => Int(left >> right),
        BinaryOperator.ShiftRightUnsigned => Int((int)((uint)left >> right)),
        BinaryOperator.LessThan => Bool(left < right),
        BinaryOperator.LessThanOrEqual => Bool(left <= right),
        BinaryOperator.Equal => Bool(left == right),
        BinaryOperator.NotEqual => Bool(left != right),
        _ => null,
    });

    static Expr? Fold(BinaryOperator op, float left, float right) => op switch
    {
        BinaryOperator.Add => Float((double)left + right),
        BinaryOperator.Subtract => Float((double)left - right),
        BinaryOperator.Multiply => Float((double)left * right),
        BinaryOperator.Divide => Float((double)left / right),
        BinaryOperator.LessThan => Bool(left < right),
        BinaryOperator.LessThanOrEqual => Bool(left <= right),
        _ => null,
    };

    static Expr Fold(BinaryOperator op, bool left, bool right) => Bool(op switch
    {
        BinaryOperator.And => left & right,
        BinaryOperator.Or => left | right,
        BinaryOperator.Equal => left == right,
        _ => left != right,
    });
}

sealed record FloatConstant(float Value) : Expr(ExprType.Float)
{
    public override IEnumerable<Expr> Operands => [];
}

sealed record IntConstant(int Value) : Expr(ExprType.Int)
{
    public override IEnumerable<Expr> Operands => [];
}

sealed record BoolConstant(bool Value) : Expr(ExprType.Bool)
{
    public override IEnumerable<Expr> Operands => [];
}

sealed record Variable(VariableKind Kind) : Expr(Kind == VariableKind.Score ? ExprType.Float : ExprType.Int)
{
    public override IEnumerable<Expr> Operands => [];

    public override bool DependsOn(VariableKind variable) => Kind == variable;
}

sealed record ToFloat(Expr Operand) : Expr(ExprType.Float)
{
    public override IEnumerable<Expr> Operands => [Operand];
}

/// <summary>A float truncated to an integer; outside of the integers it is the nearest of them, and 0 for NaN.</summary>
sealed record ToInt(Expr Operand) : Expr(ExprType.Int)
{
    public override IEnumerable<Expr> Operands => [Operand];
}

sealed record Unary(UnaryOperator Operator, Expr Operand) : Expr(Operator == UnaryOperator.Sign ? ExprType.Int : Operand.Type)
{
    public override IEnumerable<Expr> Operands => [Operand];
}

sealed record Binary(BinaryOperator Operator, Expr Left, Expr Right)
    : Expr(IsComparison(Operator) ? ExprType.Bool : Left.Type)
{
    public override IEnumerable<Expr> Operands => [Left, Right];

    public static bool IsComparison(BinaryOperator op) =>
        op is BinaryOperator.LessThan or BinaryOperator.LessThanOrEqual or BinaryOperator.Equal or BinaryOperator.NotEqual;
}

/// <summary><c>Condition ? WhenTrue : WhenFalse</c>. Vectors compute both.</summary>
sealed record Select(Expr Condition, Expr WhenTrue, Expr WhenFalse) : Expr(WhenTrue.Type)
{
    public override IEnumerable<Expr> Operands => [Condition, WhenTrue, WhenFalse];
}

/// <summary>An element of a table of constants that the generated class holds.</summary>
/// <param name="Name">The table's name in the generated class.</param>
/// <param name="ElementName">What a local that holds one element is called.</param>
/// <param name="Values">The elements.</param>
/// <param name="Index">Which element.</param>
sealed record TableElement(string Name, string ElementName, EquatableArray<float> Values, Expr Index) : Expr(ExprType.Float)
{
    public override IEnumerable<Expr> Operands => [Index];
}
