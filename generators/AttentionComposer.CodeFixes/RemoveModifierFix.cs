using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Removes a modifier that a pipeline cannot have.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(RemoveModifierFix)), Shared]
public sealed class RemoveModifierFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0004"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        // Another part of the class may hold the modifier; then there is nothing to remove in this one.
        if (await TypeAt(context).ConfigureAwait(false) is not { } type)
            return;

        foreach (SyntaxToken modifier in type.Modifiers)
        {
            if (!modifier.IsKind(SyntaxKind.StaticKeyword) && !modifier.IsKind(SyntaxKind.FileKeyword))
                continue;

            int end = modifier.Span.End;
            foreach (SyntaxTrivia trivia in modifier.TrailingTrivia.TakeWhile(trivia => trivia.IsKind(SyntaxKind.WhitespaceTrivia)))
                end = trivia.Span.End;
            Offer(
                context, $"Remove '{modifier.Text}'", $"{nameof(RemoveModifierFix)} {modifier.Text}",
                new TextChange(TextSpan.FromBounds(modifier.SpanStart, end), ""));
        }
    }
}
