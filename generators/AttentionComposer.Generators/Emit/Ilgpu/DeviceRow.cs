using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>How emitted kernels name and read chunks of cached rows.</summary>
/// <param name="Format">The runtime's function that widens a chunk.</param>
/// <param name="Floats">The struct that holds a widened chunk.</param>
sealed record DeviceRow(string Format, string Floats)
{
    public static DeviceRow Of(KvFormat format) => format switch
    {
        KvFormat.Float32 => new("Float32", "Float4"),
        KvFormat.Float16 => new("Float16", "Float8"),
        _ => new("BFloat16", "Float8"),
    };
}
