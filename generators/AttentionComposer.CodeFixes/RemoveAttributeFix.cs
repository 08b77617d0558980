using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Removes an attribute whose value, or whose company, gives it no meaning.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(RemoveAttributeFix)), Shared]
public sealed class RemoveAttributeFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0007", "ATC0008", "ATC0009", "ATC0010", "ATC0011", "ATC0012"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await AttributeAt(context).ConfigureAwait(false) is not { } attribute)
            return;

        string title = $"Remove [{attribute.ShortName()}]";
        SourceText text = await context.Document.GetTextAsync(context.CancellationToken).ConfigureAwait(false);
        Offer(context, title, title, AttributeSpans.Of(attribute, text).Select(span => new TextChange(span, "")));
    }
}
