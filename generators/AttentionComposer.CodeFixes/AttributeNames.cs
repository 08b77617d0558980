using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AttentionComposer.CodeFixes;

/// <summary>Names as a person would write them.</summary>
static class AttributeNames
{
    const string Suffix = "Attribute";

    /// <summary><c>Sinks</c> for <c>Sinks(4)</c>, <c>SinksAttribute(4)</c> and <c>AttentionComposer.Sinks(4)</c>.</summary>
    public static string ShortName(this AttributeSyntax attribute)
    {
        NameSyntax name = attribute.Name;
        SimpleNameSyntax last = name switch
        {
            QualifiedNameSyntax qualified => qualified.Right,
            AliasQualifiedNameSyntax aliased => aliased.Name,
            _ => (SimpleNameSyntax)name,
        };
        return WithoutSuffix(last.Identifier.ValueText);
    }

    /// <summary>The name of one of this library's types where the attribute stands: qualified only if it must be.</summary>
    public static string NameOf(this AttributeSyntax attribute, string type, SemanticModel model)
    {
        INamedTypeSymbol? symbol = model.Compilation.GetTypeByMetadataName("AttentionComposer." + type);
        return WithoutSuffix(symbol?.ToMinimalDisplayString(model, attribute.SpanStart) ?? "global::AttentionComposer." + type);
    }

    static string WithoutSuffix(string name) =>
        name.EndsWith(Suffix, StringComparison.Ordinal) && name.Length > Suffix.Length ? name.Substring(0, name.Length - Suffix.Length) : name;
}
