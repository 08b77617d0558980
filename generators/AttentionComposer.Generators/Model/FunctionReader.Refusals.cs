using System;
using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace AttentionComposer.Generators.Model;

/// <remarks>Why an expression cannot be translated, and what to do about it.</remarks>
sealed partial class FunctionReader
{
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
