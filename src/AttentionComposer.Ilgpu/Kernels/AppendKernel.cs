using System.ComponentModel;
using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>New keys and values on their way into a device cache.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct AppendCall
{
    /// <summary><c>[sequences, Tokens, KeyValueHeads, HeadDim]</c>.</summary>
    public ArrayView<float> NewKeys;

    /// <summary>As the keys.</summary>
    public ArrayView<float> NewValues;

    /// <summary>Receives the keys' rows: <see cref="DeviceCall.Keys"/>.</summary>
    public ArrayView<Chunk> Keys;

    /// <summary>Receives the values' rows.</summary>
    public ArrayView<Chunk> Values;

    /// <summary>Positions of each sequence, the new ones included.</summary>
    public ArrayView<int> Lengths;

    /// <summary>New tokens of each sequence.</summary>
    public int Tokens;

    /// <summary>Key/value heads.</summary>
    public int Heads;

    /// <summary>Scalars of a row.</summary>
    public int HeadDim;

    /// <summary>Chunks of a stored row.</summary>
    public int RowChunks;

    /// <summary>Rows of a head in the cache.</summary>
    public int Capacity;

    /// <summary>A <see cref="KvFormat"/>.</summary>
    public int Format;
}

/// <summary>The same keys on their way into the columns that a selection reads.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct ColumnCall
{
    /// <summary>Receives them: <see cref="DeviceSelection.Columns"/>.</summary>
    public ArrayView<Chunk> Columns;

    /// <summary>The channels that are kept, <c>[KeyValueHeads, Kept]</c>.</summary>
    public ArrayView<int> Channels;

    /// <summary>Channels that are kept of each head.</summary>
    public int Kept;

    /// <summary>Chunks of a column.</summary>
    public int ColumnChunks;
}

/// <summary>Stores new rows behind the present ones, rounded to nearest even, their padding 0.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class AppendKernel
{
    /// <summary>Counts new positions: one group of threads for all sequences.</summary>
    public static void Grow(AppendCall call)
    {
        for (int sequence = Group.IdxX; sequence < call.Lengths.IntLength; sequence += Group.DimX)
            call.Lengths[sequence] += call.Tokens;
    }

    /// <summary>One thread a chunk. The grid is <c>(groups for Tokens · Heads · RowChunks threads, sequences, 2)</c>, the last for keys and values.</summary>
    public static void Run(AppendCall call)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, sequence = Grid.IdxY;
        int chunk = thread % call.RowChunks, row = thread / call.RowChunks;
        int head = row % call.Heads, token = row / call.Heads;
        if (token >= call.Tokens)
            return;

        long source = (((long)sequence * call.Tokens + token) * call.Heads + head) * call.HeadDim;
        int position = call.Lengths[sequence] - call.Tokens + token;
        long target = (((long)sequence * call.Heads + head) * call.Capacity + position) * call.RowChunks + chunk;
        if (Grid.IdxZ == 0)
            call.Keys[target] = Convert(call.NewKeys, source, chunk, call.HeadDim, call.Format);
        else
            call.Values[target] = Convert(call.NewValues, source, chunk, call.HeadDim, call.Format);
    }

    /// <summary>One thread a scalar of the new keys, tokens side by side. The grid is <c>(groups for Heads · Kept · Tokens threads, sequences)</c>.</summary>
    public static void Columns(AppendCall call, ColumnCall columns)
    {
        int thread = Grid.IdxX * Group.DimX + Group.IdxX, sequence = Grid.IdxY;
        int token = thread % call.Tokens, column = thread / call.Tokens;
        if (column >= call.Heads * columns.Kept)
            return;

        long row = ((long)sequence * call.Tokens + token) * call.Heads + column / columns.Kept;
        uint bits = Interop.FloatAsInt(call.NewKeys[row * call.HeadDim + columns.Channels[column]]);
        int position = call.Lengths[sequence] - call.Tokens + token;
        long first = ((long)sequence * call.Heads * columns.Kept + column) * columns.ColumnChunks;
        if (call.Format == (int)KvFormat.Float32)
            columns.Columns.Cast<uint>()[first * 4 + position] = bits;
        else
            columns.Columns.Cast<ushort>()[first * 8 + position] = (ushort)(call.Format == (int)KvFormat.Float16 ? ToFloat16(bits) : ToBFloat16(bits));
    }

    static Chunk Convert(ArrayView<float> rows, long row, int chunk, int headDim, int format)
    {
        Chunk stored;
        if (format == (int)KvFormat.Float32)
        {
            int channel = chunk * 4;
            stored.X = Interop.FloatAsInt(Scalar(rows, row, channel, headDim));
            stored.Y = Interop.FloatAsInt(Scalar(rows, row, channel + 1, headDim));
            stored.Z = Interop.FloatAsInt(Scalar(rows, row, channel + 2, headDim));
            stored.W = Interop.FloatAsInt(Scalar(rows, row, channel + 3, headDim));
        }
        else
        {
            int channel = chunk * 8;
            stored.X = Pair(rows, row, channel, headDim, format);
            stored.Y = Pair(rows, row, channel + 2, headDim, format);
            stored.Z = Pair(rows, row, channel + 4, headDim, format);
            stored.W = Pair(rows, row, channel + 6, headDim, format);
        }

        return stored;
    }

    static float Scalar(ArrayView<float> rows, long row, int channel, int headDim) => channel < headDim ? rows[row + channel] : 0;

    static uint Pair(ArrayView<float> rows, long row, int channel, int headDim, int format)
    {
        uint low = Interop.FloatAsInt(Scalar(rows, row, channel, headDim)), high = Interop.FloatAsInt(Scalar(rows, row, channel + 1, headDim));
        return format == (int)KvFormat.Float16 ? ToFloat16(low) | ToFloat16(high) << 16 : ToBFloat16(low) | ToBFloat16(high) << 16;
    }

    /// <summary>The bits of the nearest float16. Conversions of ILGPU's own round differently on its accelerators.</summary>
    static uint ToFloat16(uint bits)
    {
        const uint Infinity = 0x7f800000, Overflow = 0x477ff000, SmallestNormal = 0x38800000, Half = 0x3f000000, Rebias = (127 - 15) << 23;
        uint sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
        uint result;
        if (magnitude > Infinity)
            result = 0x7e00;
        else if (magnitude >= Overflow)
            result = 0x7c00;
        else if (magnitude >= SmallestNormal)
            result = (magnitude - Rebias + 0xfff + (magnitude >> 13 & 1)) >> 13;
        else
            result = Interop.FloatAsInt(Interop.IntAsFloat(magnitude) + Interop.IntAsFloat(Half)) - Half; // 0.5 has the bits of a subnormal float16 as its last ones
        return sign | result;
    }

    /// <summary>The bits of the nearest bfloat16.</summary>
    static uint ToBFloat16(uint bits)
    {
        const uint Infinity = 0x7f800000;
        return (bits & 0x7fffffff) > Infinity ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    }
}
