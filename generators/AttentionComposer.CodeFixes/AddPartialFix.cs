using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Makes a pipeline, or a type around one, partial.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(AddPartialFix)), Shared]
public sealed class AddPartialFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0001", "ATC0002"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await TypeAt(context).ConfigureAwait(false) is not TypeDeclarationSyntax type || type.Modifiers.Any(SyntaxKind.PartialKeyword))
            return;

        // The language wants 'partial' last, right before 'class', 'struct', 'interface' or 'record'.
        Offer(
            context, $"Make '{type.Identifier.Text}' partial", nameof(AddPartialFix),
            new TextChange(new TextSpan(type.Keyword.SpanStart, 0), "partial "));
    }
}
