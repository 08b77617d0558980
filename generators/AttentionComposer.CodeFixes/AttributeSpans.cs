using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.CodeFixes;

/// <summary>
/// The characters that go with an attribute: a comma if it has neighbours in its list, otherwise the brackets, and the whole
/// line where nothing else stands on it. A comment on a neighbour stays.
/// </summary>
static class AttributeSpans
{
    public static TextSpan[] Of(AttributeSyntax attribute, SourceText text)
    {
        var list = (AttributeListSyntax)attribute.Parent!;
        int index = list.Attributes.IndexOf(attribute);
        if (index + 1 < list.Attributes.Count)
            return [TextSpan.FromBounds(attribute.SpanStart, list.Attributes[index + 1].SpanStart)];
        if (index == 0)
            return [WithItsLine(list.Span, text)];

        SyntaxToken comma = list.Attributes.GetSeparator(index - 1);
        return comma.TrailingTrivia.Concat(attribute.GetLeadingTrivia()).All(IsBlank)
            ? [TextSpan.FromBounds(list.Attributes[index - 1].Span.End, attribute.Span.End)]
            : [comma.Span, attribute.Span];
    }

    static TextSpan WithItsLine(TextSpan list, SourceText text)
    {
        TextLine first = text.Lines.GetLineFromPosition(list.Start), last = text.Lines.GetLineFromPosition(list.End);
        int start = list.Start, end = list.End;
        while (start > first.Start && IsSpace(text[start - 1]))
            start--;
        while (end < last.End && IsSpace(text[end]))
            end++;

        bool startsLine = start == first.Start, endsLine = end == last.End;
        if (startsLine && endsLine)
            return TextSpan.FromBounds(start, last.EndIncludingLineBreak);
        return endsLine ? TextSpan.FromBounds(start, list.End) : TextSpan.FromBounds(list.Start, end);
    }

    static bool IsBlank(SyntaxTrivia trivia) => trivia.IsKind(SyntaxKind.WhitespaceTrivia) || trivia.IsKind(SyntaxKind.EndOfLineTrivia);

    static bool IsSpace(char character) => character is ' ' or '\t';
}
