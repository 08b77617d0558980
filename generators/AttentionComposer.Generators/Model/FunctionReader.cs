using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace AttentionComposer.Generators.Model;

/// <summary>
/// Reads the body of a score or mask function and of what it calls. Branches become selections, loops are unrolled, calls are
/// inlined: what remains is a list of locals and a result, each one expression.
/// </summary>
/// <remarks>
/// It is an allow-list: an operation that is not named here is refused where it stands. Statements run over an environment that is
/// never changed but replaced, so both sides of a branch start from the same one.
/// </remarks>
sealed partial class FunctionReader
{
    const int MaxSteps = 4096;
    const int MaxCalls = 32;

    readonly Compilation _compilation;
    readonly INamedTypeSymbol _pipeline;
    readonly CaptureSet _captures;
    readonly NameScope _names;
    readonly int _queryHeads;
    readonly int _keyValueHeads;
    readonly IMethodSymbol _function;
    readonly List<LocalDefinition> _locals = [];
    readonly Dictionary<string, IntBounds> _bounds = [];
    readonly Dictionary<CapturedElement, Local> _elements = [];
    readonly Stack<IMethodSymbol> _calls = new();

    // Of the method that is being inlined: the types that stand for its type parameters, and how the pipeline's code reads its object.
    ImmutableDictionary<ISymbol, ITypeSymbol> _typeArguments = s_noTypeArguments;
    string? _receiver;
    int _steps;

    static readonly ImmutableDictionary<ISymbol, ITypeSymbol> s_noTypeArguments = ImmutableDictionary.Create<ISymbol, ITypeSymbol>(SymbolEqualityComparer.Default);

    FunctionReader(Compilation compilation, INamedTypeSymbol pipeline, CaptureSet captures, NameScope names, int queryHeads, int keyValueHeads, IMethodSymbol function)
    {
        _compilation = compilation;
        _pipeline = pipeline;
        _captures = captures;
        _names = names;
        _queryHeads = queryHeads;
        _keyValueHeads = keyValueHeads;
        _function = function;
    }

    /// <summary>Reads one function.</summary>
    /// <exception cref="RefusedException">It cannot be translated.</exception>
    public static FunctionSpec Read(
        Compilation compilation, INamedTypeSymbol pipeline, CaptureSet captures, NameScope names, int queryHeads, int keyValueHeads,
        IMethodSymbol function, bool isMask, int order)
    {
        var reader = new FunctionReader(compilation, pipeline, captures, names, queryHeads, keyValueHeads, function);
        return reader.Read(isMask, order);
    }

    FunctionSpec Read(bool isMask, int order)
    {
        Location place = _function.Locations[0];
        if (_function.IsGenericMethod || _function.IsAsync || _function.IsAbstract || _function.IsVirtual || _function.IsOverride)
            throw Refuse(Descriptors.Signature, place, "is generic, async, abstract, virtual or an override", "declare a plain method");
        if (_function.ReturnsByRef || _function.ReturnsByRefReadonly || _function.ReturnType.SpecialType != (isMask ? SpecialType.System_Boolean : SpecialType.System_Single))
            throw Refuse(
                Descriptors.Signature, place, $"returns '{_function.ReturnType.ToDisplayString()}'",
                isMask ? "a mask says whether a query sees a key, so return bool" : "a score replaces a score, so return float");

        var environment = Environment.Empty;
        var parameters = new List<FunctionParameter>();
        foreach (IParameterSymbol parameter in BodyOf(_function).Parameters)
        {
            VariableKind? kind = KindOf(parameter.Name, isMask);
            if (kind is null)
                throw Refuse(
                    Descriptors.Signature, parameter.Locations[0], $"has a parameter '{parameter.Name}'",
                    "parameters are known by their names: " + (isMask ? "" : "score, ") + "batch, head, keyValueHead, query, key");
            var variable = new Variable(kind.Value);
            if (parameter.RefKind is not (RefKind.None or RefKind.In) || parameter.Type.SpecialType != (variable.Type == ExprType.Float ? SpecialType.System_Single : SpecialType.System_Int32))
                throw Refuse(
                    Descriptors.Signature, parameter.Locations[0], $"has a parameter '{parameter.Name}' of type '{parameter.Type.ToDisplayString()}'",
                    $"make it {(variable.Type == ExprType.Float ? "a float" : "an int")} that is passed by value");
            parameters.Add(new FunctionParameter(kind.Value, parameter.Name));
            environment = environment.SetItem(parameter, variable);
        }

        SyntaxNode syntax = SyntaxOf(_function)
            ?? throw Refuse(Descriptors.Signature, place, "has no body", "write one, since the kernels are made from it");
        Expr result = Scalar(Inline(_function, environment, null, syntax), syntax);
        return new FunctionSpec
        {
            Name = _function.Name,
            IsMask = isMask,
            Order = order,
            IsStatic = _function.IsStatic,
            Parameters = new EquatableArray<FunctionParameter>(parameters),
            Text = new EquatableArray<string>(TextOf(syntax)),
            Locals = new EquatableArray<LocalDefinition>(Used(result)),
            Result = result,
        };
    }

    static VariableKind? KindOf(string parameter, bool isMask) => parameter switch
    {
        "score" when !isMask => VariableKind.Score,
        "batch" => VariableKind.Batch,
        "head" => VariableKind.Head,
        "keyValueHead" => VariableKind.KeyValueHead,
        "query" => VariableKind.Query,
        "key" => VariableKind.Key,
        _ => null,
    };

    /// <summary>Runs a method's body on its arguments.</summary>
    /// <param name="method">The method, with its type arguments.</param>
    /// <param name="arguments">What the parameters of <see cref="BodyOf"/> hold.</param>
    /// <param name="path">Under which condition the call is reached.</param>
    /// <param name="caller">The call.</param>
    /// <param name="receiver">How the pipeline's own code reads the object whose method it is; null for the pipeline itself.</param>
    object Inline(IMethodSymbol method, Environment arguments, Expr? path, SyntaxNode caller, string? receiver = null)
    {
        if (_calls.Contains(method, SymbolEqualityComparer.Default))
            throw Refuse(Descriptors.Recursion, caller, method.Name);
        if (_calls.Count >= MaxCalls)
            throw Refuse(Descriptors.Recursion, caller, method.Name);

        SyntaxNode syntax = SyntaxOf(method) ?? throw Refuse(Descriptors.UnknownCall, caller, method.ToDisplayString(), "which has no body");
        (ImmutableDictionary<ISymbol, ITypeSymbol> typeArguments, string? callersReceiver) = (_typeArguments, _receiver);
        if (method.MethodKind != MethodKind.LocalFunction)
            (_typeArguments, _receiver) = (s_noTypeArguments, receiver);
        foreach (var (parameter, argument) in TypeArgumentsOf(method))
            _typeArguments = _typeArguments.SetItem(parameter, Known(argument, typeArguments));

        _calls.Push(method);
        IOperation? body = _compilation.GetSemanticModel(syntax.SyntaxTree).GetOperation(syntax) switch
        {
            IMethodBodyOperation declaration => declaration.BlockBody ?? declaration.ExpressionBody,
            ILocalFunctionOperation local => local.Body,
            IBlockOperation block => block,
            { } expression => expression,
            null => null,
        };
        object? value = body is null ? null
            : body is IBlockOperation ? Run(ImmutableStack.Create<object>(body), arguments, path)
            : Value(body, arguments, path);
        _calls.Pop();
        (_typeArguments, _receiver) = (typeArguments, callersReceiver);
        return value ?? throw Refuse(Descriptors.Untranslatable, syntax, "a body that does not return on every path", "return a value on each");
    }

    /// <summary>The declaration whose parameters a method's body names.</summary>
    static IMethodSymbol BodyOf(IMethodSymbol method) => method.OriginalDefinition.PartialImplementationPart ?? method.OriginalDefinition;

    static IEnumerable<(ISymbol Parameter, ITypeSymbol Argument)> TypeArgumentsOf(IMethodSymbol method) =>
        method.TypeParameters.Zip(method.TypeArguments, (parameter, argument) => ((ISymbol)parameter.OriginalDefinition, argument))
            .Concat(method.ContainingType.TypeParameters.Zip(method.ContainingType.TypeArguments, (parameter, argument) => ((ISymbol)parameter.OriginalDefinition, argument)));

    static ITypeSymbol Known(ITypeSymbol type, ImmutableDictionary<ISymbol, ITypeSymbol> typeArguments) =>
        type is ITypeParameterSymbol && typeArguments.TryGetValue(type, out ITypeSymbol? argument) ? argument : type;

    /// <summary>The part of a method, property or local function that holds its code.</summary>
    static SyntaxNode? SyntaxOf(IMethodSymbol method)
    {
        SyntaxNode? syntax = BodyOf(method).DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax();
        return syntax switch
        {
            MethodDeclarationSyntax { Body: null, ExpressionBody: null } => null,
            MethodDeclarationSyntax or LocalFunctionStatementSyntax => syntax,
            AccessorDeclarationSyntax { Body: null, ExpressionBody: null } => null,
            AccessorDeclarationSyntax accessor => (SyntaxNode?)accessor.Body ?? accessor.ExpressionBody!.Expression,
            ArrowExpressionClauseSyntax arrow => arrow.Expression,
            _ => null,
        };
    }

    /// <summary>The code as it was written, to be quoted above its vector form.</summary>
    static IEnumerable<string> TextOf(SyntaxNode syntax)
    {
        if (syntax is MethodDeclarationSyntax { ExpressionBody: { } arrow })
            return arrow.Expression.ToString().Split('\n').Select(line => line.Trim());
        if (syntax is not MethodDeclarationSyntax { Body: { } body })
            return [];
        string[] lines = [.. body.Statements.ToFullString().Replace("\r", "").Split('\n').Where(line => line.Trim().Length != 0).Select(line => line.TrimEnd())];
        int indent = lines.Length == 0 ? 0 : lines.Min(line => line.Length - line.TrimStart().Length);
        return lines.Select(line => line.Substring(indent));
    }

    /// <summary>The locals that the result needs; values of branches that were folded away are not among them.</summary>
    IEnumerable<LocalDefinition> Used(Expr result)
    {
        var used = new HashSet<string>();
        void Mark(Expr expr)
        {
            if (expr is Local local)
                used.Add(local.Name);
            if (expr is CapturedElement { Reached: { } reached })
                Mark(reached);
            foreach (Expr operand in expr.Operands)
                Mark(operand);
        }

        Mark(result);
        var definitions = new Stack<LocalDefinition>();
        foreach (LocalDefinition definition in Enumerable.Reverse(_locals))
        {
            if (!used.Contains(definition.Local.Name))
                continue;
            Mark(definition.Value);
            definitions.Push(definition);
        }

        return definitions;
    }

    /// <summary>Gives a value a name, unless it is as short as one.</summary>
    Expr Define(string name, Expr value)
    {
        if (value is Local or Variable or IntConstant or FloatConstant or BoolConstant or CapturedScalar)
            return value;
        Local local = Local.Of(_names.Take(name), value);
        _locals.Add(new LocalDefinition(local, value));
        if (value.Type == ExprType.Int)
            _bounds[local.Name] = BoundsOf(value);
        return local;
    }

    IntBounds BoundsOf(Expr value) => IntBounds.Of(value, _queryHeads, _keyValueHeads, _bounds);

    /// <summary>How kernels compute with a type; null when they do not. Smaller integers are ints, as in C#'s own arithmetic, and a uint is an int's bits.</summary>
    ExprType? TryType(ITypeSymbol? type) => type is null ? null : Known(type, _typeArguments) switch
    {
        { SpecialType: SpecialType.System_Single } => ExprType.Float,
        { SpecialType: SpecialType.System_Boolean } => ExprType.Bool,
        INamedTypeSymbol { EnumUnderlyingType: { } underlying } => TryType(underlying),
        { SpecialType: SpecialType.System_Int32 or SpecialType.System_UInt32 or SpecialType.System_Int16 or SpecialType.System_UInt16 or SpecialType.System_SByte or SpecialType.System_Byte } => ExprType.Int,
        _ => null,
    };

    /// <summary>Whether integers of a type compare, divide and shift without a sign bit.</summary>
    bool IsUnsigned(ITypeSymbol? type) => IntegerOf(type) == SpecialType.System_UInt32;

    /// <summary>The integer type behind a type: of an enum, the one that it is stored as.</summary>
    SpecialType IntegerOf(ITypeSymbol? type) => type is null ? SpecialType.None
        : Known(type, _typeArguments) is var known && known is INamedTypeSymbol { EnumUnderlyingType: { } underlying } ? underlying.SpecialType
        : known.SpecialType;

    static Expr? Both(Expr? path, Expr condition) => path is null ? condition : Expr.And(path, condition);

    RefusedException Refuse(DiagnosticDescriptor descriptor, SyntaxNode node, params string[] arguments) =>
        Refuse(descriptor, node.GetLocation(), arguments);

    RefusedException Refuse(DiagnosticDescriptor descriptor, Location place, params string[] arguments) =>
        new(descriptor, place, [_pipeline.Name, _function.Name, .. arguments]);
}

/// <summary>Why a function cannot be translated.</summary>
sealed class RefusedException(DiagnosticDescriptor descriptor, Location place, string[] arguments) : Exception
{
    public DiagnosticInfo Diagnostic { get; } = new(descriptor, place, arguments);
}
