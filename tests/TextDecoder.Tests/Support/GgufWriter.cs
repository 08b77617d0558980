using System.Text;
using TextDecoder.Weights;

namespace TextDecoder.Tests.Support;

/// <summary>Writes a GGUF file.</summary>
sealed class GgufWriter
{
    readonly Dictionary<string, object> _values = [];
    readonly Dictionary<string, (int[] Shape, uint Type, byte[] Bytes)> _tensors = [];

    public uint Version { get; set; } = 3;

    /// <summary>Sets a value: bool, a number, a text or an array.</summary>
    public GgufWriter Set(string key, object value)
    {
        _values[key] = value;
        return this;
    }

    public GgufWriter Remove(string name)
    {
        _values.Remove(name);
        _tensors.Remove(name);
        return this;
    }

    public GgufWriter Tensor(string name, int[] shape, float[] values, TensorFormat format) =>
        Tensor(name, shape, TypeOf(format), StoredNumbers.Encode(values, format));

    public GgufWriter Tensor(string name, int[] shape, uint type, byte[] bytes)
    {
        _tensors[name] = (shape, type, bytes);
        return this;
    }

    /// <summary>Changes a tensor's type and leaves its bytes.</summary>
    public GgufWriter Retype(string name, uint type) => Tensor(name, _tensors[name].Shape, type, _tensors[name].Bytes);

    public byte[] ToArray()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((long)_tensors.Count);
        writer.Write((long)_values.Count);
        foreach (var (key, value) in _values)
        {
            WriteText(writer, key);
            writer.Write(TypeOf(value));
            WriteValue(writer, value);
        }

        long offset = 0;
        foreach (var (name, (shape, type, bytes)) in _tensors)
        {
            WriteText(writer, name);
            writer.Write(shape.Length);
            foreach (int size in shape.Reverse())
                writer.Write((long)size);
            writer.Write(type);
            writer.Write(offset);
            offset += (bytes.Length + 31) / 32 * 32;
        }

        foreach (var (_, _, bytes) in _tensors.Values)
        {
            Pad(writer);
            writer.Write(bytes);
        }

        return stream.ToArray();
    }

    static void Pad(BinaryWriter writer)
    {
        while (writer.BaseStream.Position % 32 != 0)
            writer.Write((byte)0);
    }

    static void WriteText(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }

    static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case byte number: writer.Write(number); break;
            case sbyte number: writer.Write(number); break;
            case ushort number: writer.Write(number); break;
            case short number: writer.Write(number); break;
            case uint number: writer.Write(number); break;
            case int number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case bool flag: writer.Write(flag); break;
            case string text: WriteText(writer, text); break;
            case ulong number: writer.Write(number); break;
            case long number: writer.Write(number); break;
            case double number: writer.Write(number); break;
            case Array array:
                writer.Write(TypeOf(array.Length > 0 ? array.GetValue(0)! : 0));
                writer.Write((long)array.Length);
                foreach (object item in array)
                    WriteValue(writer, item);
                break;
            default: throw new NotSupportedException(value.GetType().Name);
        }
    }

    static uint TypeOf(object value) => value switch
    {
        byte => 0,
        sbyte => 1,
        ushort => 2,
        short => 3,
        uint => 4,
        int => 5,
        float => 6,
        bool => 7,
        string => 8,
        Array => 9,
        ulong => 10,
        long => 11,
        _ => 12,
    };

    static uint TypeOf(TensorFormat format) => format switch
    {
        TensorFormat.Float32 => 0,
        TensorFormat.Float16 => 1,
        TensorFormat.BFloat16 => 30,
        _ => 8,
    };
}
