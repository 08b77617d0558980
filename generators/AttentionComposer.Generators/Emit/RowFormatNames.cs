using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Emit;

/// <summary>How generated code names and reads a storage format.</summary>
/// <param name="Format">The runtime's struct that loads rows of the format.</param>
/// <param name="Scalar">The stored scalar's C# type.</param>
/// <param name="ScalarSize">Its size in bytes.</param>
/// <param name="ValueFactor">Loaded values are the stored ones divided by this.</param>
sealed record RowFormatNames(string Format, string Scalar, int ScalarSize, float ValueFactor)
{
    const float TwoTo112 = 5.192297e33f;

    public static RowFormatNames Of(KvFormat format) => format switch
    {
        KvFormat.Float32 => new("Float32Row", "float", 4, 1),
        KvFormat.Float16 => new("Float16Row", "short", 2, TwoTo112),
        _ => new("BFloat16Row", "ushort", 2, 1),
    };
}
