using System;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Emit;

/// <summary>Prints an expression as scalar C#.</summary>
static class ScalarPrinter
{
    public static string Print(Expr expr) =>
        expr switch
        {
            FloatConstant constant => Literal.Of(constant.Value),
            IntConstant constant => Literal.Of(constant.Value),
            Variable variable => Name(variable.Kind),
            ToFloat { Operand: var operand } => $"(float){Operand(operand)}",
            Unary { Operator: UnaryOperator.Negate } unary => $"-{Operand(unary.Operand)}",
            Unary { Operator: UnaryOperator.Abs } unary => $"Math.Abs({Print(unary.Operand)})",
            Unary { Operator: UnaryOperator.Tanh } unary => $"MathF.Tanh({Print(unary.Operand)})",
            Binary binary => $"{Operand(binary.Left)} {Symbol(binary.Operator)} {Operand(binary.Right)}",
            TableElement element => $"{element.Name}[{Print(element.Index)}]",
            _ => throw new InvalidOperationException($"No scalar form of {expr}."),
        };

    public static string Name(VariableKind variable) => variable switch
    {
        VariableKind.Score => "score",
        VariableKind.Head => "head",
        VariableKind.Query => "query",
        VariableKind.Key => "key",
        _ => throw new InvalidOperationException($"No name for {variable}."),
    };

    static string Operand(Expr expr) => expr is Binary or ToFloat ? $"({Print(expr)})" : Print(expr);

    static string Symbol(BinaryOperator op) => op switch
    {
        BinaryOperator.Add => "+",
        BinaryOperator.Subtract => "-",
        BinaryOperator.Multiply => "*",
        BinaryOperator.Divide => "/",
        BinaryOperator.And => "&&",
        BinaryOperator.Or => "||",
        BinaryOperator.LessThan => "<",
        BinaryOperator.LessThanOrEqual => "<=",
        _ => throw new InvalidOperationException($"No symbol for {op}."),
    };
}
