using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Divides by at least 1.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(GuardDivisorFix)), Shared]
public sealed class GuardDivisorFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0107"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        ExpressionSyntax? divisor = await NodeAt(context).ConfigureAwait(false) switch
        {
            BinaryExpressionSyntax division => division.Right,
            AssignmentExpressionSyntax division => division.Right,
            _ => null,
        };
        if (divisor is null)
            return;
        string inner = divisor is ParenthesizedExpressionSyntax parenthesized ? parenthesized.Expression.ToString() : divisor.ToString();
        Offer(context, "Divide by at least 1", nameof(GuardDivisorFix), new TextChange(divisor.Span, $"System.Math.Max(1, {inner})"));
    }
}
