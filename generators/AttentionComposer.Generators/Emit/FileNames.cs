using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Emit;

/// <summary>Names of generated files: the class's full name, numbered where several differ in case alone.</summary>
static class FileNames
{
    /// <summary>The full names that differ from another one in case alone, in ordinal order.</summary>
    public static EquatableArray<string> Ambiguous(IEnumerable<string> fullNames) => new(fullNames
        .GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
        .Where(group => group.Skip(1).Any())
        .SelectMany(group => group)
        .OrderBy(name => name, StringComparer.Ordinal));

    /// <summary>The name of a pipeline's file.</summary>
    /// <param name="fullName">The class's full name.</param>
    /// <param name="kind">What the file holds.</param>
    /// <param name="ambiguous">The names that differ from another one in case alone.</param>
    public static string Of(string fullName, string kind, EquatableArray<string> ambiguous)
    {
        int number = ambiguous.TakeWhile(name => name != fullName).Count();
        string name = fullName.Replace("@", "");
        return number == ambiguous.Count ? $"{name}.{kind}.g.cs" : $"{name}.{kind}{number + 1}.g.cs";
    }
}
