using System;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Prints an expression as scalar C# that ILGPU compiles. Where a device's instruction differs from C#'s operator or function, the runtime's
/// DeviceMath has C#'s.
/// </summary>
static class DevicePrinter
{
    /// <summary>Prints the ends of key intervals.</summary>
    public static readonly IntervalPrinter Intervals = new("DeviceMath.Position", CallConstant);

    public static string Print(Expr expr) => expr switch
    {
        Variable variable => Name(variable.Kind),
        CapturedLength { Capture.Rank: 1 } length => $"captured.{ScalarPrinter.FieldOf(length.Capture)}.IntLength",
        CapturedLength length => LengthOf(length.Capture, length.Dimension),
        TableElement element => $"captured.{element.Name}[{Print(element.Index)}]",
        ToFloat { Operand: var operand } => $"(float){Operand(operand)}",
        ToInt { Operand: var operand } => $"(int){Operand(operand)}",
        Unary unary => PrintUnary(unary),
        Binary binary => PrintBinary(binary),
        Select select => $"{Operand(select.Condition)} ? {Operand(select.WhenTrue)} : {Operand(select.WhenFalse)}",
        _ => ScalarPrinter.Print(expr),
    };

    /// <summary>An element of a captured table; 0 outside of it.</summary>
    public static string Element(CapturedElement element)
    {
        Expr flat = element.Indices[0];
        for (int i = 1; i < element.Indices.Count; i++)
            flat = Expr.Add(Expr.Multiply(flat, new CapturedLength(element.Capture, i)), element.Indices[i]);
        string text = $"DeviceMath.At(captured.{ScalarPrinter.FieldOf(element.Capture)}, {Print(flat)})";
        return element.Type == ExprType.Bool ? text + " != 0" : text;
    }

    public static string Name(VariableKind variable) => variable switch
    {
        VariableKind.Score => "logit", // what the stages before made of it
        VariableKind.KeyValueHead => "keyValueHead",
        VariableKind.Batch => "batch",
        _ => ScalarPrinter.Name(variable),
    };

    static string CallConstant(Expr number, string unknown) => number switch
    {
        CapturedElement element => $"DeviceMath.At(captured.{ScalarPrinter.FieldOf(element.Capture)}, {Print(element.Indices[0])}, otherwise: {unknown})",
        _ => Operand(number),
    };

    /// <summary>The field that holds the length of one dimension of a table of several.</summary>
    public static string LengthField(Capture table, int dimension)
    {
        string name = ScalarPrinter.LengthName(table, dimension);
        return char.ToUpperInvariant(name[0]) + name.Substring(1);
    }

    static string LengthOf(Capture table, int dimension) => "captured." + LengthField(table, dimension);

    static string PrintUnary(Unary unary)
    {
        string operand = Print(unary.Operand);
        return unary.Operator switch
        {
            UnaryOperator.Negate => $"-{Operand(unary.Operand)}",
            UnaryOperator.Not => $"!{Operand(unary.Operand)}",
            UnaryOperator.Complement => $"~{Operand(unary.Operand)}",
            UnaryOperator.Sign or UnaryOperator.PopCount or UnaryOperator.Tanh => $"DeviceMath.{unary.Operator}({operand})",
            UnaryOperator.Abs when unary.Type == ExprType.Int => $"Math.Abs({operand})",
            UnaryOperator.Round => $"XMath.RoundToEven({operand})",
            var function => $"XMath.{function}({operand})",
        };
    }

    static string PrintBinary(Binary binary)
    {
        string left = Print(binary.Left), right = Print(binary.Right);
        bool floats = binary.Left.Type == ExprType.Float;
        switch (binary.Operator)
        {
            case BinaryOperator.Minimum: return $"{(floats ? "DeviceMath" : "Math")}.Min({left}, {right})";
            case BinaryOperator.Maximum: return $"{(floats ? "DeviceMath" : "Math")}.Max({left}, {right})";
            case BinaryOperator.Power: return $"XMath.Pow({left}, {right})";
            case BinaryOperator.Remainder when floats: return $"XMath.Rem({left}, {right})";
            case BinaryOperator.Divide or BinaryOperator.Remainder when !floats && binary.Right is not IntConstant { Value: not (0 or -1) }:
                return $"DeviceMath.{binary.Operator}({left}, {right})";
            case BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight or BinaryOperator.ShiftRightUnsigned when binary.Right is not IntConstant:
                return $"{Operand(binary.Left)} {ScalarPrinter.Symbol(binary.Operator)} ({Operand(binary.Right)} & 31)"; // a device shifts everything out
        }

        return $"{Operand(binary.Left)} {ScalarPrinter.Symbol(binary.Operator)} {Operand(binary.Right)}";
    }

    static string Operand(Expr expr) =>
        expr is Binary binary && !IsCall(binary) || expr is ToFloat or ToInt or Select or IntConstant { Value: < 0 } or FloatConstant { Value: < 0 }
            ? $"({Print(expr)})"
            : Print(expr);

    static bool IsCall(Binary binary) => binary.Operator is BinaryOperator.Minimum or BinaryOperator.Maximum or BinaryOperator.Power;
}
