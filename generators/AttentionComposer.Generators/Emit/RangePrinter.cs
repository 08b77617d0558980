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
    public static readonly Expr QueryMinusKey = Expr.Subtract(Expr.Query, Expr.Key);

    /// <summary>The declarations of a function's locals.</summary>
    public static IEnumerable<string> Locals(FunctionSpec function) =>
        from definition in function.Locals
        where definition.Local.Type != ExprType.Float
        select Declaration(definition);

    /// <summary>The declaration of a local that is no float.</summary>
    public static string Declaration(LocalDefinition definition, string? distance = null) =>
        $"{(definition.Local.Type == ExprType.Int ? "IntRange" : "Truth")} {definition.Local.Name} = {Print(definition.Value, distance)};";

    /// <summary>An expression of integers or conditions.</summary>
    /// <param name="expr">The expression.</param>
    /// <param name="distance">What <c>query - key</c> is called, where more is known of it than of query and key.</param>
    public static string Print(Expr expr, string? distance = null)
    {
        if (distance is not null && expr == QueryMinusKey)
            return distance;
        if (expr is ToInt)
            return "IntRange.Any";
        if (expr is OutsideOf outside)
            return $"IntRange.Outside({Print(outside.Index, distance)}, {ScalarPrinter.Print(new CapturedLength(outside.Capture, outside.Dimension))})";
        if (expr is Binary or Unary && expr.Operands.Any(operand => operand.Type == ExprType.Float))
            return expr.Type == ExprType.Bool ? "Truth.Sometimes" : "IntRange.Any";
        return expr switch
        {
            Local local => local.Name,
            CapturedElement element => Element(element, distance),
            Select select => $"{(select.Type == ExprType.Int ? "IntRange" : "Truth")}.Select({Print(select.Condition, distance)}, {Print(select.WhenTrue, distance)}, {Print(select.WhenFalse, distance)})",
            Unary { Operator: UnaryOperator.Abs } unary => $"IntRange.Abs({Print(unary.Operand, distance)})",
            Unary { Operator: UnaryOperator.Sign } => "new IntRange(-1, 1)",
            Unary { Operator: UnaryOperator.PopCount } unary => $"IntRange.PopCount({Print(unary.Operand, distance)})",
            Unary { Operator: UnaryOperator.Not } unary => $"!{Operand(unary.Operand, distance)}",
            Unary { Operator: UnaryOperator.Complement } unary => $"~{Operand(unary.Operand, distance)}",
            Unary { Operator: UnaryOperator.Negate } unary => $"-{Operand(unary.Operand, distance)}",
            Binary { Operator: BinaryOperator.Minimum } binary => $"IntRange.Least({Print(binary.Left, distance)}, {Print(binary.Right, distance)})",
            Binary { Operator: BinaryOperator.Maximum } binary => $"IntRange.Most({Print(binary.Left, distance)}, {Print(binary.Right, distance)})",
            Binary { Operator: BinaryOperator.Equal, Left.Type: ExprType.Bool } binary => $"!({Operand(binary.Left, distance)} ^ {Operand(binary.Right, distance)})",
            Binary { Operator: BinaryOperator.NotEqual, Left.Type: ExprType.Bool } binary => $"{Operand(binary.Left, distance)} ^ {Operand(binary.Right, distance)}",
            Binary binary => $"{Operand(binary.Left, distance)} {Symbol(binary.Operator)} {Operand(binary.Right, distance)}",
            Variable { Kind: VariableKind.KeyValueHead } => "keyValueHead",
            Variable { Kind: VariableKind.Batch } => "batch",
            _ => ScalarPrinter.Print(expr),
        };
    }

    static string Element(CapturedElement element, string? distance)
    {
        if (element.Type == ExprType.Float)
            throw new InvalidOperationException("A float has no range.");
        string kind = element.Type == ExprType.Int ? "IntRange" : "Truth";
        string table = element.Capture.Name;
        return element.Indices.Count switch
        {
            1 => $"{kind}.Of({table}, {Print(element.Indices[0], distance)})",
            2 => $"{kind}.Of({table}, {Print(element.Indices[0], distance)}, {Length(element, 1)}, {Print(element.Indices[1], distance)})",
            _ => $"{kind}.Of({table}, IntRange.Flat({Print(element.Indices[0], distance)}, {Length(element, 1)}, {Print(element.Indices[1], distance)}), {Length(element, 2)}, {Print(element.Indices[2], distance)})",
        };
    }

    static string Length(CapturedElement element, int dimension) => ScalarPrinter.Print(new CapturedLength(element.Capture, dimension));

    static string Symbol(BinaryOperator op) => op switch
    {
        BinaryOperator.And => "&",
        BinaryOperator.Or => "|",
        _ => ScalarPrinter.Symbol(op),
    };

    static string Operand(Expr expr, string? distance) =>
        expr is Binary { Operator: not (BinaryOperator.Minimum or BinaryOperator.Maximum) } ? $"({Print(expr, distance)})" : Print(expr, distance);
}
