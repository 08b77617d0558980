using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Operations;

namespace AttentionComposer.Generators.Model;

/// <remarks>Fields and properties, and the elements of arrays.</remarks>
sealed partial class FunctionReader
{
    /// <summary>A field or property: a constant, something captured, or a getter with a body.</summary>
    object Member(IMemberReferenceOperation member, Environment environment, Expr? path)
    {
        if (member.Instance is not null and not IInstanceReferenceOperation && member is IPropertyReferenceOperation { Property.Name: var property })
        {
            // array.Length, memory.Length, memory.Span, and what a local holds of these
            if (property is "Length" or "Span" && IsTable(member.Instance.Type) && Value(member.Instance, environment, path) is Capture table)
                return property == "Span" ? table : Length(table, null, member);
        }

        if (member is IFieldReferenceOperation { Field: { ContainingType.IsTupleType: true } item, Instance: { } tuple } && IsComputed(tuple, environment) && Value(tuple, environment, path) is Tuple { Items: var items })
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

    /// <summary>Whether a tuple is a value of the function's own, and not read of the pipeline.</summary>
    static bool IsComputed(IOperation tuple, Environment environment) => tuple switch
    {
        IFieldReferenceOperation { Field.ContainingType.IsTupleType: true, Instance: { } outer } => IsComputed(outer, environment),
        IMemberReferenceOperation => false,
        IParameterReferenceOperation { Parameter: var parameter } => environment[parameter] is not null,
        _ => true,
    };

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
}
