namespace AttentionComposer.Generators.Emit;

/// <summary>Sums in index expressions, without the parts that are 0.</summary>
static class Offset
{
    /// <summary><c>name + offset</c>.</summary>
    public static string Of(string name, int offset) => offset == 0 ? name : $"{name} + {Literal.Of(offset)}";

    /// <summary><c>name + count * unit</c>.</summary>
    public static string Of(string name, int count, string unit) =>
        count == 0 ? name : count == 1 ? $"{name} + {unit}" : $"{name} + {Literal.Of(count)} * {unit}";

    /// <summary><c>name + offset</c> as an unsigned native integer.</summary>
    public static string Cast(string name, int offset) => Of(name, offset) is var sum && sum.Contains(" ") ? $"(nuint)({sum})" : $"(nuint){sum}";
}
