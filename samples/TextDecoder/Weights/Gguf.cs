using System.Buffers.Binary;
using System.Text;

namespace TextDecoder.Weights;

/// <summary>
/// A GGUF file, llama.cpp's format: metadata by key, and tensors by name.
/// </summary>
/// <remarks>
/// Nothing in the file is believed: each length is compared with what is left of the file before memory is taken for it, so
/// that a damaged file ends in a <see cref="ModelException"/> and never in a huge allocation.
/// </remarks>
sealed class Gguf
{
    /// <summary>The file's first four bytes.</summary>
    public static ReadOnlySpan<byte> Magic => "GGUF"u8;

    const int DefaultAlignment = 32;

    readonly Dictionary<string, object> _metadata = [];
    readonly Dictionary<string, StoredTensor> _tensors = [];

    /// <summary>Values by key: <see cref="long"/>, <see cref="double"/>, <see cref="bool"/>, <see cref="string"/> or an array of them.</summary>
    public IReadOnlyDictionary<string, object> Metadata => _metadata;

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>Reads everything but the tensors' numbers.</summary>
    /// <param name="file">A readable and seekable stream, which must outlive the tensors' use.</param>
    /// <exception cref="ModelException">The file is not GGUF, is damaged, or holds a tensor type that is not read.</exception>
    public Gguf(Stream file)
    {
        var reader = new Reader(file);
        if (!reader.Bytes(Magic.Length, "the magic number").SequenceEqual(Magic))
            throw new ModelException("This is not a GGUF file: it does not begin with 'GGUF'.");

        uint version = reader.UInt32("the version");
        if (version is not (2 or 3))
            throw new ModelException($"GGUF version {version} is not read; versions 2 and 3 are.");

        long tensorCount = reader.Count("the number of tensors", leastBytesEach: 8 + 4 + 4 + 8);
        long valueCount = reader.Count("the number of metadata values", leastBytesEach: 8 + 4 + 1);
        for (long i = 0; i < valueCount; i++)
        {
            string key = reader.Text("a metadata key");
            _metadata[key] = reader.Value(key);
        }

        long alignment = Integer("general.alignment", DefaultAlignment);
        if (alignment is < 1 or > 1 << 20 || !long.IsPow2(alignment))
            throw new ModelException($"The GGUF file is damaged: its alignment is {alignment}, which is no power of two.");

        var places = new List<(string Name, long[] Shape, TensorFormat Format, long Offset)>();
        for (long i = 0; i < tensorCount; i++)
            places.Add(ReadPlace(reader));

        long dataStart = (reader.Position + alignment - 1) / alignment * alignment;
        foreach (var (name, shape, format, offset) in places)
        {
            long bytes = StoredTensor.BytesFor(format, shape);
            if (bytes < 0)
                throw new ModelException($"The GGUF file is damaged: tensor '{name}' has the impossible shape [{string.Join(", ", shape)}].");
            if (offset < 0 || offset > file.Length - dataStart - bytes)
                throw new ModelException($"The GGUF file is truncated or damaged: tensor '{name}' reaches past its end.");
            if (!_tensors.TryAdd(name, new StoredTensor(name, shape, format, file, dataStart + offset)))
                throw new ModelException($"The GGUF file is damaged: tensor '{name}' is there twice.");
        }
    }

    /// <summary>The integer under a key, or <paramref name="absent"/> without one.</summary>
    public long Integer(string key, long? absent = null) => Value(key, absent);

    /// <summary>The floating-point number under a key, or <paramref name="absent"/> without one.</summary>
    public double Number(string key, double? absent = null) => Value(key, absent);

    /// <summary>The truth value under a key, or <paramref name="absent"/> without one.</summary>
    public bool Flag(string key, bool absent) => Value<bool>(key, absent);

    /// <summary>The text under a key, or <paramref name="absent"/> without one.</summary>
    public string Text(string key, string? absent = null) =>
        _metadata.TryGetValue(key, out object? value)
            ? value as string ?? throw WrongType(key, "a text")
            : absent ?? throw Missing(key);

    /// <summary>The array under a key, or null without one.</summary>
    public T[]? Array<T>(string key) =>
        !_metadata.TryGetValue(key, out object? value) ? null : value as T[] ?? throw WrongType(key, $"an array of {typeof(T).Name}");

    T Value<T>(string key, T? absent) where T : struct =>
        !_metadata.TryGetValue(key, out object? value) ? absent ?? throw Missing(key)
        : value is T typed ? typed
        : throw WrongType(key, $"a single {typeof(T).Name}");

    static ModelException Missing(string key) => new($"The GGUF file has no metadata value '{key}', which this decoder needs.");

    static ModelException WrongType(string key, string wanted) => new($"The GGUF file's metadata value '{key}' is not {wanted}.");

    static (string, long[], TensorFormat, long) ReadPlace(Reader reader)
    {
        string name = reader.Text("a tensor's name");
        uint dimensions = reader.UInt32("a tensor's number of dimensions");
        if (dimensions is < 1 or > 4)
            throw new ModelException($"The GGUF file is damaged: tensor '{name}' has {dimensions} dimensions.");

        var shape = new long[dimensions];
        for (int d = 0; d < shape.Length; d++)
            shape[^(d + 1)] = reader.Int64("a tensor's shape"); // the file lists the fastest dimension first
        return (name, shape, Format(reader.UInt32("a tensor's type"), name), reader.Int64("a tensor's offset"));
    }

    static TensorFormat Format(uint type, string tensor) => type switch
    {
        0 => TensorFormat.Float32,
        1 => TensorFormat.Float16,
        8 => TensorFormat.Q8_0,
        30 => TensorFormat.BFloat16,
        _ => throw new ModelException(
            $"Tensor '{tensor}' is stored as {TypeName(type)}; this decoder reads F32, F16, BF16 and Q8_0."),
    };

    static string TypeName(uint type) => type switch
    {
        2 => "Q4_0",
        3 => "Q4_1",
        6 => "Q5_0",
        7 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K",
        12 => "Q4_K",
        13 => "Q5_K",
        14 => "Q6_K",
        15 => "Q8_K",
        _ => $"type {type}",
    };

    /// <summary>Reads the header forwards and checks every length against the rest of the file.</summary>
    sealed class Reader(Stream file)
    {
        const int BufferSize = 1 << 16;
        const int LongestText = 1 << 26;

        readonly byte[] _buffer = new byte[BufferSize];
        int _bufferStart;
        int _bufferEnd;
        long _filePosition;

        public long Position => _filePosition - (_bufferEnd - _bufferStart);

        long Remaining => file.Length - Position;

        public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4, what));

        public long Int64(string what) => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8, what));

        /// <summary>A number of things that follow, each of which takes at least so many bytes.</summary>
        public long Count(string what, int leastBytesEach)
        {
            long count = Int64(what);
            if (count < 0 || count > Remaining / leastBytesEach)
                throw new ModelException($"The GGUF file is truncated or damaged: {what} is {(ulong)count}, more than the file could hold.");
            return count;
        }

        public string Text(string what) => Encoding.UTF8.GetString(Bytes(Count($"the length of {what}", 1), what));

        public object Value(string key)
        {
            uint type = UInt32($"the type of '{key}'");
            return type == 9 ? Array(key) : Scalar(type, key);
        }

        object Scalar(uint type, string key) => type switch
        {
            0 => (long)Bytes(1, key)[0],
            1 => (long)(sbyte)Bytes(1, key)[0],
            2 => (long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2, key)),
            3 => (long)BinaryPrimitives.ReadInt16LittleEndian(Bytes(2, key)),
            4 => (long)BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4, key)),
            5 => (long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4, key)),
            6 => (double)BinaryPrimitives.ReadSingleLittleEndian(Bytes(4, key)),
            7 => Bytes(1, key)[0] != 0,
            8 => Text($"'{key}'"),
            10 or 11 => Int64(key),
            12 => BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8, key)),
            _ => throw new ModelException($"The GGUF file is damaged: the metadata value '{key}' has the unknown type {type}."),
        };

        object Array(string key)
        {
            uint type = UInt32($"the element type of '{key}'");
            int elementBytes = type switch
            {
                0 or 1 or 7 => 1,
                2 or 3 => 2,
                4 or 5 or 6 => 4,
                8 or 10 or 11 or 12 => 8,
                _ => throw new ModelException($"The GGUF file is damaged: the array '{key}' has the unknown element type {type}."),
            };
            long count = Count($"the length of '{key}'", elementBytes);
            if (count > System.Array.MaxLength)
                throw new ModelException($"The GGUF file's array '{key}' has {count} elements, which is too many.");
            return type switch
            {
                6 or 12 => Fill<double>(count, type, key),
                7 => Fill<bool>(count, type, key),
                8 => Fill<string>(count, type, key),
                _ => Fill<long>(count, type, key),
            };
        }

        T[] Fill<T>(long count, uint type, string key)
        {
            var values = new T[count];
            for (int i = 0; i < values.Length; i++)
                values[i] = (T)Scalar(type, key);
            return values;
        }

        /// <summary>The next bytes; valid until the next call.</summary>
        public ReadOnlySpan<byte> Bytes(long count, string what)
        {
            if (count > Remaining)
                throw new ModelException($"The GGUF file is truncated: it ends within {what}, at byte {file.Length}.");
            if (count > LongestText)
                throw new ModelException($"The GGUF file is damaged: {what} is {count} bytes long.");
            if (count > BufferSize)
                return LongBytes((int)count);

            if (count > _bufferEnd - _bufferStart)
                Refill((int)count);
            _bufferStart += (int)count;
            return _buffer.AsSpan(_bufferStart - (int)count, (int)count);
        }

        void Refill(int least)
        {
            int kept = _bufferEnd - _bufferStart;
            _buffer.AsSpan(_bufferStart, kept).CopyTo(_buffer);
            file.Position = _filePosition;
            int read = file.ReadAtLeast(_buffer.AsSpan(kept), least - kept);
            _filePosition += read;
            _bufferStart = 0;
            _bufferEnd = kept + read;
        }

        byte[] LongBytes(int count)
        {
            var bytes = new byte[count];
            file.Position = Position;
            file.ReadExactly(bytes);
            _filePosition = file.Position;
            _bufferStart = _bufferEnd = 0;
            return bytes;
        }
    }
}
