namespace AttentionComposer.Tests;

/// <summary>Queries over the last positions of one sequence of keys and values, in the layouts of <see cref="IAttention"/>.</summary>
public sealed record Sequence(AttentionShape Shape, float[] Queries, float[] Keys, float[] Values)
{
    public int Rows => Queries.Length / Shape.QueryWidth;

    public int Positions => Keys.Length / Shape.KeyValueWidth;

    /// <summary>
    /// Normally distributed scalars. Keys and values are exact in <paramref name="format"/>, so that a cache of that format
    /// loses nothing and the kernels can be held to float32's tolerance.
    /// </summary>
    public static Sequence Random(AttentionShape shape, int positions, int rows, int seed, KvFormat format = KvFormat.Float32)
    {
        var random = new Random(seed);
        return new Sequence(
            shape,
            Normal(random, rows * shape.QueryWidth, 1.5),
            Normal(random, positions * shape.KeyValueWidth, 1),
            Normal(random, positions * shape.KeyValueWidth, 1)).Rounded(format);
    }

    /// <summary>Keys of the positions <paramref name="positions"/>.</summary>
    public ReadOnlySpan<float> KeysAt(Range positions) => Tokens(Keys, positions, Shape.KeyValueWidth);

    /// <summary>Values of the positions <paramref name="positions"/>.</summary>
    public ReadOnlySpan<float> ValuesAt(Range positions) => Tokens(Values, positions, Shape.KeyValueWidth);

    /// <summary>Queries of the rows <paramref name="rows"/>.</summary>
    public ReadOnlySpan<float> QueriesAt(Range rows) => Tokens(Queries, rows, Shape.QueryWidth);

    /// <summary>The sequence as a cache of <paramref name="format"/> holds it.</summary>
    public Sequence Rounded(KvFormat format) => this with
    {
        Keys = Round(Keys, Shape.HeadDim, format),
        Values = Round(Values, Shape.HeadDim, format),
    };

    /// <summary>What a cache of <paramref name="format"/> gives back for rows of <paramref name="headDim"/> scalars.</summary>
    public static float[] Round(float[] rows, int headDim, KvFormat format) => format == KvFormat.Int8
        ? [.. rows.Chunk(headDim).SelectMany(RoundToInt8)]
        : Array.ConvertAll(rows, x => Round(x, format));

    /// <summary>What a cache of <paramref name="format"/>, in which scalars are rounded one by one, gives back for <paramref name="value"/>.</summary>
    public static float Round(float value, KvFormat format) => format switch
    {
        KvFormat.Float16 => (float)(Half)value,
        KvFormat.BFloat16 => RoundToBFloat16(value),
        _ => value,
    };

    // Steps of the same size, the largest magnitude being 127 of them. A row that is not finite is NaN throughout.
    static float[] RoundToInt8(float[] row)
    {
        float scale = row.All(float.IsFinite) ? row.Max(Math.Abs) / 127 : float.NaN;
        return Array.ConvertAll(row, x => scale == 0 ? 0 : Math.Clamp(MathF.Round(x / scale), -127, 127) * scale);
    }

    // To nearest, ties to even; a NaN keeps a mantissa.
    static float RoundToBFloat16(float value)
    {
        if (float.IsNaN(value))
            return value;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        bits += 0x7FFF + (bits >> 16 & 1);
        return BitConverter.UInt32BitsToSingle(bits & 0xFFFF0000);
    }

    static ReadOnlySpan<float> Tokens(float[] data, Range tokens, int width)
    {
        var (start, count) = tokens.GetOffsetAndLength(data.Length / width);
        return data.AsSpan(start * width, count * width);
    }

    // Box and Muller; two uniform numbers a scalar keep it short.
    static float[] Normal(Random random, int count, double deviation)
    {
        var scalars = new float[count];
        for (int i = 0; i < count; i++)
        {
            double length = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())), angle = 2 * Math.PI * random.NextDouble();
            scalars[i] = (float)(deviation * length * Math.Cos(angle));
        }

        return scalars;
    }
}
