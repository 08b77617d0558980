using System;
using System.Collections.Generic;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Prints an expression over vectors whose lanes are neighbouring keys. Parts that are the same for all keys of a row stay
/// scalar; table elements among them become locals that the caller declares before its loop over keys.
/// </summary>
sealed class SimdPrinter(int bits)
{
    readonly string _vector = $"Vector{bits}";
    readonly List<string> _rowLocals = [];

    /// <summary>Declarations that belong before the loop over keys, in order.</summary>
    public IReadOnlyList<string> RowLocals => _rowLocals;

    /// <summary>The expression as a vector: of floats, ints or, for conditions, ints that are 0 or all ones.</summary>
    public string Vector(Expr expr)
    {
        if (!expr.VariesWithKey)
            return $"{_vector}.Create({Uniform(expr)})";
        return expr switch
        {
            Variable { Kind: VariableKind.Score } => "logit",
            Variable variable => ScalarPrinter.Name(variable.Kind),
            ToFloat { Operand: var operand } => $"{_vector}.ConvertToSingle({Vector(operand)})",
            Unary { Operator: UnaryOperator.Negate } unary => $"-{Operand(unary.Operand)}",
            Unary { Operator: UnaryOperator.Abs } unary => $"{_vector}.Abs({Vector(unary.Operand)})",
            Unary { Operator: UnaryOperator.Tanh } unary => $"VectorMath.Tanh({Vector(unary.Operand)})",
            Binary { Operator: BinaryOperator.Multiply } product => $"{Factor(product.Left)} * {Factor(product.Right)}",
            Binary { Operator: BinaryOperator.Add } sum => $"{Operand(sum.Left)} + {Operand(sum.Right)}",
            Binary { Operator: BinaryOperator.Subtract } difference => $"{Operand(difference.Left)} - {Operand(difference.Right)}",
            Binary { Operator: BinaryOperator.Divide } quotient => $"{Operand(quotient.Left)} / {Operand(quotient.Right)}",
            Binary { Operator: BinaryOperator.And } and => $"{Operand(and.Left)} & {Operand(and.Right)}",
            Binary { Operator: BinaryOperator.Or } or => $"{Operand(or.Left)} | {Operand(or.Right)}",
            Binary { Operator: BinaryOperator.LessThan } less => $"{_vector}.LessThan({Vector(less.Left)}, {Vector(less.Right)})",
            Binary { Operator: BinaryOperator.LessThanOrEqual } less => $"{_vector}.LessThanOrEqual({Vector(less.Left)}, {Vector(less.Right)})",
            _ => throw new InvalidOperationException($"No vector form of {expr}."),
        };
    }

    // Vector types multiply by a scalar as they are.
    string Factor(Expr expr) => expr.VariesWithKey ? Operand(expr) : Uniform(expr);

    string Operand(Expr expr) => expr is Binary { VariesWithKey: true } binary && !IsComparison(binary.Operator) ? $"({Vector(expr)})" : Vector(expr);

    string Uniform(Expr expr)
    {
        if (expr is not TableElement element)
            return ScalarPrinter.Print(expr);
        string declaration = $"float {element.ElementName} = {ScalarPrinter.Print(element)};";
        if (!_rowLocals.Contains(declaration))
            _rowLocals.Add(declaration);
        return element.ElementName;
    }

    static bool IsComparison(BinaryOperator op) => op is BinaryOperator.LessThan or BinaryOperator.LessThanOrEqual;
}
