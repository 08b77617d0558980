using System.Buffers.Binary;
using System.Text.Json;

namespace TextDecoder.Weights;

/// <summary>
/// A safetensors file, Hugging Face's format: a JSON header with each tensor's type, shape and place, then the numbers.
/// </summary>
static class Safetensors
{
    const string IndexName = "model.safetensors.index.json";
    const string SingleName = "model.safetensors";

    // The format's own limit: https://github.com/huggingface/safetensors, "100MB".
    const long LargestHeader = 100_000_000;

    /// <summary>The tensors of one file, by name.</summary>
    /// <param name="file">A readable and seekable stream, which must outlive the tensors' use.</param>
    /// <exception cref="ModelException">The file is not safetensors, is damaged, or holds a tensor type that is not read.</exception>
    public static Dictionary<string, StoredTensor> Read(Stream file)
    {
        var lengthBytes = new byte[sizeof(ulong)];
        if (file.Length < lengthBytes.Length)
            throw new ModelException("The safetensors file is truncated: it ends within its first eight bytes.");
        file.Position = 0;
        file.ReadExactly(lengthBytes);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(lengthBytes);
        if (headerLength > LargestHeader || (long)headerLength > file.Length - lengthBytes.Length)
            throw new ModelException($"This is not a safetensors file, or it is truncated: it announces a header of {headerLength} bytes.");

        var header = new byte[headerLength];
        file.ReadExactly(header);
        return UntrustedJson.Read(header, "the safetensors file's header", json => ReadPlaces(json, file, lengthBytes.Length + header.Length));
    }

    /// <summary>The tensors of a model directory: one file, or the shards that its index lists.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="open">Opens a file; the caller closes what it opened.</param>
    /// <exception cref="ModelException">There is no model in the directory, or one of its files cannot be read.</exception>
    public static Dictionary<string, StoredTensor> ReadDirectory(string directory, Func<string, Stream> open)
    {
        string index = Path.Combine(directory, IndexName);
        if (!File.Exists(index))
        {
            string single = Path.Combine(directory, SingleName);
            if (!File.Exists(single))
                throw new ModelException($"There is neither {SingleName} nor {IndexName} in '{directory}'.");
            return Read(open(single));
        }

        var tensors = new Dictionary<string, StoredTensor>();
        foreach (string shard in UntrustedJson.Read(File.ReadAllBytes(index), $"'{index}'", json => Shards(json, index)))
        {
            string path = Path.Combine(directory, shard);
            if (!File.Exists(path))
                throw new ModelException($"'{index}' lists the file '{shard}', which is not there.");
            foreach (var (name, tensor) in Read(open(path)))
                if (!tensors.TryAdd(name, tensor))
                    throw new ModelException($"Tensor '{name}' is in two of the files that '{index}' lists.");
        }

        return tensors;
    }

    static Dictionary<string, StoredTensor> ReadPlaces(JsonElement header, Stream file, long dataStart)
    {
        var tensors = new Dictionary<string, StoredTensor>();
        foreach (var entry in header.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
                continue;
            if (!tensors.TryAdd(entry.Name, ReadPlace(entry, file, dataStart)))
                throw Damaged($"tensor '{entry.Name}' is there twice");
        }

        return tensors;
    }

    static List<string> Shards(JsonElement json, string index)
    {
        if (!json.TryGetProperty("weight_map", out var map))
            throw new ModelException($"'{index}' has no weight_map.");

        var shards = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            string? shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
            // A name with a folder in it could lead anywhere on the machine.
            if (string.IsNullOrEmpty(shard) || shard != Path.GetFileName(shard) || shard.Contains('\\'))
                throw new ModelException($"'{index}' does not name a file beside it for '{entry.Name}'.");
            shards.Add(shard);
        }

        return [.. shards];
    }

    static StoredTensor ReadPlace(JsonProperty entry, Stream file, long dataStart)
    {
        var place = entry.Value;
        if (place.ValueKind != JsonValueKind.Object
            || !place.TryGetProperty("dtype", out var type) || type.ValueKind != JsonValueKind.String
            || !place.TryGetProperty("shape", out var shapeElement) || !TryIntegers(shapeElement, out long[] shape)
            || !place.TryGetProperty("data_offsets", out var offsetsElement) || !TryIntegers(offsetsElement, out long[] offsets)
            || offsets.Length != 2)
            throw Damaged($"tensor '{entry.Name}' lacks its dtype, shape or data_offsets");

        var format = type.GetString() switch
        {
            "F32" => TensorFormat.Float32,
            "F16" => TensorFormat.Float16,
            "BF16" => TensorFormat.BFloat16,
            var other => throw new ModelException($"Tensor '{entry.Name}' is stored as {other}; this decoder reads F32, F16 and BF16."),
        };
        long available = file.Length - dataStart;
        var (begin, end) = (offsets[0], offsets[1]);
        if (begin < 0 || end < begin || end > available)
            throw new ModelException($"The safetensors file is truncated or damaged: tensor '{entry.Name}' reaches past its end.");
        if (StoredTensor.BytesFor(format, shape) != end - begin)
            throw Damaged($"tensor '{entry.Name}' of shape [{string.Join(", ", shape)}] cannot take {end - begin} bytes");
        return new StoredTensor(entry.Name, shape, format, file, dataStart + begin);
    }

    static bool TryIntegers(JsonElement element, out long[] values)
    {
        values = [];
        if (element.ValueKind != JsonValueKind.Array)
            return false;
        values = new long[element.GetArrayLength()];
        int i = 0;
        foreach (var item in element.EnumerateArray())
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out values[i++]))
                return false;
        return true;
    }

    static ModelException Damaged(string how) => new($"The safetensors file is damaged: {how}.");
}
