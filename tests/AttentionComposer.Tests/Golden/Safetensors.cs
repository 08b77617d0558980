using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AttentionComposer.Tests.Golden;

/// <summary>A tensor of the golden set, widened to float32; integers keep their value.</summary>
public sealed record Tensor(int[] Dimensions, float[] Data)
{
    /// <summary>Swaps two neighbouring dimensions: <c>[..., a, b, rest]</c> to <c>[..., b, a, rest]</c>.</summary>
    /// <param name="first">The place of a among the dimensions.</param>
    public Tensor SwapWithNext(int first)
    {
        int[] to = [.. Dimensions];
        (to[first], to[first + 1]) = (to[first + 1], to[first]);
        int outer = Product(Dimensions[..first]), inner = Product(Dimensions[(first + 2)..]);
        int a = Dimensions[first], b = Dimensions[first + 1];
        var data = new float[Data.Length];
        for (int o = 0; o < outer; o++)
            for (int i = 0; i < a; i++)
                for (int j = 0; j < b; j++)
                    Data.AsSpan(((o * a + i) * b + j) * inner, inner).CopyTo(data.AsSpan(((o * b + j) * a + i) * inner, inner));
        return new Tensor(to, data);
    }

    static int Product(int[] dimensions) => dimensions.Aggregate(1, (product, dimension) => product * dimension);
}

/// <summary>
/// Reads a safetensors file: 8 bytes little-endian header length, a JSON header, then raw row-major little-endian data.
/// </summary>
public sealed class Safetensors
{
    readonly byte[] _bytes;
    readonly int _dataStart;
    readonly JsonElement _header;

    public Safetensors(string path)
    {
        _bytes = File.ReadAllBytes(path);
        int headerLength = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(_bytes));
        _dataStart = 8 + headerLength;
        _header = JsonDocument.Parse(_bytes.AsMemory(8, headerLength)).RootElement;
    }

    public Tensor this[string name]
    {
        get
        {
            JsonElement entry = _header.GetProperty(name);
            int[] dimensions = entry.GetProperty("shape").Deserialize<int[]>()!;
            int[] offsets = entry.GetProperty("data_offsets").Deserialize<int[]>()!;
            ReadOnlySpan<byte> data = _bytes.AsSpan((_dataStart + offsets[0])..(_dataStart + offsets[1]));
            return new Tensor(dimensions, entry.GetProperty("dtype").GetString() switch
            {
                "F32" => MemoryMarshal.Cast<byte, float>(data).ToArray(),
                "F16" => Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(data).ToArray(), half => (float)half),
                "I32" => Array.ConvertAll(MemoryMarshal.Cast<byte, int>(data).ToArray(), integer => (float)integer),
                string type => throw new NotSupportedException($"{name} is of type {type}."),
                null => throw new InvalidDataException($"{name} has no type."),
            });
        }
    }
}
