using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>
/// By how much an expression grows when query and key both move on by one position. What does not change at all depends on their distance
/// alone, however it is written.
/// </summary>
/// <param name="locals">The values of locals.</param>
sealed class PositionDrift(IReadOnlyDictionary<string, Expr> locals)
{
    const int MaxFactor = 1 << 12;

    /// <summary>The growth, or null where it is not the same everywhere.</summary>
    public int? Of(Expr expr) => expr switch
    {
        Variable { Kind: VariableKind.Key or VariableKind.Query } => 1,
        Variable { Kind: VariableKind.Score } => null,
        Local local => Of(locals[local.Name]),
        Unary { Operator: UnaryOperator.Negate } negated => -Of(negated.Operand),
        Binary { Operator: BinaryOperator.Add, Type: ExprType.Int } sum => Of(sum.Left) + Of(sum.Right),
        Binary { Operator: BinaryOperator.Subtract, Type: ExprType.Int } difference => Of(difference.Left) - Of(difference.Right),
        Binary { Operator: BinaryOperator.Multiply, Right: IntConstant { Value: < MaxFactor and > -MaxFactor } factor } product => Of(product.Left) * factor.Value,
        Binary { Operator: BinaryOperator.Multiply, Left: IntConstant { Value: < MaxFactor and > -MaxFactor } factor } product => Of(product.Right) * factor.Value,
        Binary comparison when Binary.IsComparison(comparison.Operator) && IsPosition(comparison.Left) && IsPosition(comparison.Right) => 0,
        _ => expr.Operands.All(operand => Of(operand) == 0) ? 0 : null,
    };

    // Comparisons of positions keep their answer when both move: positions are far from where integers wrap around.
    bool IsPosition(Expr expr) => expr switch
    {
        Variable { Kind: VariableKind.Key or VariableKind.Query } => true,
        Local local => IsPosition(locals[local.Name]),
        Binary { Operator: BinaryOperator.Add or BinaryOperator.Subtract, Right: IntConstant { Value: < MaxFactor and > -MaxFactor } } moved => IsPosition(moved.Left),
        _ => false,
    };
}
