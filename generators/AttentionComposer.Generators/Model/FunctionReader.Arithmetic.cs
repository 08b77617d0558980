using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace AttentionComposer.Generators.Model;

/// <remarks>Conversions and operators.</remarks>
sealed partial class FunctionReader
{
    object Conversion(IConversionOperation conversion, Environment environment, Expr? path, string? name)
    {
        ITypeSymbol? from = conversion.Operand.Type, to = conversion.Type;
        if (conversion.OperatorMethod is not null)
        {
            // Array to span, memory to span: the same elements.
            return IsTable(from) && IsTable(to) ? Value(conversion.Operand, environment, path, name) : throw Type(TryType(to) is null ? to : from, conversion);
        }

        if (IsTable(from) && IsTable(to) || to is { IsTupleType: true })
            return Value(conversion.Operand, environment, path, name);
        if (TryType(to) is not { } type)
            throw Type(to, conversion);
        if (conversion.IsChecked)
            RefuseChecked(conversion);
        Expr operand = Scalar(Value(conversion.Operand, environment, path, name), conversion.Operand.Syntax);
        return (operand.Type, type) switch
        {
            (ExprType.Int, ExprType.Float) when IsUnsigned(from) => UnsignedToFloat(operand),
            (ExprType.Float, ExprType.Int) when IsUnsigned(to) => throw Refuse(Descriptors.UnsupportedType, conversion.Syntax, "uint", "convert the float to an int, and that to a uint"),
            _ => Narrow(Convert(operand, type, conversion), to!),
        };
    }

    Expr Convert(Expr operand, ExprType type, IOperation operation) => (operand.Type, type) switch
    {
        (ExprType.Int, ExprType.Float) => Expr.ToFloat(operand),
        (ExprType.Float, ExprType.Int) => Expr.ToInt(operand),
        var (from, to) when from == to => operand,
        _ => throw Unknown(operation),
    };

    /// <summary>An int as a smaller integer keeps it.</summary>
    Expr Narrow(Expr operand, ITypeSymbol to) => IntegerOf(to) switch
    {
        SpecialType.System_Byte when !BoundsOf(operand).IsWithin(byte.MinValue, byte.MaxValue) => Expr.Of(BinaryOperator.BitAnd, operand, Expr.Int(byte.MaxValue)),
        SpecialType.System_UInt16 when !BoundsOf(operand).IsWithin(ushort.MinValue, ushort.MaxValue) => Expr.Of(BinaryOperator.BitAnd, operand, Expr.Int(ushort.MaxValue)),
        SpecialType.System_SByte when !BoundsOf(operand).IsWithin(sbyte.MinValue, sbyte.MaxValue) => SignExtend(operand, 24),
        SpecialType.System_Int16 when !BoundsOf(operand).IsWithin(short.MinValue, short.MaxValue) => SignExtend(operand, 16),
        _ => operand,
    };

    static Expr SignExtend(Expr operand, int bits) => Expr.Of(BinaryOperator.ShiftRight, Expr.Of(BinaryOperator.ShiftLeft, operand, Expr.Int(bits)), Expr.Int(bits));

    // Both halves are exact, so that only their sum is rounded.
    static Expr UnsignedToFloat(Expr operand) => Expr.Add(
        Expr.Multiply(Expr.ToFloat(Expr.Of(BinaryOperator.ShiftRightUnsigned, operand, Expr.Int(16))), Expr.Float(65536)),
        Expr.ToFloat(Expr.Of(BinaryOperator.BitAnd, operand, Expr.Int(0xFFFF))));

    Expr Unary(IUnaryOperation unary, Expr operand) => unary.OperatorKind switch
    {
        UnaryOperatorKind.Plus => operand,
        UnaryOperatorKind.Minus => Expr.Of(UnaryOperator.Negate, operand),
        UnaryOperatorKind.Not => Expr.Not(operand),
        UnaryOperatorKind.BitwiseNegation => Expr.Of(UnaryOperator.Complement, operand),
        _ => throw Unknown(unary),
    };

    static bool IsComparison(BinaryOperatorKind kind) =>
        kind is BinaryOperatorKind.Equals or BinaryOperatorKind.NotEquals or BinaryOperatorKind.LessThan or BinaryOperatorKind.LessThanOrEqual
            or BinaryOperatorKind.GreaterThan or BinaryOperatorKind.GreaterThanOrEqual;

    Expr Comparison(IBinaryOperation binary, Expr left, Expr right)
    {
        ITypeSymbol? type = binary.LeftOperand.Type;
        return binary.OperatorKind switch
        {
            BinaryOperatorKind.Equals => Compare(BinaryOperator.Equal, left, right, type, binary.Syntax),
            BinaryOperatorKind.NotEquals => Compare(BinaryOperator.NotEqual, left, right, type, binary.Syntax),
            BinaryOperatorKind.LessThan => Compare(BinaryOperator.LessThan, left, right, type, binary.Syntax),
            BinaryOperatorKind.GreaterThan => Compare(BinaryOperator.LessThan, right, left, type, binary.Syntax),
            BinaryOperatorKind.LessThanOrEqual => Compare(BinaryOperator.LessThanOrEqual, left, right, type, binary.Syntax),
            _ => Compare(BinaryOperator.LessThanOrEqual, right, left, type, binary.Syntax),
        };
    }

    Expr Compare(BinaryOperator op, Expr left, Expr right, ITypeSymbol? type, SyntaxNode syntax)
    {
        if (left.Type != right.Type)
            throw Refuse(Descriptors.Untranslatable, syntax, $"'{syntax}', which compares different types", "convert one of them");
        bool ordersBits = op is BinaryOperator.LessThan or BinaryOperator.LessThanOrEqual && IsUnsigned(type);
        return ordersBits ? Expr.Of(op, WithoutSign(left), WithoutSign(right)) : Expr.Of(op, left, right);
    }

    // With the highest bit turned over, signed order is unsigned order.
    static Expr WithoutSign(Expr bits) => Expr.Of(BinaryOperator.ExclusiveOr, bits, Expr.Int(int.MinValue));

    Expr Arithmetic(BinaryOperatorKind kind, Expr left, Expr right, bool isUnsigned, IOperation operation)
    {
        if (left.Type != right.Type && kind is not (BinaryOperatorKind.LeftShift or BinaryOperatorKind.RightShift or BinaryOperatorKind.UnsignedRightShift))
            throw Unknown(operation);
        bool truth = left.Type == ExprType.Bool;
        switch (kind)
        {
            case BinaryOperatorKind.Add: return Expr.Add(left, right);
            case BinaryOperatorKind.Subtract: return Expr.Subtract(left, right);
            case BinaryOperatorKind.Multiply: return Expr.Multiply(left, right);
            case BinaryOperatorKind.And: return Expr.Of(truth ? BinaryOperator.And : BinaryOperator.BitAnd, left, right);
            case BinaryOperatorKind.Or: return Expr.Of(truth ? BinaryOperator.Or : BinaryOperator.BitOr, left, right);
            case BinaryOperatorKind.ExclusiveOr: return Expr.Of(truth ? BinaryOperator.NotEqual : BinaryOperator.ExclusiveOr, left, right);
            case BinaryOperatorKind.LeftShift: return Expr.Of(BinaryOperator.ShiftLeft, left, right);
            case BinaryOperatorKind.RightShift: return Expr.Of(isUnsigned ? BinaryOperator.ShiftRightUnsigned : BinaryOperator.ShiftRight, left, right);
            case BinaryOperatorKind.UnsignedRightShift: return Expr.Of(BinaryOperator.ShiftRightUnsigned, left, right);
            case BinaryOperatorKind.Divide when left.Type == ExprType.Float: return Expr.Divide(left, right);
            case BinaryOperatorKind.Remainder when left.Type == ExprType.Float: return Expr.Of(BinaryOperator.Remainder, left, right);
            case BinaryOperatorKind.Divide or BinaryOperatorKind.Remainder:
                return Quotient(kind == BinaryOperatorKind.Divide, left, right, isUnsigned, operation);
            default: throw Unknown(operation);
        }
    }

    /// <summary>Integer division: by what is not 0, and as a shift or a mask where that is the same.</summary>
    Expr Quotient(bool divides, Expr left, Expr right, bool isUnsigned, IOperation operation)
    {
        bool powerOfTwo = right is IntConstant { Value: var value } && (value & (value - 1)) == 0 && (value > 0 || isUnsigned && value != 0);
        if (isUnsigned && !powerOfTwo)
            throw Refuse(Descriptors.UnsupportedType, operation.Syntax, "uint", "there a uint is divided by powers of two only: shift it right by one bit and divide it as an int");
        if (right is CapturedScalar divisor)
            _captures.MarkDivisor(divisor.Capture);
        else if (BoundsOf(right).Holds(0))
            throw Refuse(Descriptors.DivisionByZero, operation.Syntax, DivisorText(operation));

        if (powerOfTwo && right is IntConstant constant && (isUnsigned || BoundsOf(left).IsNatural))
        {
            if (constant.Value == 1)
                return divides ? left : Expr.Int(0);
            int shift = 0;
            while (1 << shift != constant.Value)
                shift++;
            return divides
                ? Expr.Of(isUnsigned ? BinaryOperator.ShiftRightUnsigned : BinaryOperator.ShiftRight, left, Expr.Int(shift))
                : Expr.Of(BinaryOperator.BitAnd, left, Expr.Int(unchecked(constant.Value - 1)));
        }

        return Expr.Of(divides ? BinaryOperator.Divide : BinaryOperator.Remainder, left, right);
    }

    static string DivisorText(IOperation operation) => operation switch
    {
        IBinaryOperation binary => binary.RightOperand.Syntax.ToString(),
        ICompoundAssignmentOperation compound => compound.Value.Syntax.ToString(),
        _ => operation.Syntax.ToString(),
    };
}
