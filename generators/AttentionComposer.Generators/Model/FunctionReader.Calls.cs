using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace AttentionComposer.Generators.Model;

/// <remarks>Calls.</remarks>
sealed partial class FunctionReader
{
    object Call(IInvocationOperation call, Environment environment, Expr? path, string? name)
    {
        IMethodSymbol method = Chosen(call);
        string owner = method.ContainingType.ToDisplayString();
        if (call is { Instance: { } table, Arguments.Length: 1 } && method.Name == "GetLength" && Value(table, environment, path) is Capture array)
            return Length(array, Scalar(Value(call.Arguments[0].Value, environment, path), call.Syntax), call);
        if (method.Name == "AsSpan" && call.Arguments.Length == 1 && IsTable(call.Arguments[0].Value.Type))
            return Value(call.Arguments[0].Value, environment, path);

        bool isGenericMath = method.IsStatic && call.ConstrainedToType is not null && IsGenericMath(method);
        if (isGenericMath || method.IsStatic && owner is "System.Math" or "System.MathF" or "System.Numerics.BitOperations" or "float" or "int" or "bool" or "uint" or "byte" or "sbyte" or "short" or "ushort")
        {
            if (method.ReturnType.SpecialType == SpecialType.System_Double || method.Parameters.Any(parameter => parameter.Type.SpecialType == SpecialType.System_Double))
                throw Refuse(Descriptors.DoubleArithmetic, call.Syntax, call.Syntax.ToString(), $"call MathF.{method.Name} with floats");
            if (call.Arguments.FirstOrDefault(argument => TryType(argument.Value.Type) is null) is { } unknown)
                throw Type(unknown.Value.Type, call);
            if (method.Name != "PopCount" && call.Arguments.Any(argument => IsUnsigned(argument.Value.Type)))
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
}
