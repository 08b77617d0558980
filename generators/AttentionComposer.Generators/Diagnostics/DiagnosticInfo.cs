using System.Linq;
using AttentionComposer.Generators.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace AttentionComposer.Generators.Diagnostics;

/// <summary>A place in a source file as plain values: a <see cref="Location"/> would keep its whole compilation alive.</summary>
sealed record Place(string Path, TextSpan Span, LinePositionSpan Lines)
{
    public static Place Of(Location location) =>
        new(location.SourceTree?.FilePath ?? "", location.SourceSpan, location.GetLineSpan().Span);

    public Location ToLocation() => Location.Create(Path, Span, Lines);
}

/// <summary>A diagnostic as plain values.</summary>
sealed record DiagnosticInfo(string Id, Place Place, EquatableArray<string> Arguments)
{
    public DiagnosticInfo(DiagnosticDescriptor descriptor, Location location, params string[] arguments)
        : this(descriptor.Id, Place.Of(location), new EquatableArray<string>(arguments))
    {
    }

    /// <summary>Whether it only tells something: the pipeline is generated all the same.</summary>
    public bool IsNote => Descriptors.ById(Id).DefaultSeverity == DiagnosticSeverity.Info;

    public Diagnostic ToDiagnostic() =>
        Diagnostic.Create(Descriptors.ById(Id), Place.ToLocation(), Arguments.Cast<object>().ToArray());
}
