using System;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Emit;

/// <summary>Prints an expression as scalar C#.</summary>
static class ScalarPrinter
{
    /// <param name="expr">The expression.</param>
    /// <param name="key">What the key is called.</param>
    public static string Print(Expr expr, string key = "key") =>
        expr switch
        {
            FloatConstant constant => Literal.Of(constant.Value),
            IntConstant constant => Literal.Of(constant.Value),
            BoolConstant constant => Literal.Of(constant.Value),
            Variable { Kind: VariableKind.Key } => key,
            Variable variable => Name(variable.Kind),
            Local local => local.Name,
            CapturedScalar scalar => "captured." + FieldOf(scalar.Capture),
            CapturedLength { Capture.Rank: 1 } length => length.Capture.Name + ".Length",
            CapturedLength length => LengthName(length.Capture, length.Dimension),
            CapturedElement element => $"TableLoad.At({element.Capture.Name}, {Print(element.Flat, key)})",
            OutsideOf outside => $"TableLoad.IsOutside({Print(outside.Index, key)}, {Print(new CapturedLength(outside.Capture, outside.Dimension), key)})",
            ToFloat { Operand: var operand } => $"(float){Operand(operand, key)}",
            ToInt { Operand: var operand } => $"(int){Operand(operand, key)}",
            Unary unary => PrintUnary(unary, key),
            Binary { Operator: BinaryOperator.Minimum } binary => $"Math.Min({Print(binary.Left, key)}, {Print(binary.Right, key)})",
            Binary { Operator: BinaryOperator.Maximum } binary => $"Math.Max({Print(binary.Left, key)}, {Print(binary.Right, key)})",
            Binary { Operator: BinaryOperator.Power } binary => $"MathF.Pow({Print(binary.Left, key)}, {Print(binary.Right, key)})",
            Binary binary => $"{Operand(binary.Left, key)} {Symbol(binary.Operator)} {Operand(binary.Right, key)}",
            Select select => $"{Operand(select.Condition, key)} ? {Operand(select.WhenTrue, key)} : {Operand(select.WhenFalse, key)}",
            TableElement element => $"{element.Name}[{Print(element.Index, key)}]",
            _ => throw new InvalidOperationException($"No scalar form of {expr}."),
        };

    public static string Name(VariableKind variable) => variable switch
    {
        VariableKind.Score => "score",
        VariableKind.Head => "head",
        VariableKind.Query => "query",
        VariableKind.Key => "key",
        VariableKind.KeyValueHead => "call.KeyValueHead",
        VariableKind.Batch => "call.Batch",
        _ => throw new InvalidOperationException($"No name for {variable}."),
    };

    public static string TypeName(ExprType type) => type switch
    {
        ExprType.Float => "float",
        ExprType.Int => "int",
        _ => "bool",
    };

    /// <summary>The field that holds a captured value during a call.</summary>
    public static string FieldOf(Capture capture) => char.ToUpperInvariant(capture.Name[0]) + capture.Name.Substring(1);

    /// <summary>The local that holds the length of one dimension of a table of several.</summary>
    public static string LengthName(Capture table, int dimension) => (table.Rank, dimension) switch
    {
        (2, 0) => table.Name + "Rows",
        (2, 1) => table.Name + "Columns",
        _ => table.Name + "Length" + Literal.Of(dimension),
    };

    public static string Symbol(BinaryOperator op) => op switch
    {
        BinaryOperator.Add => "+",
        BinaryOperator.Subtract => "-",
        BinaryOperator.Multiply => "*",
        BinaryOperator.Divide => "/",
        BinaryOperator.Remainder => "%",
        BinaryOperator.And => "&&",
        BinaryOperator.Or => "||",
        BinaryOperator.BitAnd => "&",
        BinaryOperator.BitOr => "|",
        BinaryOperator.ExclusiveOr => "^",
        BinaryOperator.ShiftLeft => "<<",
        BinaryOperator.ShiftRight => ">>",
        BinaryOperator.ShiftRightUnsigned => ">>>",
        BinaryOperator.LessThan => "<",
        BinaryOperator.LessThanOrEqual => "<=",
        BinaryOperator.Equal => "==",
        BinaryOperator.NotEqual => "!=",
        _ => throw new InvalidOperationException($"No symbol for {op}."),
    };

    static string PrintUnary(Unary unary, string key)
    {
        string operand = Print(unary.Operand, key);
        return unary.Operator switch
        {
            UnaryOperator.Negate => $"-{Operand(unary.Operand, key)}",
            UnaryOperator.Not => $"!{Operand(unary.Operand, key)}",
            UnaryOperator.Complement => $"~{Operand(unary.Operand, key)}",
            UnaryOperator.Abs => $"Math.Abs({operand})",
            UnaryOperator.Sign when unary.Operand.Type == ExprType.Int => $"Math.Sign({operand})",
            UnaryOperator.Sign or UnaryOperator.PopCount => $"LaneMath.{unary.Operator}({operand})",
            var function => $"MathF.{function}({operand})",
        };
    }

    static string Operand(Expr expr, string key) =>
        expr is Binary { Operator: not (BinaryOperator.Minimum or BinaryOperator.Maximum or BinaryOperator.Power) } or ToFloat or ToInt or Select
            or IntConstant { Value: < 0 } or FloatConstant { Value: < 0 }
            ? $"({Print(expr, key)})"
            : Print(expr, key);
}
