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
    const float LargestIntegers = 127 * 256; // a dot product's, before the key's scale: 256 scalars

    /// <summary>Whether each row has a scale beside it, which loaded scalars lack.</summary>
    public bool HasScales { get; private init; }

    /// <summary>How many times a query's scalar a dot product may exceed what it is in the end.</summary>
    public float Headroom => HasScales ? LargestIntegers : 1;

    public static RowFormatNames Of(KvFormat format) => format switch
    {
        KvFormat.Float32 => new("Float32Row", "float", format.ScalarSize(), 1),
        KvFormat.Float16 => new("Float16Row", "short", format.ScalarSize(), TwoTo112),
        KvFormat.Int8 => new("Int8Row", "sbyte", format.ScalarSize(), 1) { HasScales = true },
        _ => new("BFloat16Row", "ushort", format.ScalarSize(), 1),
    };
}
