using System.ComponentModel;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>
/// Copies of queries, keys and values in the order in which prefill kernels walk them. They are small and stay in the
/// first caches; a tile of queries uses each of them many times.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Panels
{
    static readonly float[] s_unitScales = [.. Enumerable.Repeat(1f, Survivors.BlockKeys)];

    /// <summary>
    /// Copies a tile's queries to <c>[tokens, rowsPerToken, stride]</c>, times a factor, with zeros in padding columns and rows.
    /// </summary>
    /// <param name="call">The call whose queries are copied.</param>
    /// <param name="shape">Head counts and head size.</param>
    /// <param name="rowsPerToken">Rows a token gets: the group size or more.</param>
    /// <param name="paddedRows">Rows to fill in all.</param>
    /// <param name="factor">Factor on every scalar.</param>
    /// <param name="panel">Receives <c>[paddedRows, stride]</c>, the stride being the head size rounded up to a multiple of 16.</param>
    public static void ScaleQueries(
        in KernelCall call, AttentionShape shape, int rowsPerToken, int paddedRows, float factor, ref float panel)
    {
        int stride = shape.RowStride;
        for (int row = 0; row < paddedRows; row++)
        {
            int token = row / rowsPerToken, head = row % rowsPerToken;
            ref float target = ref Unsafe.Add(ref panel, row * stride);
            if (token >= call.Tokens || head >= shape.GroupSize)
            {
                for (int i = 0; i < stride; i += 8)
                    Vector256<float>.Zero.StoreUnsafe(ref target, (nuint)i);
                continue;
            }

            ref float source = ref Unsafe.Add(ref Unsafe.AsRef(in call.Queries), (nint)token * shape.QueryWidth + head * shape.HeadDim);
            for (int i = 0; i < shape.HeadDim; i += 8)
                (Vector256.LoadUnsafe(ref source, (nuint)i) * factor).StoreUnsafe(ref target, (nuint)i);
            if (stride > shape.HeadDim)
                Vector256<float>.Zero.StoreUnsafe(ref target, (nuint)shape.HeadDim);
        }
    }

    /// <summary>
    /// Writes each of a token's queries as its negative scalars and then its positive ones: <c>[rows, 2, stride]</c>. The product with a page's minima and
    /// maxima is the page's bound, since <c>max(q · m, q · M)</c> is <c>min(q, 0) · m + max(q, 0) · M</c>.
    /// </summary>
    public static void SplitQueries(in KernelCall call, AttentionShape shape, int rows, float factor, ref float panel)
    {
        int stride = shape.RowStride;
        for (int row = 0; row < rows; row++)
        {
            ref float negative = ref Unsafe.Add(ref panel, row * 2 * stride);
            ref float positive = ref Unsafe.Add(ref negative, stride);
            for (int i = 0; i < stride; i += 8)
            {
                Vector256<float> query = row < shape.GroupSize && i < shape.HeadDim
                    ? Vector256.LoadUnsafe(ref Unsafe.AsRef(in call.Queries), (nuint)(row * shape.HeadDim + i)) * factor
                    : Vector256<float>.Zero;
                Vector256.MinNative(query, Vector256<float>.Zero).StoreUnsafe(ref negative, (nuint)i);
                Vector256.MaxNative(query, Vector256<float>.Zero).StoreUnsafe(ref positive, (nuint)i);
            }
        }
    }

    /// <summary>Starts a tile: sums and weights 0, maxima negative infinity.</summary>
    public static void Clear(in KernelCall call, int rows, int stride)
    {
        for (int i = 0; i < rows * stride; i += 8)
            Vector256<float>.Zero.StoreUnsafe(ref call.Sums, (nuint)i);
        for (int row = 0; row < rows; row++)
        {
            Unsafe.Add(ref call.Maxima, row) = float.NegativeInfinity;
            Unsafe.Add(ref call.Weights, row) = 0;
        }
    }

    /// <summary>Scales of a block of rows that change nothing.</summary>
    public static ref float UnitScales => ref s_unitScales[0];

    /// <summary>Prefetches the scales of a block's rows. They lie apart from the rows, and a block is too short for the hardware to follow them.</summary>
    public static void PrefetchScales(in KernelCall call, nint slot, int count)
    {
        Prefetch.Lines(ref Unsafe.Add(ref call.KeyScales, slot), count);
        Prefetch.Lines(ref Unsafe.Add(ref call.ValueScales, slot), count);
    }

    /// <summary>Copies the scales of rows from a list next to each other.</summary>
    /// <param name="call">The call whose keys and values they are of.</param>
    /// <param name="slots">The rows' slots.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="keyScales">Receives the keys' scales.</param>
    /// <param name="valueScales">Receives the values' scales.</param>
    public static void GatherScales(in KernelCall call, ref int slots, int count, ref float keyScales, ref float valueScales)
    {
        for (int i = 0; i < count; i++)
        {
            int slot = Unsafe.Add(ref slots, i);
            Unsafe.Add(ref keyScales, i) = Unsafe.Add(ref call.KeyScales, slot);
            Unsafe.Add(ref valueScales, i) = Unsafe.Add(ref call.ValueScales, slot);
        }
    }

    /// <summary>Multiplies each column of some rows by a scale of its own.</summary>
    /// <param name="rows"><c>[count, stride]</c>.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="length">Floats of a row that count.</param>
    /// <param name="scales">The columns' scales.</param>
    /// <param name="scaled">Receives the products, in the layout of the rows.</param>
    public static void ScaleRows(ref float rows, int count, int stride, int length, ref float scales, ref float scaled)
    {
        ReadOnlySpan<float> factors = MemoryMarshal.CreateReadOnlySpan(ref scales, length);
        for (int row = 0; row < count; row++)
        {
            TensorPrimitives.Multiply(
                MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref rows, row * stride), length), factors, MemoryMarshal.CreateSpan(ref Unsafe.Add(ref scaled, row * stride), length));
        }
    }

    /// <summary>Adds rows up, times a factor.</summary>
    /// <param name="rows"><c>[count, stride]</c>.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="length">Floats of a row that count.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="sums">The sums to add to.</param>
    public static void AddRows(ref float rows, int count, int stride, int length, float factor, ref float sums)
    {
        Span<float> target = MemoryMarshal.CreateSpan(ref sums, length);
        for (int row = 0; row < count; row++)
            TensorPrimitives.MultiplyAdd(MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref rows, row * stride), length), factor, target, target);
    }

    /// <summary>Copies value rows as floats: <c>[count, stride]</c>.</summary>
    public static void WidenRows<TFormat, T>(ref T rows, int count, int stride, ref float panel)
        where TFormat : IRowFormat<T>
        where T : unmanaged
    {
        for (nint i = 0; i < count * stride; i += 8)
            Lanes256.Store(TFormat.Load256(ref rows, i), ref panel, i);
    }

    /// <summary>
    /// Copies key rows as floats with channels outermost: <c>[stride, blockKeys]</c>, so that a vector holds one channel of
    /// neighbouring keys. Columns behind <paramref name="count"/> become 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeKeys<TFormat, T>(ref T rows, int count, int stride, int blockKeys, ref float panel)
        where TFormat : IRowFormat<T>
        where T : unmanaged
    {
        for (int key = 0; key < blockKeys; key += 8)
        {
            if (key >= count)
            {
                for (int channel = 0; channel < stride; channel++)
                    Vector256<float>.Zero.StoreUnsafe(ref panel, (nuint)(channel * blockKeys + key));
                continue;
            }

            // Rows behind the last one repeat it: their columns are cleared below.
            int last = count - 1;
            ref T row0 = ref Unsafe.Add(ref rows, (nint)key * stride);
            ref T row1 = ref Unsafe.Add(ref rows, (nint)Math.Min(key + 1, last) * stride);
            ref T row2 = ref Unsafe.Add(ref rows, (nint)Math.Min(key + 2, last) * stride);
            ref T row3 = ref Unsafe.Add(ref rows, (nint)Math.Min(key + 3, last) * stride);
            ref T row4 = ref Unsafe.Add(ref rows, (nint)Math.Min(key + 4, last) * stride);
            ref T row5 = ref Unsafe.Add(ref rows, (nint)Math.Min(key + 5, last) * stride);
            ref T row6 = ref Unsafe.Add(ref rows, (nint)Math.Min(key + 6, last) * stride);
            ref T row7 = ref Unsafe.Add(ref rows, (nint)Math.Min(key + 7, last) * stride);
            Vector256<float> valid = Vector256.LessThan(Vector256.Create(key) + Vector256<int>.Indices, Vector256.Create(count)).AsSingle();
            for (int channel = 0; channel < stride; channel += 8)
            {
                nint c = channel;
                Vector256<float> a = TFormat.Load256(ref row0, c), b = TFormat.Load256(ref row1, c);
                Vector256<float> d = TFormat.Load256(ref row2, c), e = TFormat.Load256(ref row3, c);
                Vector256<float> f = TFormat.Load256(ref row4, c), g = TFormat.Load256(ref row5, c);
                Vector256<float> h = TFormat.Load256(ref row6, c), i = TFormat.Load256(ref row7, c);

                // An 8 × 8 transpose: pairs, then quads within 128-bit lanes, then the lanes.
                Vector256<double> ab0 = Lanes.UnpackLow(a, b).AsDouble(), ab1 = Lanes.UnpackHigh(a, b).AsDouble();
                Vector256<double> de0 = Lanes.UnpackLow(d, e).AsDouble(), de1 = Lanes.UnpackHigh(d, e).AsDouble();
                Vector256<double> fg0 = Lanes.UnpackLow(f, g).AsDouble(), fg1 = Lanes.UnpackHigh(f, g).AsDouble();
                Vector256<double> hi0 = Lanes.UnpackLow(h, i).AsDouble(), hi1 = Lanes.UnpackHigh(h, i).AsDouble();
                Vector256<float> low0 = Lanes.UnpackLow(ab0, de0).AsSingle(), low1 = Lanes.UnpackHigh(ab0, de0).AsSingle();
                Vector256<float> low2 = Lanes.UnpackLow(ab1, de1).AsSingle(), low3 = Lanes.UnpackHigh(ab1, de1).AsSingle();
                Vector256<float> high0 = Lanes.UnpackLow(fg0, hi0).AsSingle(), high1 = Lanes.UnpackHigh(fg0, hi0).AsSingle();
                Vector256<float> high2 = Lanes.UnpackLow(fg1, hi1).AsSingle(), high3 = Lanes.UnpackHigh(fg1, hi1).AsSingle();

                ref float target = ref Unsafe.Add(ref panel, channel * blockKeys + key);
                nuint step = (nuint)blockKeys;
                (Vector256.Create(low0.GetLower(), high0.GetLower()) & valid).StoreUnsafe(ref target, 0);
                (Vector256.Create(low1.GetLower(), high1.GetLower()) & valid).StoreUnsafe(ref target, step);
                (Vector256.Create(low2.GetLower(), high2.GetLower()) & valid).StoreUnsafe(ref target, 2 * step);
                (Vector256.Create(low3.GetLower(), high3.GetLower()) & valid).StoreUnsafe(ref target, 3 * step);
                (Vector256.Create(low0.GetUpper(), high0.GetUpper()) & valid).StoreUnsafe(ref target, 4 * step);
                (Vector256.Create(low1.GetUpper(), high1.GetUpper()) & valid).StoreUnsafe(ref target, 5 * step);
                (Vector256.Create(low2.GetUpper(), high2.GetUpper()) & valid).StoreUnsafe(ref target, 6 * step);
                (Vector256.Create(low3.GetUpper(), high3.GetUpper()) & valid).StoreUnsafe(ref target, 7 * step);
            }
        }
    }
}
