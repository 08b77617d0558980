using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Adds [Causal] in front of a [SlidingWindow], a [HeavyHitters] or a [Star] that needs it.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(AddCausalFix)), Shared]
public sealed class AddCausalFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0010", "ATC0206", "ATC0303"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await AttributeAt(context).ConfigureAwait(false) is not { } attribute ||
            await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false) is not { } model)
            return;

        string causal = attribute.NameOf("CausalAttribute", model);
        Offer(context, "Add [Causal]", nameof(AddCausalFix), new TextChange(new TextSpan(attribute.SpanStart, 0), causal + ", "));
    }
}
