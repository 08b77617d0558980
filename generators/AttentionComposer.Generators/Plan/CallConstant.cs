using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>
/// Integers that are the same for all of a call's queries and keys: captured numbers and what is computed of them, the length of a captured
/// array, an element of one for each sequence of a batch.
/// </summary>
static class CallConstant
{
    /// <summary>The expression without its locals, if it is such a number; otherwise null. Plain constants are not.</summary>
    /// <param name="expr">An expression.</param>
    /// <param name="locals">The values of locals in it.</param>
    public static Expr? Of(Expr expr, IReadOnlyDictionary<string, Expr> locals) => expr switch
    {
        Local local => locals.TryGetValue(local.Name, out Expr value) ? Of(value, locals) : null,
        { Type: not ExprType.Int } => null,
        CapturedLength { Capture.Rank: 1 } => expr,
        CapturedElement { Indices: { Count: 1 } indices } when indices[0] is Variable { Kind: VariableKind.Batch } or IntConstant => expr,
        _ => Computed(expr, locals) is { } computed and not IntConstant ? computed : null,
    };

    // Arithmetic that cannot fail: no division, and no element that might not exist.
    static Expr? Computed(Expr expr, IReadOnlyDictionary<string, Expr> locals) => expr switch
    {
        IntConstant or CapturedScalar { Type: ExprType.Int } => expr,
        Local local => locals.TryGetValue(local.Name, out Expr value) ? Computed(value, locals) : null,
        Unary { Operator: UnaryOperator.Negate } unary => Computed(unary.Operand, locals) is { } operand ? Expr.Of(unary.Operator, operand) : null,
        Binary
        {
            Operator: BinaryOperator.Add or BinaryOperator.Subtract or BinaryOperator.Multiply or BinaryOperator.Minimum or BinaryOperator.Maximum, Type: ExprType.Int,
        } binary => Computed(binary.Left, locals) is { } left && Computed(binary.Right, locals) is { } right ? Expr.Of(binary.Operator, left, right) : null,
        _ => null,
    };

    /// <summary>The number as the user's code calls it.</summary>
    public static string Text(Expr constant) => constant switch
    {
        CapturedScalar scalar => scalar.Capture.Access,
        CapturedLength length => length.Capture.Access + ".Length",
        CapturedElement element => $"{element.Capture.Access}[{(element.Indices[0] is IntConstant index ? Text(index) : "batch")}]",
        IntConstant number => number.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
        Unary unary => "-" + Operand(unary.Operand),
        Binary { Operator: BinaryOperator.Minimum } least => $"min({Text(least.Left)}, {Text(least.Right)})",
        Binary { Operator: BinaryOperator.Maximum } most => $"max({Text(most.Left)}, {Text(most.Right)})",
        Binary binary => $"{Operand(binary.Left)} {(binary.Operator switch { BinaryOperator.Add => "+", BinaryOperator.Subtract => "-", _ => "*" })} {Operand(binary.Right)}",
        _ => throw new System.InvalidOperationException($"No text of {constant}."),
    };

    static string Operand(Expr expr) => expr is Binary { Operator: BinaryOperator.Add or BinaryOperator.Subtract } ? $"({Text(expr)})" : Text(expr);
}
