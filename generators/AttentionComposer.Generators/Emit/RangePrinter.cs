using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit;

/// <summary>
/// Prints a mask as C# over ranges of positions in place of single ones: the same expression, whose operators then tell what it can be
/// anywhere in a tile. What depends on floats is either.
/// </summary>
static class RangePrinter
{
    /// <summary>The declarations of a function's locals.</summary>
    public static IEnumerable<string> Locals(FunctionSpec function) =>
        from definition in function.Locals
        where definition.Local.Type != ExprType.Float
        select $"{(definition.Local.Type == ExprType.Int ? "IntRange" : "Truth")} {definition.Local.Name} = {Print(definition.Value)};";

    /// <summary>An expression of integers or conditions.</summary>
    public static string Print(Expr expr)
    {
        if (expr is ToInt)
            return "IntRange.Any";
        if (expr is Binary or Unary && expr.Operands.Any(operand => operand.Type == ExprType.Float))
            return expr.Type == ExprType.Bool ? "Truth.Sometimes" : "IntRange.Any";
        return expr switch
        {
            Local local => local.Name,
            CapturedElement element => Element(element),
            Select select => $"{(select.Type == ExprType.Int ? "IntRange" : "Truth")}.Select({Print(select.Condition)}, {Print(select.WhenTrue)}, {Print(select.WhenFalse)})",
            Unary { Operator: UnaryOperator.Abs } unary => $"IntRange.Abs({Print(unary.Operand)})",
            Unary { Operator: UnaryOperator.Sign } => "new IntRange(-1, 1)",
            Unary { Operator: UnaryOperator.Not } unary => $"!{Operand(unary.Operand)}",
            Unary { Operator: UnaryOperator.Complement } unary => $"~{Operand(unary.Operand)}",
            Unary { Operator: UnaryOperator.Negate } unary => $"-{Operand(unary.Operand)}",
            Binary { Operator: BinaryOperator.Minimum } binary => $"IntRange.Least({Print(binary.Left)}, {Print(binary.Right)})",
            Binary { Operator: BinaryOperator.Maximum } binary => $"IntRange.Most({Print(binary.Left)}, {Print(binary.Right)})",
            Binary { Operator: BinaryOperator.Equal, Left.Type: ExprType.Bool } binary => $"!({Operand(binary.Left)} ^ {Operand(binary.Right)})",
            Binary { Operator: BinaryOperator.NotEqual, Left.Type: ExprType.Bool } binary => $"{Operand(binary.Left)} ^ {Operand(binary.Right)}",
            Binary binary => $"{Operand(binary.Left)} {Symbol(binary.Operator)} {Operand(binary.Right)}",
            _ => ScalarPrinter.Print(expr),
        };
    }

    static string Element(CapturedElement element)
    {
        if (element.Type == ExprType.Float)
            throw new InvalidOperationException("A float has no range.");
        string kind = element.Type == ExprType.Int ? "IntRange" : "Truth";
        string table = element.Capture.Name;
        return element.Indices.Count switch
        {
            1 => $"{kind}.Of({table}, {Print(element.Indices[0])})",
            2 => $"{kind}.Of({table}, {Print(element.Indices[0])}, {Length(element, 1)}, {Print(element.Indices[1])})",
            _ => $"{kind}.Of({table}, IntRange.Flat({Print(element.Indices[0])}, {Length(element, 1)}, {Print(element.Indices[1])}), {Length(element, 2)}, {Print(element.Indices[2])})",
        };
    }

    static string Length(CapturedElement element, int dimension) => ScalarPrinter.Print(new CapturedLength(element.Capture, dimension));

    static string Symbol(BinaryOperator op) => op switch
    {
        BinaryOperator.And => "&",
        BinaryOperator.Or => "|",
        _ => ScalarPrinter.Symbol(op),
    };

    static string Operand(Expr expr) =>
        expr is Binary { Operator: not (BinaryOperator.Minimum or BinaryOperator.Maximum) } ? $"({Print(expr)})" : Print(expr);
}
