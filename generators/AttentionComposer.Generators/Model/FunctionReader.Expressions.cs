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
    /// <summary>Translates an expression: to an <see cref="Expr"/>, or to the <see cref="Capture"/> of an array.</summary>
    /// <param name="operation">The expression.</param>
    /// <param name="environment">What parameters and locals hold.</param>
    /// <param name="path">Under which condition the expression is reached.</param>
    /// <param name="name">What the value is going to be called, if it gets a name.</param>
    object Value(IOperation operation, Environment environment, Expr? path, string? name = null)
    {
        if (operation.ConstantValue is { HasValue: true, Value: var constant } && operation is not IConversionOperation { Type.SpecialType: SpecialType.System_Double })
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
                return Element(array, [.. element.Indices.Select(Operand)], path, name, operation);
            }

            case IConversionOperation conversion:
                return Conversion(conversion, environment, path, name);
            case IUnaryOperation { OperatorMethod: null } unary:
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

            case IBinaryOperation { OperatorMethod: null } binary:
                if (TryType(binary.Type) is null)
                    throw Type(binary.Type, binary);
                return IsComparison(binary.OperatorKind)
                    ? Comparison(binary, Operand(binary.LeftOperand), Operand(binary.RightOperand))
                    : Arithmetic(binary.OperatorKind, Operand(binary.LeftOperand), Operand(binary.RightOperand), binary);
            case IConditionalOperation { WhenFalse: not null } choice:
            {
                Expr condition = Operand(choice.Condition);
                if (condition is BoolConstant known)
                    return Value(known.Value ? choice.WhenTrue : choice.WhenFalse, environment, path);
                return Expr.Select(
                    condition,
                    Scalar(Value(choice.WhenTrue, environment, Both(path, condition)), choice.WhenTrue.Syntax),
                    Scalar(Value(choice.WhenFalse, environment, Both(path, Expr.Not(condition))), choice.WhenFalse.Syntax));
            }

            case ISwitchExpressionOperation choice:
                return SwitchExpression(choice, Define("choice", Operand(choice.Value)), environment, path);
            case IIsPatternOperation match:
                return Matches(match.Pattern, Operand(match.Value), environment, path);
            case IInvocationOperation call:
                return Call(call, environment, path, name);
            case ISimpleAssignmentOperation or ICompoundAssignmentOperation or IIncrementOrDecrementOperation or IDeconstructionAssignmentOperation:
                throw Refuse(Descriptors.SideEffect, operation.Syntax, operation.Syntax.ToString());
            case IObjectCreationOperation or IArrayCreationOperation or IAnonymousFunctionOperation or IDelegateCreationOperation
                or IAnonymousObjectCreationOperation or IInterpolatedStringOperation or ICollectionExpressionOperation:
                throw Refuse(Descriptors.Allocation, operation.Syntax, operation.Syntax.ToString());
            default:
                throw Unknown(operation);
        }
    }

    Expr Constant(object? value, IOperation operation) => value switch
    {
        int number => Expr.Int(number),
        float number => new FloatConstant(number),
        bool truth => Expr.Bool(truth),
        double => throw Double(operation),
        _ => throw Type(operation.Type, operation),
    };

    Expr Scalar(object? value, SyntaxNode syntax) =>
        value as Expr ?? throw Refuse(Descriptors.Untranslatable, syntax, $"'{syntax}' as a value", "read one of its elements");

    /// <summary>A field or property: a constant, something captured, or a getter with a body.</summary>
    object Member(IMemberReferenceOperation member, Environment environment, Expr? path)
    {
        if (member.Instance is not null and not IInstanceReferenceOperation && member is IPropertyReferenceOperation { Property.Name: var property })
        {
            // array.Length, memory.Length, memory.Span, and what a local holds of these
            if (property is "Length" or "Span" && IsTable(member.Instance.Type) && Value(member.Instance, environment, path) is Capture table)
                return property == "Span" ? table : Length(table, null, member);
        }

        switch (member)
        {
            case IFieldReferenceOperation { Field: { IsStatic: true, IsReadOnly: false, IsConst: false } field }:
                throw Refuse(Descriptors.MutableStatic, member.Syntax, field.Name);
            case IPropertyReferenceOperation { Property: { IsStatic: true, SetMethod: not null } property1 } when GetterOf(property1) is null:
                throw Refuse(Descriptors.MutableStatic, member.Syntax, property1.Name);
            case IPropertyReferenceOperation { Property: var computed } when GetterOf(computed) is { } getter && (computed.IsStatic || member.Instance is IInstanceReferenceOperation):
                return Inline(getter, Environment.Empty, path, member.Syntax);
            default:
                return Captured(member, Access(member), member.Type);
        }
    }

    /// <summary>The getter if it has a body in source; null for an automatic property.</summary>
    static IMethodSymbol? GetterOf(IPropertySymbol property) =>
        property is { GetMethod: { } getter, IsVirtual: false, IsAbstract: false, IsOverride: false } && SyntaxOf(getter) is not null ? getter : null;

    /// <summary>How the pipeline's own code reads a member: a chain of fields and properties from the pipeline or from a static one.</summary>
    string Access(IMemberReferenceOperation member)
    {
        if (!_compilation.IsSymbolAccessibleWithin(member.Member, _pipeline))
            throw Refuse(Descriptors.Untranslatable, member.Syntax, $"'{member.Member.Name}', which the pipeline cannot reach", "make it internal");
        string name = (SyntaxFacts.GetKeywordKind(member.Member.Name) == SyntaxKind.None ? "" : "@") + member.Member.Name;
        return member.Instance switch
        {
            null => member.Member.ContainingType.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat) + "." + name,
            IInstanceReferenceOperation => name,
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
            return new CapturedScalar(_captures.Add(access, scalar, 0, isMemory: false));
        (ITypeSymbol? element, int rank, bool isMemory) = type switch
        {
            IArrayTypeSymbol array => (array.ElementType, array.Rank, false),
            INamedTypeSymbol { Name: "ReadOnlyMemory" or "Memory", Arity: 1 } memory => (memory.TypeArguments[0], 1, true),
            _ => (null, 0, false),
        };
        if (TryType(element) is not { } elementType || element is { TypeKind: TypeKind.Enum } || rank > 3)
            throw Type(type, operation);
        return _captures.Add(access, elementType, rank, isMemory);
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
            return IsTable(from) && IsTable(to) ? Value(conversion.Operand, environment, path, name) : throw Type(to, conversion);
        }

        if (IsTable(from) && IsTable(to))
            return Value(conversion.Operand, environment, path, name);
        if (TryType(to) is not { } type)
            throw Type(to, conversion);
        Expr operand = Scalar(Value(conversion.Operand, environment, path, name), conversion.Operand.Syntax);
        return Convert(operand, type, conversion);
    }

    Expr Convert(Expr operand, ExprType type, IOperation operation) => (operand.Type, type) switch
    {
        (ExprType.Int, ExprType.Float) => Expr.ToFloat(operand),
        (ExprType.Float, ExprType.Int) => Expr.ToInt(operand),
        var (from, to) when from == to => operand,
        _ => throw Unknown(operation),
    };

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

    Expr Comparison(IBinaryOperation binary, Expr left, Expr right) => binary.OperatorKind switch
    {
        BinaryOperatorKind.Equals => Compare(BinaryOperator.Equal, left, right, binary.Syntax),
        BinaryOperatorKind.NotEquals => Compare(BinaryOperator.NotEqual, left, right, binary.Syntax),
        BinaryOperatorKind.LessThan => Compare(BinaryOperator.LessThan, left, right, binary.Syntax),
        BinaryOperatorKind.LessThanOrEqual => Compare(BinaryOperator.LessThanOrEqual, left, right, binary.Syntax),
        BinaryOperatorKind.GreaterThan => Compare(BinaryOperator.LessThan, right, left, binary.Syntax),
        _ => Compare(BinaryOperator.LessThanOrEqual, right, left, binary.Syntax),
    };

    Expr Compare(BinaryOperator op, Expr left, Expr right, SyntaxNode syntax) =>
        left.Type == right.Type
            ? Expr.Of(op, left, right)
            : throw Refuse(Descriptors.Untranslatable, syntax, $"'{syntax}', which compares different types", "convert one of them");

    Expr Arithmetic(BinaryOperatorKind kind, Expr left, Expr right, IOperation operation)
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
            case BinaryOperatorKind.RightShift: return Expr.Of(BinaryOperator.ShiftRight, left, right);
            case BinaryOperatorKind.UnsignedRightShift: return Expr.Of(BinaryOperator.ShiftRightUnsigned, left, right);
            case BinaryOperatorKind.Divide when left.Type == ExprType.Float: return Expr.Divide(left, right);
            case BinaryOperatorKind.Remainder when left.Type == ExprType.Float: return Expr.Of(BinaryOperator.Remainder, left, right);
            case BinaryOperatorKind.Divide or BinaryOperatorKind.Remainder:
                return Quotient(kind == BinaryOperatorKind.Divide, left, right, operation);
            default: throw Unknown(operation);
        }
    }

    /// <summary>Integer division: by what is not 0, and as a shift or a mask where that is the same.</summary>
    Expr Quotient(bool divides, Expr left, Expr right, IOperation operation)
    {
        if (right is CapturedScalar divisor)
            _captures.MarkDivisor(divisor.Capture);
        else if (BoundsOf(right).Holds(0))
            throw Refuse(Descriptors.DivisionByZero, operation.Syntax, DivisorText(operation));

        if (right is IntConstant { Value: > 0 } constant && (constant.Value & (constant.Value - 1)) == 0 && BoundsOf(left).IsNatural)
        {
            if (constant.Value == 1)
                return divides ? left : Expr.Int(0);
            int shift = 0;
            while (1 << shift < constant.Value)
                shift++;
            return divides
                ? Expr.Of(BinaryOperator.ShiftRight, left, Expr.Int(shift))
                : Expr.Of(BinaryOperator.BitAnd, left, Expr.Int(constant.Value - 1));
        }

        return Expr.Of(divides ? BinaryOperator.Divide : BinaryOperator.Remainder, left, right);
    }

    static string DivisorText(IOperation operation) => operation switch
    {
        IBinaryOperation binary => binary.RightOperand.Syntax.ToString(),
        ICompoundAssignmentOperation compound => compound.Value.Syntax.ToString(),
        _ => operation.Syntax.ToString(),
    };

    Expr SwitchExpression(ISwitchExpressionOperation choice, Expr value, Environment environment, Expr? path)
    {
        var arms = new List<(Expr Condition, Expr Value)>();
        foreach (ISwitchExpressionArmOperation arm in choice.Arms)
        {
            Environment bound = environment;
            if (arm.Pattern is IDeclarationPatternOperation { MatchesNull: true, DeclaredSymbol: { } symbol })
                bound = bound.SetItem(symbol, value);
            Expr condition = Matches(arm.Pattern, value, bound, path);
            if (arm.Guard is not null)
                condition = Expr.And(condition, Scalar(Value(arm.Guard, bound, Both(path, condition)), arm.Guard.Syntax));
            if (condition is BoolConstant { Value: false })
                continue;
            arms.Add((condition, Scalar(Value(arm.Value, bound, condition is BoolConstant ? path : Both(path, condition)), arm.Value.Syntax)));
            if (condition is BoolConstant)
                break;
            path = Both(path, Expr.Not(condition));
        }

        if (arms.Count == 0 || arms[arms.Count - 1].Condition is not BoolConstant)
            throw Refuse(Descriptors.Untranslatable, choice.Syntax, "a switch expression that may find no arm", "end it with '_ =>'");
        Expr result = arms[arms.Count - 1].Value;
        for (int i = arms.Count - 2; i >= 0; i--)
            result = Expr.Select(arms[i].Condition, arms[i].Value, result);
        return result;
    }

    Expr Matches(IPatternOperation pattern, Expr value, Environment environment, Expr? path)
    {
        Expr Operand(IOperation operand) => Scalar(Value(operand, environment, path), operand.Syntax);
        return pattern switch
        {
            IDiscardPatternOperation or IDeclarationPatternOperation { MatchesNull: true } => Expr.Bool(true),
            IConstantPatternOperation constant => Compare(BinaryOperator.Equal, value, Operand(constant.Value), constant.Syntax),
            IRelationalPatternOperation relation => relation.OperatorKind switch
            {
                BinaryOperatorKind.LessThan => Compare(BinaryOperator.LessThan, value, Operand(relation.Value), relation.Syntax),
                BinaryOperatorKind.LessThanOrEqual => Compare(BinaryOperator.LessThanOrEqual, value, Operand(relation.Value), relation.Syntax),
                BinaryOperatorKind.GreaterThan => Compare(BinaryOperator.LessThan, Operand(relation.Value), value, relation.Syntax),
                _ => Compare(BinaryOperator.LessThanOrEqual, Operand(relation.Value), value, relation.Syntax),
            },
            INegatedPatternOperation not => Expr.Not(Matches(not.Pattern, value, environment, path)),
            IBinaryPatternOperation { OperatorKind: BinaryOperatorKind.And } and =>
                Expr.And(Matches(and.LeftPattern, value, environment, path), Matches(and.RightPattern, value, environment, path)),
            IBinaryPatternOperation or => Expr.Or(Matches(or.LeftPattern, value, environment, path), Matches(or.RightPattern, value, environment, path)),
            _ => throw Refuse(Descriptors.Untranslatable, pattern.Syntax, "this pattern", "use constants, comparisons, 'and', 'or' and 'not'"),
        };
    }

    object Call(IInvocationOperation call, Environment environment, Expr? path, string? name)
    {
        IMethodSymbol method = call.TargetMethod;
        string owner = method.ContainingType.ToDisplayString();
        if (call is { Instance: { } table, Arguments.Length: 1 } && method.Name == "GetLength" && Value(table, environment, path) is Capture array)
            return Length(array, Scalar(Value(call.Arguments[0].Value, environment, path), call.Syntax), call);
        if (method.Name == "AsSpan" && call.Arguments.Length == 1 && IsTable(call.Arguments[0].Value.Type))
            return Value(call.Arguments[0].Value, environment, path);

        if (method.IsStatic && owner is "System.Math" or "System.MathF" or "float" or "int" or "bool")
        {
            if (method.ReturnType.SpecialType == SpecialType.System_Double || method.Parameters.Any(parameter => parameter.Type.SpecialType == SpecialType.System_Double))
                throw Refuse(Descriptors.DoubleArithmetic, call.Syntax, call.Syntax.ToString(), $"call MathF.{method.Name} with floats");
            if (method.Parameters.Any(parameter => TryType(parameter.Type) is null))
                throw Type(method.ReturnType, call);
            Expr[] operands = [.. ByParameter(call).Select(argument => Scalar(Value(argument, environment, path), argument.Syntax))];
            return Intrinsics.Of(method.Name, operands)
                ?? throw Refuse(Descriptors.UnknownCall, call.Syntax, $"{method.ContainingType.Name}.{method.Name}", "which has no vector form here");
        }

        bool ownInstance = method.IsStatic || method.MethodKind == MethodKind.LocalFunction || call.Instance is IInstanceReferenceOperation;
        if (method.DeclaringSyntaxReferences.IsEmpty)
            throw Refuse(Descriptors.UnknownCall, call.Syntax, $"{method.ContainingType.Name}.{method.Name}", "whose body is not in this project");
        if (!ownInstance || method.IsGenericMethod || method.ContainingType.IsGenericType || method.IsAsync || method.Parameters.Any(parameter => parameter.RefKind is not (RefKind.None or RefKind.In))
            || (method.IsVirtual || method.IsAbstract || method.IsOverride) && !method.ContainingType.IsSealed)
            throw Refuse(
                Descriptors.UnknownCall, call.Syntax, method.Name,
                "which is a method of another object, generic, async or virtual, or changes its arguments");

        Environment arguments = method.MethodKind == MethodKind.LocalFunction ? environment : Environment.Empty;
        foreach (IArgumentOperation argument in call.Arguments)
        {
            object value = Value(argument.Value, environment, path, argument.Parameter!.Name);
            arguments = arguments.SetItem(argument.Parameter, value is Expr expr ? Define(argument.Parameter.Name, expr) : value);
        }

        return Inline(method, arguments, path, call.Syntax);
    }

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

    RefusedException Type(ITypeSymbol? type, IOperation operation) =>
        type?.SpecialType == SpecialType.System_Double
            ? Double(operation)
            : operation is IInvalidOperation || type is null or IErrorTypeSymbol ? Unknown(operation)
            : Refuse(Descriptors.UnsupportedType, operation.Syntax, type.ToDisplayString());

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
