using System.Buffers.Binary;
using System.Runtime.InteropServices;
using TextDecoder.Decoder;

namespace TextDecoder.Weights;

/// <summary>
/// A matrix of weights in memory, [rows, columns] row-major, in the format that its file stores: narrow weights are widened as they
/// are multiplied, because a decoded token has to read all of them and reads half or a quarter of the bytes that way.
/// </summary>
sealed class WeightMatrix
{
    WeightMatrix(int rows, int columns, TensorFormat format)
    {
        (Rows, Columns, Format) = (rows, columns, format);
        // A file's Q8_0 block is 34 bytes, scale and quants in turn. Apart, the quants are aligned vectors and the scales are
        // floats, which the processor multiplies with at once (.NET reaches no instruction that widens a float16).
        RowBytes = format == TensorFormat.Q8_0 ? columns : (int)StoredTensor.BytesFor(format, columns);
        RowScales = format == TensorFormat.Q8_0 ? columns / StoredTensor.BlockSize : 0;
        Numbers = new AlignedBuffer<byte>(rows * RowBytes);
        Scales = new AlignedBuffer<float>(rows * RowScales);
    }

    public int Rows { get; }

    public int Columns { get; }

    public TensorFormat Format { get; }

    /// <summary>Bytes of a row in <see cref="Numbers"/>.</summary>
    public int RowBytes { get; }

    /// <summary>Factors of a row in <see cref="Scales"/>.</summary>
    public int RowScales { get; }

    /// <summary>The numbers, or the quants of <see cref="TensorFormat.Q8_0"/>.</summary>
    public AlignedBuffer<byte> Numbers { get; }

    /// <summary>One factor for each 32 quants of <see cref="TensorFormat.Q8_0"/>, otherwise empty.</summary>
    public AlignedBuffer<float> Scales { get; }

    /// <summary>Bytes that multiplying with one vector reads.</summary>
    public long SizeInBytes => Numbers.Length + (Scales.Length * (long)sizeof(float));

    /// <summary>Reads a tensor of two dimensions.</summary>
    /// <param name="tensor">Where it lies.</param>
    /// <param name="destinationRow">Which row of the matrix a row of the file becomes; the same without it.</param>
    /// <exception cref="ModelException">The tensor is larger than one array can be.</exception>
    public static WeightMatrix Read(StoredTensor tensor, Func<int, int>? destinationRow = null)
    {
        if (StoredTensor.BytesFor(tensor.Format, tensor.Shape) > AlignedBuffer<byte>.MaxLength)
            throw new ModelException($"Tensor '{tensor.Name}' is larger than 2 GiB, which this decoder does not hold.");
        var matrix = new WeightMatrix(checked((int)tensor.Shape[0]), checked((int)tensor.Shape[1]), tensor.Format);
        var row = new byte[StoredTensor.BytesFor(tensor.Format, matrix.Columns)];
        tensor.File.Position = tensor.Offset;
        for (int r = 0; r < matrix.Rows; r++)
        {
            tensor.File.ReadExactly(row);
            matrix.SetRow(destinationRow?.Invoke(r) ?? r, row);
        }

        return matrix;
    }

    /// <summary>Reads a tensor of one dimension, widened.</summary>
    public static float[] ReadVector(StoredTensor tensor)
    {
        var stored = Read(tensor with { Shape = [1, .. tensor.Shape] });
        var values = new float[stored.Columns];
        stored.CopyRow(0, values);
        return values;
    }

    /// <summary>A matrix with these float32 numbers.</summary>
    public static WeightMatrix FromFloats(ReadOnlySpan<float> values, int rows, int columns)
    {
        var matrix = new WeightMatrix(rows, columns, TensorFormat.Float32);
        MemoryMarshal.AsBytes(values).CopyTo(matrix.Numbers.Span);
        return matrix;
    }

    /// <summary>Widens one row: a token's embedding.</summary>
    public void CopyRow(int row, Span<float> destination)
    {
        var bytes = Numbers.Slice(row * RowBytes, RowBytes);
        switch (Format)
        {
            case TensorFormat.Float32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(destination);
                break;
            case TensorFormat.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int c = 0; c < halves.Length; c++)
                    destination[c] = (float)halves[c];
                break;
            case TensorFormat.BFloat16:
                var upperHalves = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int c = 0; c < upperHalves.Length; c++)
                    destination[c] = BitConverter.UInt32BitsToSingle((uint)upperHalves[c] << 16);
                break;
            case TensorFormat.Q8_0:
                var scales = Scales.Slice(row * RowScales, RowScales);
                for (int c = 0; c < bytes.Length; c++)
                    destination[c] = (sbyte)bytes[c] * scales[c / StoredTensor.BlockSize];
                break;
        }
    }

    void SetRow(int row, ReadOnlySpan<byte> stored)
    {
        var numbers = Numbers.Slice(row * RowBytes, RowBytes);
        if (Format != TensorFormat.Q8_0)
        {
            stored.CopyTo(numbers);
            return;
        }

        var scales = Scales.Slice(row * RowScales, RowScales);
        for (int b = 0; b < scales.Length; b++)
        {
            var block = stored.Slice(b * StoredTensor.BlockBytes, StoredTensor.BlockBytes);
            scales[b] = (float)BinaryPrimitives.ReadHalfLittleEndian(block);
            block[2..].CopyTo(numbers[(b * StoredTensor.BlockSize)..]);
        }
    }
}
