using System.Collections.Immutable;
using System.Composition;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Lets the second of two score functions with the same order run behind the first.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ScoreOrderFix)), Shared]
public sealed class ScoreOrderFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0114"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await NodeAt(context).ConfigureAwait(false) is not MethodDeclarationSyntax method)
            return;
        AttributeSyntax? score = method.AttributeLists.SelectMany(list => list.Attributes)
            .FirstOrDefault(attribute => attribute.Name.ToString().Split('.').Last() is "Score" or "ScoreAttribute");
        if (score is null)
            return;
        AttributeArgumentSyntax? order = score.ArgumentList?.Arguments.FirstOrDefault();
        int number = 0;
        if (order is not null && !int.TryParse(order.Expression.ToString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
            return; // a constant of the user's: where it comes from, others may count on it
        string next = (number + 1).ToString(CultureInfo.InvariantCulture);
        TextChange change = order is not null ? new TextChange(order.Expression.Span, next)
            : new TextChange(TextSpan.FromBounds(score.Name.Span.End, score.Span.End), $"(Order = {next})");
        Offer(context, $"Run '{method.Identifier.Text}' behind it, with Order = {next}", nameof(ScoreOrderFix), change);
    }
}
