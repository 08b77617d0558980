namespace TextDecoder.Weights;

/// <summary>How a file stores a tensor's numbers.</summary>
enum TensorFormat
{
    Float32,
    Float16,
    BFloat16,

    /// <summary>ggml's Q8_0: blocks of 32 numbers along a row, each block one float16 scale and 32 signed bytes.</summary>
    Q8_0,
}

/// <summary>Where a tensor lies in a file. Readers create it only after checking that it lies inside.</summary>
/// <param name="Name">The name in the file.</param>
/// <param name="Shape">Sizes, the slowest first: a matrix is [rows, columns].</param>
/// <param name="Format">How the numbers are stored.</param>
/// <param name="File">The file, readable and seekable.</param>
/// <param name="Offset">First byte in the file.</param>
sealed record StoredTensor(string Name, long[] Shape, TensorFormat Format, Stream File, long Offset)
{
    /// <summary>Numbers in one block of <see cref="TensorFormat.Q8_0"/>.</summary>
    public const int BlockSize = 32;

    /// <summary>Bytes that a block of <see cref="TensorFormat.Q8_0"/> takes in a file.</summary>
    public const int BlockBytes = 2 + BlockSize;

    /// <summary>Bytes of <paramref name="count"/> numbers.</summary>
    public static long BytesFor(TensorFormat format, long count) => format switch
    {
        TensorFormat.Float32 => count * sizeof(float),
        TensorFormat.Float16 or TensorFormat.BFloat16 => count * sizeof(ushort),
        TensorFormat.Q8_0 => count / BlockSize * BlockBytes,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };

    /// <summary>
    /// Bytes of a tensor of that shape, or -1 when it has no elements, has too many to count, or a row is not whole blocks.
    /// </summary>
    public static long BytesFor(TensorFormat format, ReadOnlySpan<long> shape)
    {
        if (format == TensorFormat.Q8_0 && (shape.IsEmpty || shape[^1] % BlockSize != 0))
            return -1;

        // Far above any real tensor and far below where the byte count could overflow.
        const long limit = 1L << 48;
        long count = 1;
        foreach (long size in shape)
        {
            if (size <= 0 || size > limit / count)
                return -1;
            count *= size;
        }

        return BytesFor(format, count);
    }
}
