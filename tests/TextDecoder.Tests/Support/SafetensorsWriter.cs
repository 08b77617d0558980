using System.Text;
using System.Text.Json;
using TextDecoder.Weights;

namespace TextDecoder.Tests.Support;

/// <summary>Writes a safetensors file.</summary>
sealed class SafetensorsWriter
{
    readonly Dictionary<string, object> _header = new() { ["__metadata__"] = new { format = "pt" } };
    readonly List<byte> _bytes = [];

    public SafetensorsWriter Tensor(string name, int[] shape, float[] values, TensorFormat format)
    {
        int start = _bytes.Count;
        _bytes.AddRange(StoredNumbers.Encode(values, format));
        string type = format switch
        {
            TensorFormat.Float32 => "F32",
            TensorFormat.Float16 => "F16",
            TensorFormat.BFloat16 => "BF16",
            _ => throw new NotSupportedException(),
        };
        _header[name] = new { dtype = type, shape, data_offsets = (int[])[start, _bytes.Count] };
        return this;
    }

    public byte[] ToArray() => ToArray(JsonSerializer.Serialize(_header));

    /// <summary>The file with another header.</summary>
    public byte[] ToArray(string header)
    {
        var text = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes((long)text.Length), .. text, .. _bytes];
    }
}
