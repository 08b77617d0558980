using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
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
}
