using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>
/// A fix that changes a few characters of the file in which the diagnostic lies. It edits text and not syntax trees, so that
/// every space, line and comment that the edit does not name stays as its author wrote it.
/// </summary>
/// <remarks>The generator reports places in files, without their syntax trees, so a fix looks its syntax up by the span.</remarks>
public abstract class TextCodeFix : CodeFixProvider
{
    /// <inheritdoc />
    public sealed override FixAllProvider GetFixAllProvider() => WellKnownFixAllProviders.BatchFixer;

    /// <summary>The type on whose name the diagnostic lies.</summary>
    protected static async Task<BaseTypeDeclarationSyntax?> TypeAt(CodeFixContext context) =>
        (await NodeAt(context).ConfigureAwait(false))?.FirstAncestorOrSelf<BaseTypeDeclarationSyntax>();

    /// <summary>The attribute on which the diagnostic lies.</summary>
    protected static async Task<AttributeSyntax?> AttributeAt(CodeFixContext context) =>
        (await NodeAt(context).ConfigureAwait(false))?.FirstAncestorOrSelf<AttributeSyntax>();

    /// <summary>Offers an edit for every diagnostic of the context.</summary>
    /// <param name="context">Where the diagnostics lie.</param>
    /// <param name="title">What the person reads.</param>
    /// <param name="equivalenceKey">What the edits that are made together, in a document, a project or a solution, have in common.</param>
    /// <param name="changes">The edit.</param>
    protected static void Offer(CodeFixContext context, string title, string equivalenceKey, params IEnumerable<TextChange> changes) =>
        context.RegisterCodeFix(
            CodeAction.Create(title, cancellation => Apply(context.Document, changes, cancellation), equivalenceKey), context.Diagnostics);

    /// <summary>The code on which the diagnostic lies.</summary>
    protected static async Task<SyntaxNode?> NodeAt(CodeFixContext context) =>
        (await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false))
        ?.FindNode(context.Span, getInnermostNodeForTie: true);

    static async Task<Document> Apply(Document document, IEnumerable<TextChange> changes, CancellationToken cancellation)
    {
        SourceText text = await document.GetTextAsync(cancellation).ConfigureAwait(false);
        return document.WithText(text.WithChanges(changes));
    }
}
