using System;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>Pieces of C# that the device's kernels are written with.</summary>
static class DeviceText
{
    /// <summary>A sum of a term and a number; a term of null, or a number of 0, is left out.</summary>
    public static string Sum(string? term, int number) =>
        term is null ? Literal.Of(number)
        : int.TryParse(term, out int constant) ? Literal.Of(constant + number)
        : number == 0 ? term
        : $"{term} + {number}";

    /// <summary>A sum as one factor of a product.</summary>
    public static string Factor(string sum) => sum.Contains(" + ") && !sum.EndsWith(")", StringComparison.Ordinal) ? $"({sum})" : sum;

    /// <summary>One of the floats that lie in variables of four.</summary>
    public static string Field(string name, int index) => $"{name}{index / 4}.{"XYZW"[index % 4]}";

    /// <summary>What one of a row's several parts adds to a name; nothing where it is the only one.</summary>
    public static string Part(int part, int count) => count == 1 ? "" : ((char)('a' + part)).ToString();
}
