using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Replaces a cache format that does not exist by the exact one.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(Float32CacheFix)), Shared]
public sealed class Float32CacheFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0013"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        AttributeSyntax? cache = await AttributeAt(context).ConfigureAwait(false);
        if (cache?.ArgumentList?.Arguments.FirstOrDefault() is not { } format ||
            await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false) is not { } model)
            return;

        string float32 = cache.NameOf("KvFormat", model) + ".Float32";
        Offer(context, $"Use {float32}", nameof(Float32CacheFix), new TextChange(format.Expression.Span, float32));
    }
}
