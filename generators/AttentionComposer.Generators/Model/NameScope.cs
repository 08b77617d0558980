using System.Collections.Generic;
using Microsoft.CodeAnalysis.CSharp;

namespace AttentionComposer.Generators.Model;

/// <summary>Names in the generated kernel: those that it uses itself, and one for each local of the pipeline's functions.</summary>
sealed class NameScope
{
    readonly HashSet<string> _taken =
    [
        "call", "captured", "correction", "corrections", "firstKey", "firstRow", "head", "i", "key", "keys", "keyScales", "keyValueHead", "largest", "logit",
        "logits", "masked", "maxima", "maximum", "outside", "pivot", "previous", "query", "row", "rows", "rowsPerToken", "score", "scores", "sum",
        "valueScales", "visible", "weight", "weights", "batch", "sinkLogits", "clear", "slope",
        "any", "both", "candidates", "firstPage", "groupScores", "hidden", "others", "page", "positions", "seen", "faults",
        "blockKey", "checksTables", "earlier", "headOfGroup", "token", "bits", "visibleKeys", "apart", "fields", "longTables", "ofRows",
    ];

    /// <summary>Keeps names for the generated code.</summary>
    public void Reserve(params string[] names) => _taken.UnionWith(names);

    /// <summary>The name itself, or with the first number that makes it new.</summary>
    public string Take(string name)
    {
        name = name.TrimStart('_');
        name = name.Length == 0 || SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None || char.IsDigit(name[0])
            ? "value"
            : char.ToLowerInvariant(name[0]) + name.Substring(1);
        if (SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None)
            name += "Value";
        string unique = name;
        for (int number = 2; !_taken.Add(unique); number++)
            unique = name + number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return unique;
    }
}
