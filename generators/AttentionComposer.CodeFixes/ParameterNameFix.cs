using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>Gives a parameter of a score or mask the name that it is known by, where other libraries' names tell which one is meant.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(ParameterNameFix)), Shared]
public sealed class ParameterNameFix : TextCodeFix
{
    static readonly ImmutableDictionary<string, string> s_names = ImmutableDictionary.CreateRange(
        StringComparer.OrdinalIgnoreCase,
        from names in new[]
        {
            "query: q qi q_idx qIdx queryIndex queryPosition i",
            "key: k ki k_idx kIdx kv kv_idx kvIdx keyIndex keyPosition j",
            "head: h h_idx hIdx headIndex",
            "keyValueHead: kvHead kv_head keyValueHeadIndex",
            "batch: b b_idx bIdx batchIndex",
            "score: s logit",
        }
        let meant = names.Split(':')[0]
        from other in names.Split(':')[1].Split([' '], StringSplitOptions.RemoveEmptyEntries)
        select new KeyValuePair<string, string>(other, meant));

    /// <inheritdoc />
    public override ImmutableArray<string> FixableDiagnosticIds => ["ATC0111"];

    /// <inheritdoc />
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        if (await NodeAt(context).ConfigureAwait(false) is not ParameterSyntax { Parent.Parent: MethodDeclarationSyntax method } parameter)
            return;
        string name = parameter.Identifier.Text;
        if (!s_names.TryGetValue(name, out string? meant) || method.DescendantTokens().Any(token => token.Text == meant))
            return;
        IEnumerable<TextSpan> uses = method.DescendantNodes().OfType<IdentifierNameSyntax>()
            .Where(use => use.Identifier.Text == name && (use.Parent as MemberAccessExpressionSyntax)?.Name != use && use.Parent is not NameColonSyntax)
            .Select(use => use.Span);
        Offer(
            context, $"Rename '{name}' to '{meant}'", $"{nameof(ParameterNameFix)} {meant}",
            uses.Append(parameter.Identifier.Span).Select(span => new TextChange(span, meant)));
    }
}
