using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Makes a double a float: a literal by its suffix, a function of Math by the one of MathF.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(FloatArithmeticFix)), Shared]
public sealed class FloatArithmeticFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0102"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        switch (await NodeAt(context).ConfigureAwait(false))
        {
            case LiteralExpressionSyntax literal:
                string text = literal.Token.Text.TrimEnd('d', 'D');
                Offer(context, $"Write {text}f", $"{nameof(FloatArithmeticFix)} literal", new TextChange(literal.Span, text + "f"));
                break;
            case InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Expression: { } owner, Name: { } name } }
                when owner.ToString() is "Math" or "System.Math" or "global::System.Math":
                Offer(
                    context, $"Call MathF.{name}", $"{nameof(FloatArithmeticFix)} function",
                    new TextChange(new TextSpan(owner.Span.End, 0), "F"));
                break;
        }
    }
}
