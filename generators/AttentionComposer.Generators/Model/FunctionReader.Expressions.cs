using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Operations;

namespace AttentionComposer.Generators.Model;

/// <remarks>Expressions.</remarks>
sealed partial class FunctionReader
{
    /// <summary>Translates an expression: to an <see cref="Expr"/>, to the <see cref="Capture"/> of an array, or to a <see cref="Tuple"/>.</summary>
    /// <param name="operation">The expression.</param>
    /// <param name="environment">What parameters and locals hold.</param>
    /// <param name="path">Under which condition the expression is reached.</param>
    /// <param name="name">What the value is going to be called, if it gets a name.</param>
    object Value(IOperation operation, Environment environment, Expr? path, string? name = null)
    {
        if (operation.ConstantValue is { HasValue: true, Value: var constant } && operation is not IConversionOperation { Type.SpecialType: SpecialType.System_Double } && constant is not null)
            return Constant(constant, operation);

        Expr Operand(IOperation operand) => Scalar(Value(operand, environment, path), operand.Syntax);
        switch (operation)
        {
            case IParenthesizedOperation inner:
                return Value(inner.Operand, environment, path, name);
            case IParameterReferenceOperation { Parameter: var parameter }:
                return environment[parameter] ?? Captured(operation, parameter.Name, parameter.Type);
            case ILocalReferenceOperation { Local: var local }:
                return environment[local] ?? throw Unknown(operation);
            case IFieldReferenceOperation or IPropertyReferenceOperation { Arguments.IsEmpty: true }:
                return Member((IMemberReferenceOperation)operation, environment, path);
            case IPropertyReferenceOperation { Arguments.Length: 1 } indexer when indexer.Instance is not null && Value(indexer.Instance, environment, path) is Capture { IsMemory: true } memory:
                return Element(memory, [Operand(indexer.Arguments[0].Value)], path, name, operation);
            case IArrayElementReferenceOperation element:
            {
                if (Value(element.ArrayReference, environment, path) is not Capture array)
                    throw Unknown(operation);
                return Element(array, [.. element.Indices.Select(index => FromEnd(index, array, environment, path) ?? Operand(index))], path, name, operation);
            }

            case IConversionOperation conversion:
                return Conversion(conversion, environment, path, name);
            case ITupleOperation tuple:
            {
                var type = ((tuple.Parent as IConversionOperation)?.Type ?? tuple.Type) as INamedTypeSymbol;
                return new Tuple([.. tuple.Elements.Select((element, i) => Named(Value(element, environment, path), type is { IsTupleType: true } ? type.TupleElements[i].Name : "item"))]);
            }

            case IUnaryOperation unary when IsBuiltIn(unary.OperatorMethod):
                return Unary(unary, Operand(unary.Operand));
            case IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalAnd } and:
            {
                Expr left = Operand(and.LeftOperand);
                return Expr.And(left, left is BoolConstant { Value: false } ? left : Scalar(Value(and.RightOperand, environment, Both(path, left)), and.Syntax));
            }

            case IBinaryOperation { OperatorKind: BinaryOperatorKind.ConditionalOr } or:
            {
                Expr left = Operand(or.LeftOperand);
                return Expr.Or(left, left is BoolConstant { Value: true } ? left : Scalar(Value(or.RightOperand, environment, Both(path, Expr.Not(left))), or.Syntax));
            }

            case IBinaryOperation test when IsNull(test.LeftOperand) || IsNull(test.RightOperand):
                throw NullTest(test.Syntax);
            case IBinaryOperation binary when IsBuiltIn(binary.OperatorMethod):
                if (TryType(binary.Type) is null)
                    throw Type(binary.Type, binary);
                if (binary.IsChecked)
                    RefuseChecked(binary);
                return IsComparison(binary.OperatorKind)
                    ? Comparison(binary, Operand(binary.LeftOperand), Operand(binary.RightOperand))
                    : Arithmetic(binary.OperatorKind, Operand(binary.LeftOperand), Operand(binary.RightOperand), IsUnsigned(binary.Type), binary);
            case ITupleBinaryOperation pair when Value(pair.LeftOperand, environment, path) is Tuple left && Value(pair.RightOperand, environment, path) is Tuple right:
            {
                Expr same = left.Items.Zip(right.Items, (x, y) => Compare(BinaryOperator.Equal, Scalar(x, pair.Syntax), Scalar(y, pair.Syntax), null, pair.Syntax)).Aggregate(Expr.And);
                return pair.OperatorKind == BinaryOperatorKind.Equals ? same : Expr.Not(same);
            }

            case IConditionalOperation { WhenFalse: not null } choice:
            {
                Expr condition = Operand(choice.Condition);
                if (condition is BoolConstant known)
                    return Value(known.Value ? choice.WhenTrue : choice.WhenFalse, environment, path);
                return Join(condition, Value(choice.WhenTrue, environment, Both(path, condition)), Value(choice.WhenFalse, environment, Both(path, Expr.Not(condition))), choice.Syntax);
            }

            case ISwitchExpressionOperation choice:
                return SwitchExpression(choice, Named(Value(choice.Value, environment, path), "choice"), environment, path);
            case IIsPatternOperation match:
                return Matches(match.Pattern, Value(match.Value, environment, path), environment, path);
            case IInvocationOperation call:
                return Call(call, environment, path, name);
            case ISimpleAssignmentOperation or ICompoundAssignmentOperation or IIncrementOrDecrementOperation or IDeconstructionAssignmentOperation:
                throw Refuse(Descriptors.SideEffect, operation.Syntax, operation.Syntax.ToString());
            case IAnonymousFunctionOperation or IDelegateCreationOperation:
                throw Refuse(
                    Descriptors.Untranslatable, operation.Syntax, $"'{Short(operation.Syntax)}' as a delegate",
                    "call the function by its name, or choose it by a type parameter with a static abstract method");
            case IObjectCreationOperation or IArrayCreationOperation or IAnonymousObjectCreationOperation
                or IInterpolatedStringOperation or ICollectionExpressionOperation:
                throw Refuse(Descriptors.Allocation, operation.Syntax, operation.Syntax.ToString());
            default:
                throw Unknown(operation);
        }
    }

    /// <summary>Several values in one: what a helper for rows and columns returns.</summary>
    sealed record Tuple(object[] Items);

    object Named(object value, string name) => value is Expr expr ? Define(name, expr) : value;

    /// <summary>Operators of the numbers themselves, be it through the interfaces of generic math.</summary>
    static bool IsBuiltIn(IMethodSymbol? method) => method is null || IsGenericMath(method);

    static bool IsGenericMath(ISymbol member) =>
        member.ContainingType is { TypeKind: TypeKind.Interface } owner && owner.ContainingNamespace.ToDisplayString() == "System.Numerics";

    Expr Constant(object value, IOperation operation) => value switch
    {
        int number => Expr.Int(number),
        uint number => Expr.Int(unchecked((int)number)),
        short number => Expr.Int(number),
        ushort number => Expr.Int(number),
        sbyte number => Expr.Int(number),
        byte number => Expr.Int(number),
        float number => new FloatConstant(number),
        bool truth => Expr.Bool(truth),
        double => throw Double(operation),
        _ => throw Type(operation.Type, operation),
    };

    // array[^n]
    Expr? FromEnd(IOperation index, Capture array, Environment environment, Expr? path) =>
        index is IUnaryOperation { OperatorKind: UnaryOperatorKind.Hat, Operand: var operand } && array.Rank == 1
            ? Expr.Subtract(new CapturedLength(array, 0), Scalar(Value(operand, environment, path), operand.Syntax))
            : null;

    // Where the whole project is checked it is not what this line asks for.
    void RefuseChecked(IOperation operation)
    {
        if (!_compilation.Options.CheckOverflow && TryType(operation.Type) == ExprType.Int)
            throw Refuse(Descriptors.Untranslatable, operation.Syntax, $"'{Short(operation.Syntax)}', which is checked for overflow", "leave out 'checked': integers of a kernel wrap around");
    }

    Expr Scalar(object? value, SyntaxNode syntax) =>
        value as Expr ?? throw Refuse(
            Descriptors.Untranslatable, syntax, $"'{Short(syntax)}' as a value", value is Tuple ? "take it apart" : "read one of its elements");

    /// <summary>A field or property: a constant, something captured, or a getter with a body.</summary>
    object Member(IMemberReferenceOperation member, Environment environment, Expr? path)
    {
        if (member.Instance is not null and not IInstanceReferenceOperation && member is IPropertyReferenceOperation { Property.Name: var property })
        {
            // array.Length, memory.Length, memory.Span, and what a local holds of these
            if (property is "Length" or "Span" && IsTable(member.Instance.Type) && Value(member.Instance, environment, path) is Capture table)
                return property == "Span" ? table : Length(table, null, member);
        }

        if (member is IFieldReferenceOperation { Field: { ContainingType.IsTupleType: true } item, Instance: { } tuple } && Value(tuple, environment, path) is Tuple { Items: var items })
            return items[item.ContainingType.TupleElements.IndexOf(item.ContainingType.TupleElements.First(element => SameItem(element, item)))];
        if (member is IPropertyReferenceOperation { Property: { Name: "Zero" or "One" } number, ConstrainedToType: not null } && IsGenericMath(number))
            return TryType(member.Type) == ExprType.Float ? Expr.Float(number.Name == "One" ? 1 : 0) : Expr.Int(number.Name == "One" ? 1 : 0);

        switch (member)
        {
            case IFieldReferenceOperation { Field: { IsStatic: true, IsReadOnly: false, IsConst: false } field }:
                throw Refuse(Descriptors.MutableStatic, member.Syntax, field.Name);
            case IPropertyReferenceOperation { Property: { IsStatic: true, SetMethod: not null } property1 } when GetterOf(property1) is null:
                throw Refuse(Descriptors.MutableStatic, member.Syntax, property1.Name);
            case IPropertyReferenceOperation { Property: var computed } when GetterOf(computed) is { } getter && (computed.IsStatic || member.Instance is IInstanceReferenceOperation):
                return Inline(getter, Environment.Empty, path, member.Syntax, computed.IsStatic ? null : _receiver);
            default:
                return Captured(member, Access(member), member.Type);
        }
    }

    static bool SameItem(IFieldSymbol element, IFieldSymbol item) =>
        SymbolEqualityComparer.Default.Equals(element.CorrespondingTupleField ?? element, item.CorrespondingTupleField ?? item);

    /// <summary>The getter if it has a body in source; null for a property with a field of its own, automatic or by the keyword.</summary>
    static IMethodSymbol? GetterOf(IPropertySymbol property) =>
        property is { GetMethod: { } getter, IsVirtual: false, IsAbstract: false, IsOverride: false } && SyntaxOf(getter) is not null
        && !property.ContainingType.GetMembers().OfType<IFieldSymbol>().Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, property))
            ? getter
            : null;

    /// <summary>How the pipeline's own code reads a member: a chain of fields and properties from the pipeline or from a static one.</summary>
    string Access(IMemberReferenceOperation member)
    {
        if (!_compilation.IsSymbolAccessibleWithin(member.Member, _pipeline))
            throw Refuse(Descriptors.Untranslatable, member.Syntax, $"'{member.Member.Name}', which the pipeline cannot reach", "make it internal");
        string name = (SyntaxFacts.GetKeywordKind(member.Member.Name) == SyntaxKind.None ? "" : "@") + member.Member.Name;
        return member.Instance switch
        {
            null => member.Member.ContainingType.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat) + "." + name,
            IInstanceReferenceOperation => _receiver is not null ? $"{_receiver}.{name}" : name == "captured" ? "this.captured" : name,
            IMemberReferenceOperation and (IFieldReferenceOperation or IPropertyReferenceOperation { Arguments.IsEmpty: true }) =>
                Access((IMemberReferenceOperation)member.Instance) + "." + name,
            IParameterReferenceOperation { Parameter.ContainingSymbol: IMethodSymbol { MethodKind: MethodKind.Constructor } } parameter =>
                parameter.Parameter.Name + "." + name,
            _ => throw Unknown(member),
        };
    }

    object Captured(IOperation operation, string access, ITypeSymbol? type)
    {
        if (TryType(type) is { } scalar)
            return new CapturedScalar(_captures.Add(access, scalar, 0, isMemory: false, StoredTypeOf(type!)));
        (ITypeSymbol? element, int rank, bool isMemory) = type switch
        {
            IArrayTypeSymbol array => (array.ElementType, array.Rank, false),
            INamedTypeSymbol { Name: "ReadOnlyMemory" or "Memory", Arity: 1 } memory => (memory.TypeArguments[0], 1, true),
            _ => (null, 0, false),
        };
        if (TryType(element) is not { } elementType || rank > 3)
            throw Type(type, operation);
        StoredType? stored = StoredTypeOf(element!);
        if (stored is not null && rank > 1)
            throw Refuse(
                Descriptors.UnsupportedType, operation.Syntax, type!.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat),
                $"its elements would be converted at every call, so make it {(elementType == ExprType.Int ? "int" : "float")}[{new string(',', rank - 1)}]");
        return _captures.Add(access, elementType, rank, isMemory, stored);
    }

    StoredType? StoredTypeOf(ITypeSymbol type)
    {
        string? keyword = IntegerOf(type) switch
        {
            SpecialType.System_Byte => "byte",
            SpecialType.System_SByte => "sbyte",
            SpecialType.System_Int16 => "short",
            SpecialType.System_UInt16 => "ushort",
            SpecialType.System_UInt32 => "uint",
            SpecialType.System_Int32 when type.TypeKind == TypeKind.Enum => "int",
            _ => null,
        };
        return keyword is null ? null : new StoredType(type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat), keyword);
    }

    static bool IsTable(ITypeSymbol? type) => type is IArrayTypeSymbol or INamedTypeSymbol { Name: "ReadOnlyMemory" or "Memory" or "ReadOnlySpan" or "Span" };

    Expr Length(Capture table, Expr? dimension, IOperation operation) => (table.Rank, dimension) switch
    {
        (1, null or IntConstant { Value: 0 }) => new CapturedLength(table, 0),
        ( > 1, IntConstant { Value: >= 0 } constant) when constant.Value < table.Rank => new CapturedLength(table, constant.Value),
        _ => throw Unknown(operation),
    };

    Expr Element(Capture table, Expr[] indices, Expr? path, string? name, IOperation operation)
    {
        if (indices.Length != table.Rank || indices.Any(index => index.Type != ExprType.Int))
            throw Unknown(operation);

        // An index is used twice, to read and to check: it gets a name unless it is short.
        indices = [.. indices.Select((index, i) => IsShort(index) ? index : Define(table.Name + "Index", index))];
        var element = new CapturedElement(table, new EquatableArray<Expr>(indices), path);
        if (_elements.TryGetValue(element, out Local known))
            return known;
        string at = string.Concat(indices.Select(index => NameOf(index)));
        var local = (Local)Define(name ?? (at.Length == 0 ? table.Name + "Element" : $"{table.Name}At{at}"), element);
        _elements.Add(element, local);
        return local;
    }

    static bool IsShort(Expr index) =>
        index is Local or Variable or IntConstant or CapturedScalar or Binary { Operator: BinaryOperator.Add or BinaryOperator.Subtract, Left: Local or Variable, Right: Variable or Local or IntConstant or CapturedScalar };

    static string NameOf(Expr index) => index switch
    {
        Variable variable => variable.Kind.ToString(),
        Local local => char.ToUpperInvariant(local.Name[0]) + local.Name.Substring(1),
        Binary { Operator: BinaryOperator.Subtract, Left: Variable { Kind: VariableKind.Query }, Right: Variable { Kind: VariableKind.Key } } => "Distance",
        _ => "",
    };

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

    object SwitchExpression(ISwitchExpressionOperation choice, object value, Environment environment, Expr? path)
    {
        var arms = new List<(Expr Condition, object Value, SyntaxNode Syntax)>();
        foreach (ISwitchExpressionArmOperation arm in choice.Arms)
        {
            Environment bound = Bind(arm.Pattern, value, environment);
            Expr condition = Matches(arm.Pattern, value, bound, path);
            if (arm.Guard is not null)
                condition = Expr.And(condition, Scalar(Value(arm.Guard, bound, Both(path, condition)), arm.Guard.Syntax));
            if (condition is BoolConstant { Value: false })
                continue;
            arms.Add((condition, Value(arm.Value, bound, condition is BoolConstant ? path : Both(path, condition)), arm.Syntax));
            if (condition is BoolConstant)
                break;
            path = Both(path, Expr.Not(condition));
        }

        if (arms.Count == 0 || arms[arms.Count - 1].Condition is not BoolConstant)
            throw Refuse(Descriptors.Untranslatable, choice.Syntax, "a switch expression that may find no arm", "end it with '_ =>'");
        object result = arms[arms.Count - 1].Value;
        for (int i = arms.Count - 2; i >= 0; i--)
            result = Join(arms[i].Condition, arms[i].Value, result, arms[i].Syntax);
        return result;
    }

    /// <summary>The environment with the names that a pattern gives to values.</summary>
    static Environment Bind(IPatternOperation pattern, object value, Environment environment) => (pattern, value) switch
    {
        (IDeclarationPatternOperation { MatchesNull: true, DeclaredSymbol: { } symbol }, _) => environment.SetItem(symbol, value),
        (IRecursivePatternOperation tuple, Tuple { Items: var items }) when tuple.DeconstructionSubpatterns.Length == items.Length =>
            tuple.DeconstructionSubpatterns.Zip(items, (item, part) => (item, part)).Aggregate(environment, (bound, pair) => Bind(pair.item, pair.part, bound)),
        _ => environment,
    };

    Expr Matches(IPatternOperation pattern, object value, Environment environment, Expr? path)
    {
        Expr Operand(IOperation operand) => Scalar(Value(operand, environment, path), operand.Syntax);
        Expr Compared(BinaryOperator op, Expr left, Expr right) => Compare(op, left, right, pattern.InputType, pattern.Syntax);
        switch (pattern)
        {
            case IDiscardPatternOperation or IDeclarationPatternOperation { MatchesNull: true }:
                return Expr.Bool(true);
            case INegatedPatternOperation not:
                return Expr.Not(Matches(not.Pattern, value, environment, path));
            case IBinaryPatternOperation { OperatorKind: BinaryOperatorKind.And } and:
                return Expr.And(Matches(and.LeftPattern, value, environment, path), Matches(and.RightPattern, value, environment, path));
            case IBinaryPatternOperation or:
                return Expr.Or(Matches(or.LeftPattern, value, environment, path), Matches(or.RightPattern, value, environment, path));
            case IRecursivePatternOperation { PropertySubpatterns.IsEmpty: true, DeclaredSymbol: null } tuple when value is Tuple { Items: var items } && tuple.DeconstructionSubpatterns.Length == items.Length:
                return tuple.DeconstructionSubpatterns.Zip(items, (item, part) => Matches(item, part, environment, path)).Aggregate(Expr.And);
            case IConstantPatternOperation { Value.ConstantValue: { HasValue: true, Value: null } }:
                throw NullTest(pattern.Syntax);
        }

        Expr scalar = Scalar(value, pattern.Syntax);
        return pattern switch
        {
            IConstantPatternOperation constant => Compared(BinaryOperator.Equal, scalar, Operand(constant.Value)),
            IRelationalPatternOperation { OperatorKind: BinaryOperatorKind.LessThan } less => Compared(BinaryOperator.LessThan, scalar, Operand(less.Value)),
            IRelationalPatternOperation { OperatorKind: BinaryOperatorKind.LessThanOrEqual } less => Compared(BinaryOperator.LessThanOrEqual, scalar, Operand(less.Value)),
            IRelationalPatternOperation { OperatorKind: BinaryOperatorKind.GreaterThan } greater => Compared(BinaryOperator.LessThan, Operand(greater.Value), scalar),
            IRelationalPatternOperation greater => Compared(BinaryOperator.LessThanOrEqual, Operand(greater.Value), scalar),
            _ => throw Refuse(Descriptors.Untranslatable, pattern.Syntax, "this pattern", "use constants, comparisons, tuples of them, 'and', 'or' and 'not'"),
        };
    }

    object Call(IInvocationOperation call, Environment environment, Expr? path, string? name)
    {
        IMethodSymbol method = Chosen(call);
        string owner = method.ContainingType.ToDisplayString();
        if (call is { Instance: { } table, Arguments.Length: 1 } && method.Name == "GetLength" && Value(table, environment, path) is Capture array)
            return Length(array, Scalar(Value(call.Arguments[0].Value, environment, path), call.Syntax), call);
        if (method.Name == "AsSpan" && call.Arguments.Length == 1 && IsTable(call.Arguments[0].Value.Type))
            return Value(call.Arguments[0].Value, environment, path);

        bool isGenericMath = method.IsStatic && call.ConstrainedToType is not null && IsGenericMath(method);
        if (isGenericMath || method.IsStatic && owner is "System.Math" or "System.MathF" or "float" or "int" or "bool" or "uint" or "byte" or "sbyte" or "short" or "ushort")
        {
            if (method.ReturnType.SpecialType == SpecialType.System_Double || method.Parameters.Any(parameter => parameter.Type.SpecialType == SpecialType.System_Double))
                throw Refuse(Descriptors.DoubleArithmetic, call.Syntax, call.Syntax.ToString(), $"call MathF.{method.Name} with floats");
            if (call.Arguments.FirstOrDefault(argument => TryType(argument.Value.Type) is null) is { } unknown)
                throw Type(unknown.Value.Type, call);
            if (call.Arguments.Any(argument => IsUnsigned(argument.Value.Type)))
                throw Refuse(Descriptors.UnsupportedType, call.Syntax, "uint", $"{method.Name} takes ints and floats there: convert it");
            Expr[] operands = [.. ByParameter(call).Select(argument => Scalar(Value(argument, environment, path), argument.Syntax))];
            return Intrinsics.Of(method.Name, operands)
                ?? throw Refuse(Descriptors.UnknownCall, call.Syntax, $"{method.ContainingType.Name}.{method.Name}", "which has no vector form here");
        }

        if (method.MethodKind == MethodKind.DelegateInvoke)
            throw Refuse(Descriptors.UnknownCall, call.Syntax, Short(call.Syntax), "a delegate, whose body is known only when it runs");
        if (method.DeclaringSyntaxReferences.IsEmpty)
            throw Refuse(Descriptors.UnknownCall, call.Syntax, $"{method.ContainingType.Name}.{method.Name}", "whose body is not in this project");
        if (method.IsAsync || method.Parameters.Any(parameter => parameter.RefKind is not (RefKind.None or RefKind.In))
            || (method.IsVirtual || method.IsAbstract || method.IsOverride) && !method.ContainingType.IsSealed)
            throw Refuse(Descriptors.UnknownCall, call.Syntax, method.Name, "which is async or virtual, or changes its arguments");

        string? receiver = method.IsStatic || method.MethodKind == MethodKind.LocalFunction ? null : call.Instance switch
        {
            IInstanceReferenceOperation => _receiver,
            IMemberReferenceOperation member and (IFieldReferenceOperation or IPropertyReferenceOperation { Arguments.IsEmpty: true }) => Access(member),
            IParameterReferenceOperation { Parameter: { ContainingSymbol: IMethodSymbol { MethodKind: MethodKind.Constructor } } parameter } => parameter.Name,
            _ => throw Refuse(Descriptors.UnknownCall, call.Syntax, method.Name, "a method of an object that is no field of the pipeline"),
        };
        Environment arguments = method.MethodKind == MethodKind.LocalFunction ? environment : Environment.Empty;
        foreach (IArgumentOperation argument in call.Arguments)
            arguments = arguments.SetItem(BodyOf(method).Parameters[argument.Parameter!.Ordinal], Named(Value(argument.Value, environment, path, argument.Parameter.Name), argument.Parameter.Name));
        return Inline(method, arguments, path, call.Syntax, receiver);
    }

    /// <summary>The method that is called: of a static abstract one, that of the type that stands for the type parameter.</summary>
    IMethodSymbol Chosen(IInvocationOperation call) =>
        call is { ConstrainedToType: { } constrained, TargetMethod: { IsStatic: true } target } && !IsGenericMath(target)
        && Known(constrained, _typeArguments).FindImplementationForInterfaceMember(target) is IMethodSymbol chosen
            ? chosen
            : call.TargetMethod;

    static IEnumerable<IOperation> ByParameter(IInvocationOperation call) =>
        call.Arguments.OrderBy(argument => argument.Parameter!.Ordinal).Select(argument => argument.Value);

    RefusedException Unknown(IOperation operation)
    {
        string what = operation switch
        {
            IThrowOperation => "'throw'",
            ITryOperation => "'try'",
            ILockOperation => "'lock'",
            IUsingOperation => "'using'",
            IAwaitOperation => "'await'",
            IForEachLoopOperation => "'foreach'",
            ICoalesceOperation => "'??'",
            IConditionalAccessOperation => "'?.'",
            IAddressOfOperation => "a pointer",
            IInvalidOperation => "code that does not compile",
            _ => $"'{Short(operation.Syntax)}'",
        };
        return Refuse(Descriptors.Untranslatable, operation.Syntax, what, "docs/writing-variants.md lists what can; compute anything else beforehand into an array that the function reads");
    }

    static bool IsNull(IOperation operand) => operand is { ConstantValue: { HasValue: true, Value: null } };

    RefusedException NullTest(SyntaxNode syntax) => Refuse(
        Descriptors.Untranslatable, syntax, "a test for null", "an array that is missing is refused when a call begins; give an empty one instead and test its Length");

    RefusedException Type(ITypeSymbol? type, IOperation operation) =>
        type?.SpecialType == SpecialType.System_Double ? Double(operation)
        : operation is IInvalidOperation || type is null or IErrorTypeSymbol ? Unknown(operation)
        : Refuse(Descriptors.UnsupportedType, operation.Syntax, type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat), RemedyFor(type));

    static string RemedyFor(ITypeSymbol type)
    {
        ITypeSymbol element = type switch
        {
            IArrayTypeSymbol array => array.ElementType,
            INamedTypeSymbol { Arity: 1 } generic => generic.TypeArguments[0],
            _ => type,
        };
        string shape = type is IArrayTypeSymbol { Rank: var rank } ? $"[{new string(',', rank - 1)}]" : "";
        return (type, element.SpecialType) switch
        {
            (IArrayTypeSymbol { ElementType: IArrayTypeSymbol }, _) => "its rows could differ in length, so make it an array of two dimensions",
            (INamedTypeSymbol { IsValueType: true, OriginalDefinition.SpecialType: SpecialType.System_Nullable_T }, _) => "decide what is read where there is none when the field is set",
            (INamedTypeSymbol { Arity: 1, Name: not ("Memory" or "ReadOnlyMemory") }, _) => "make it an array, or a ReadOnlyMemory of its elements",
            (_, SpecialType.System_Double or SpecialType.System_Decimal) => $"scores are floats, so make it float{shape}",
            (_, SpecialType.System_Int64) => $"an int holds every position, so make it int{shape}; where a uint meets an int C# computes in long: convert one of them",
            (_, SpecialType.System_UInt64 or SpecialType.System_IntPtr or SpecialType.System_UIntPtr or SpecialType.System_Char) => $"make it int{shape} or uint{shape}",
            _ => "functions compute with bool, float, int, uint and smaller integers, and read arrays of them: convert the data beforehand",
        };
    }

    /// <summary>Names the part that makes an expression a double: a literal such as 0.5, or else the whole.</summary>
    RefusedException Double(IOperation operation)
    {
        IOperation culprit = operation.DescendantsAndSelf().FirstOrDefault(inner => inner is ILiteralOperation { Type.SpecialType: SpecialType.System_Double })
            ?? operation.DescendantsAndSelf().FirstOrDefault(inner => inner is IInvocationOperation { Type.SpecialType: SpecialType.System_Double })
            ?? operation;
        return culprit switch
        {
            ILiteralOperation => Refuse(Descriptors.DoubleArithmetic, culprit.Syntax, culprit.Syntax.ToString(), $"write {culprit.Syntax}f"),
            IInvocationOperation call => Refuse(
                Descriptors.DoubleArithmetic, culprit.Syntax, Short(culprit.Syntax), $"call MathF.{call.TargetMethod.Name} with floats"),
            _ => Refuse(Descriptors.DoubleArithmetic, culprit.Syntax, Short(culprit.Syntax), "use float throughout"),
        };
    }

    static string Short(SyntaxNode syntax)
    {
        string text = string.Join(" ", syntax.ToString().Split([' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= 60 ? text : text.Substring(0, 57) + "...";
    }
}
