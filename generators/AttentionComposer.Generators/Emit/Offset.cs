namespace AttentionComposer.Generators.Emit;

/// <summary>Sums in index expressions, without the parts that are 0.</summary>
static class Offset
{
    /// <summary><c>name + offset</c>.</summary>
    public static string Of(string name, int offset) => offset == 0 ? name : $"{name} + {Literal.Of(offset)}";

    /// <summary><c>row * length + offset</c>.</summary>
    public static string OfRow(int row, string length, int offset = 0) =>
        row == 0 ? Literal.Of(offset) : Of(row == 1 ? length : $"{Literal.Of(row)} * {length}", offset);
}
