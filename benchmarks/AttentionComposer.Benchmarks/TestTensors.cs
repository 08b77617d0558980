namespace AttentionComposer.Benchmarks;

/// <summary>
/// The tensors that the peers are measured on (common.h there): multiples of 1/256 up to 1 from a hash, queries times 4.
/// Every format of floats holds them exactly, so no row differs from the reference by rounding of its inputs; of integers see <see cref="Stored"/>.
/// </summary>
static class TestTensors
{
    public const uint Queries = 0, Keys = 1, Values = 2;

    public static float Value(uint tensor, int head, int token, int component)
    {
        uint x = ((tensor * 64u + (uint)head) << 24) ^ ((uint)token * 128u + (uint)component) ^ (tensor * 0x9e3779b9u);
        x ^= x >> 16;
        x *= 0x85ebca6bu;
        x ^= x >> 13;
        x *= 0xc2b2ae35u;
        x ^= x >> 16;
        float value = ((int)((x >> 9) % 513u) - 256) / 256.0f;
        return tensor == Queries ? 4.0f * value : value;
    }

    /// <summary>A row as a cache of the format gives it back: 8-bit integers are 127 steps of the largest magnitude's 127th.</summary>
    public static double[] Stored(KvFormat format, uint tensor, int head, int token, int headDim)
    {
        double[] row = [.. Enumerable.Range(0, headDim).Select(component => (double)Value(tensor, head, token, component))];
        if (format != KvFormat.Int8)
            return row;
        float step = (float)row.Max(Math.Abs) / 127;
        return Array.ConvertAll(row, x => Math.Round((float)x / step) * step);
    }

    /// <summary>Fills <c>[tokens, heads, headDim]</c> with the tokens from <paramref name="firstToken"/> on.</summary>
    public static void Fill(float[] target, uint tensor, int heads, int headDim, int firstToken, int tokens) =>
        Parallel.For(0, tokens, token =>
        {
            Span<float> row = target.AsSpan(token * heads * headDim, heads * headDim);
            for (int head = 0; head < heads; head++)
                for (int component = 0; component < headDim; component++)
                    row[head * headDim + component] = Value(tensor, head, firstToken + token, component);
        });

    public static float[] QueriesFor(AttentionShape shape, int tokens)
    {
        var queries = new float[tokens * shape.QueryWidth];
        Fill(queries, Queries, shape.QueryHeads, shape.HeadDim, 0, tokens);
        return queries;
    }

    public static (float[] Keys, float[] Values) KeysAndValuesFor(AttentionShape shape, int tokens)
    {
        var keys = new float[tokens * shape.KeyValueWidth];
        var values = new float[tokens * shape.KeyValueWidth];
        Fill(keys, Keys, shape.KeyValueHeads, shape.HeadDim, 0, tokens);
        Fill(values, Values, shape.KeyValueHeads, shape.HeadDim, 0, tokens);
        return (keys, values);
    }

    /// <summary>Appends the same <paramref name="tokens"/> tokens to every cache.</summary>
    public static void Append(IAttention attention, KvCache[] caches, int tokens)
    {
        const int Chunk = 1024;
        AttentionShape shape = attention.Shape;
        var keys = new float[Chunk * shape.KeyValueWidth];
        var values = new float[Chunk * shape.KeyValueWidth];
        for (int first = 0; first < tokens; first += Chunk)
        {
            int count = Math.Min(Chunk, tokens - first);
            Fill(keys, Keys, shape.KeyValueHeads, shape.HeadDim, first, count);
            Fill(values, Values, shape.KeyValueHeads, shape.HeadDim, first, count);
            int length = count * shape.KeyValueWidth;
            foreach (KvCache cache in caches)
                attention.Append(cache, keys.AsSpan(0, length), values.AsSpan(0, length));
        }
    }
}
