using System.Collections.Immutable;
using System.Composition;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Changes a head dimension to the nearest one that kernels exist for.</summary>
/// <remarks>A declaration without a head dimension gets no fix: it holds nothing to be near to.</remarks>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(HeadDimensionFix)), Shared]
public sealed class HeadDimensionFix : TextCodeFix
{
    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0006"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        AttributeSyntax? attention = await AttributeAt(context).ConfigureAwait(false);
        ExpressionSyntax? written = attention?.ArgumentList?.Arguments
            .FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == "HeadDim")?.Expression;
        if (written is null ||
            await context.Document.GetSemanticModelAsync(context.CancellationToken).ConfigureAwait(false) is not { } model ||
            model.GetConstantValue(written, context.CancellationToken).Value is not int headDim)
            return;

        string nearest = NearestSupported(headDim).ToString(CultureInfo.InvariantCulture);
        Offer(context, $"Set HeadDim to {nearest}", nameof(HeadDimensionFix), new TextChange(written.Span, nearest));
    }

    // Upwards, since heads can be padded with zeros but not cut.
    static int NearestSupported(int headDim) => (Math.Min(256, Math.Max(32, headDim)) + 7) / 8 * 8;
}
