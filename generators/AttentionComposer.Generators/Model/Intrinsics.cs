using System;

namespace AttentionComposer.Generators.Model;

/// <summary>The functions of Math, MathF, BitOperations, float and int that have a vector form.</summary>
static class Intrinsics
{
    /// <summary>The call as an expression; null for a function that is not among them.</summary>
    public static Expr? Of(string name, Expr[] operands) => operands.Length switch
    {
        1 => Of(name, operands[0]),
        2 => Of(name, operands[0], operands[1]),
        3 => Of(name, operands[0], operands[1], operands[2]),
        _ => null,
    };

    static Expr? Of(string name, Expr x) => (name, x.Type) switch
    {
        ("Abs", _) => Expr.Abs(x),
        ("Sign", _) => Expr.Of(UnaryOperator.Sign, x),
        ("Sqrt", ExprType.Float) => Expr.Of(UnaryOperator.Sqrt, x),
        ("Exp", ExprType.Float) => Expr.Of(UnaryOperator.Exp, x),
        ("Log", ExprType.Float) => Expr.Of(UnaryOperator.Log, x),
        ("Log2", ExprType.Float) => Expr.Of(UnaryOperator.Log2, x),
        ("Log10", ExprType.Float) => Expr.Multiply(Expr.Of(UnaryOperator.Log, x), Expr.Float(1 / Math.Log(10))),
        ("Sin", ExprType.Float) => Expr.Of(UnaryOperator.Sin, x),
        ("Cos", ExprType.Float) => Expr.Of(UnaryOperator.Cos, x),
        ("Tan", ExprType.Float) => Expr.Divide(Expr.Of(UnaryOperator.Sin, x), Expr.Of(UnaryOperator.Cos, x)),
        ("Tanh", ExprType.Float) => Expr.Tanh(x),
        ("Floor", ExprType.Float) => Expr.Of(UnaryOperator.Floor, x),
        ("Ceiling", ExprType.Float) => Expr.Of(UnaryOperator.Ceiling, x),
        ("Round", ExprType.Float) => Expr.Of(UnaryOperator.Round, x),
        ("Truncate", ExprType.Float) => Expr.Of(UnaryOperator.Truncate, x),
        ("PopCount", ExprType.Int) => Expr.Of(UnaryOperator.PopCount, x),
        ("IsNaN", ExprType.Float) => Expr.Of(BinaryOperator.NotEqual, x, x),
        ("IsPositiveInfinity", ExprType.Float) => Expr.Of(BinaryOperator.Equal, x, new FloatConstant(float.PositiveInfinity)),
        ("IsNegativeInfinity", ExprType.Float) => Expr.Of(BinaryOperator.Equal, x, new FloatConstant(float.NegativeInfinity)),
        ("IsInfinity", ExprType.Float) => Expr.Of(BinaryOperator.Equal, Expr.Abs(x), new FloatConstant(float.PositiveInfinity)),
        ("IsFinite", ExprType.Float) => Expr.LessThan(Expr.Abs(x), new FloatConstant(float.PositiveInfinity)),
        _ => null,
    };

    static Expr? Of(string name, Expr x, Expr y) => (name, x.Type) switch
    {
        ("Min", _) => Expr.Of(BinaryOperator.Minimum, x, y),
        ("Max", _) => Expr.Of(BinaryOperator.Maximum, x, y),
        ("Pow", ExprType.Float) when y is FloatConstant { Value: 2 } && x is Local or Variable => Expr.Multiply(x, x),
        ("Pow", ExprType.Float) => Expr.Of(BinaryOperator.Power, x, y),
        ("Log", ExprType.Float) => Expr.Divide(Expr.Of(UnaryOperator.Log, x), Expr.Of(UnaryOperator.Log, y)),
        _ => null,
    };

    static Expr? Of(string name, Expr x, Expr y, Expr z) => name switch
    {
        "Clamp" => Expr.Of(BinaryOperator.Minimum, Expr.Of(BinaryOperator.Maximum, x, y), z),
        "FusedMultiplyAdd" => Expr.Add(Expr.Multiply(x, y), z),
        _ => null,
    };
}
