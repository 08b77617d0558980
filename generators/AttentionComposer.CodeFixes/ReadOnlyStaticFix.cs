using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Makes a static field that a function reads readonly.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ReadOnlyStaticFix)), Shared]
public sealed class ReadOnlyStaticFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0110"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        // A field in another file is out of this fix's reach.
        if (await NodeAt(context).ConfigureAwait(false) is not { } use)
            return;
        string name = use is MemberAccessExpressionSyntax access ? access.Name.Identifier.Text : use.ToString();
        FieldDeclarationSyntax? field = use.SyntaxTree.GetRoot(context.CancellationToken).DescendantNodes().OfType<FieldDeclarationSyntax>()
            .FirstOrDefault(field => field.Declaration.Variables.Any(variable => variable.Identifier.Text == name));
        SyntaxToken modifier = field?.Modifiers.FirstOrDefault(token => token.IsKind(SyntaxKind.StaticKeyword)) ?? default;
        if (modifier.IsKind(SyntaxKind.StaticKeyword))
            Offer(context, $"Make '{name}' readonly", nameof(ReadOnlyStaticFix), new TextChange(new TextSpan(modifier.Span.End, 0), " readonly"));
    }
}
