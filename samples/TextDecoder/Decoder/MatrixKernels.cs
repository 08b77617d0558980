using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using TextDecoder.Weights;

namespace TextDecoder.Decoder;

/// <summary>
/// The two loops under every matrix product, for one vector width: a matrix with one token, and a panel of rows with many tokens.
/// </summary>
/// <remarks>
/// A decoded token reads every weight once and computes little: the loop keeps four rows in flight and the memory busy. Many
/// tokens compute much with every weight: rows are widened once into a panel that stays in the processor's second-level cache,
/// with rows side by side, and a tile of two vectors of rows and six tokens lives in twelve registers, as many as AVX2 has to spare.
/// </remarks>
abstract unsafe class MatrixKernels
{
    /// <summary>Columns that a panel holds: 32 rows of them are 128 KiB.</summary>
    public const int PanelColumns = 1024;

    /// <summary>Tokens that meet a panel at a time.</summary>
    protected const int TileTokens = 6;

    /// <summary>Rows that a panel holds.</summary>
    public abstract int PanelRows { get; }

    /// <summary>Floats that one thread needs: a panel, and behind it a tile of results.</summary>
    public int PanelLength => PanelRows * (PanelColumns + TileTokens);

    /// <summary>The kernels for vectors of so many bits.</summary>
    public static MatrixKernels ForVectorBits(int bits) => bits switch
    {
        512 => new MatrixKernels<Lanes512, Vector512<float>>(),
        256 => new MatrixKernels<Lanes256, Vector256<float>>(),
        _ => new MatrixKernels<Lanes128, Vector128<float>>(),
    };

    /// <summary>Some rows with one token.</summary>
    /// <param name="weights">[rows, columns].</param>
    /// <param name="start">First row.</param>
    /// <param name="end">Behind the last row.</param>
    /// <param name="input">[columns].</param>
    /// <param name="output">[rows]; rows outside of the range are left alone.</param>
    public abstract void MultiplyRows(WeightMatrix weights, int start, int end, float* input, float* output);

    /// <summary>Up to <see cref="PanelRows"/> rows with many tokens.</summary>
    /// <param name="weights">[rows, columns].</param>
    /// <param name="start">First row.</param>
    /// <param name="end">Behind the last row.</param>
    /// <param name="input">[tokens, columns].</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="output">[tokens, rows]; rows outside of the range are left alone.</param>
    /// <param name="panel">Scratch of <see cref="PanelLength"/> floats.</param>
    public abstract void MultiplyPanel(
        WeightMatrix weights, int start, int end, float* input, int tokens, float* output, float* panel);
}

/// <inheritdoc/>
sealed unsafe class MatrixKernels<TLanes, TVector> : MatrixKernels
    where TLanes : struct, IVectorLanes<TVector> where TVector : struct
{
    public override int PanelRows => 2 * TLanes.Count;

    public override void MultiplyRows(WeightMatrix weights, int start, int end, float* input, float* output)
    {
        switch (weights.Format)
        {
            case TensorFormat.Float32: MultiplyRows<Float32Weights>(weights, start, end, input, output); break;
            case TensorFormat.Float16: MultiplyRows<Float16Weights>(weights, start, end, input, output); break;
            case TensorFormat.BFloat16: MultiplyRows<BFloat16Weights>(weights, start, end, input, output); break;
            case TensorFormat.Q8_0: MultiplyRows<Q8Weights>(weights, start, end, input, output); break;
        }
    }

    public override void MultiplyPanel(
        WeightMatrix weights, int start, int end, float* input, int tokens, float* output, float* panel)
    {
        for (int column = 0; column < weights.Columns; column += PanelColumns)
        {
            int columns = Math.Min(PanelColumns, weights.Columns - column);
            switch (weights.Format)
            {
                case TensorFormat.Float32: FillPanel<Float32Weights>(weights, start, end, column, columns, panel); break;
                case TensorFormat.Float16: FillPanel<Float16Weights>(weights, start, end, column, columns, panel); break;
                case TensorFormat.BFloat16: FillPanel<BFloat16Weights>(weights, start, end, column, columns, panel); break;
                case TensorFormat.Q8_0: FillPanel<Q8Weights>(weights, start, end, column, columns, panel); break;
            }

            float* tile = panel + (PanelRows * PanelColumns);
            for (int token = 0; token < tokens; token += TileTokens)
            {
                int count = Math.Min(TileTokens, tokens - token);
                MultiplyTile(panel, columns, input + ((long)token * weights.Columns) + column, weights.Columns, count, tile);
                StoreTile(tile, output + ((long)token * weights.Rows) + start, weights.Rows, count, end - start, accumulate: column > 0);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static WeightRow Row(WeightMatrix weights, int row) =>
        new(weights.Numbers.Pointer + (row * weights.RowBytes), weights.Scales.Pointer + (row * weights.RowScales));

    static void MultiplyRows<TWeights>(WeightMatrix weights, int start, int end, float* input, float* output)
        where TWeights : struct, IStoredWeights
    {
        int columns = weights.Columns;
        for (int r = start; r < end; r += 4)
        {
            // Behind the last row, the last row again: the same numbers are stored twice, and there is one loop only.
            int i1 = Math.Min(r + 1, end - 1), i2 = Math.Min(r + 2, end - 1), i3 = Math.Min(r + 3, end - 1);
            WeightRow r0 = Row(weights, r), r1 = Row(weights, i1), r2 = Row(weights, i2), r3 = Row(weights, i3);
            TVector a0 = default, a1 = default, a2 = default, a3 = default;
            TVector b0 = default, b1 = default, b2 = default, b3 = default;

            int c = 0;
            for (; c <= columns - (2 * TLanes.Count); c += 2 * TLanes.Count)
            {
                TVector x = TLanes.Load(input + c), y = TLanes.Load(input + c + TLanes.Count);
                a0 = TLanes.MultiplyAdd(TWeights.Load<TLanes, TVector>(r0, c), x, a0);
                a1 = TLanes.MultiplyAdd(TWeights.Load<TLanes, TVector>(r1, c), x, a1);
                a2 = TLanes.MultiplyAdd(TWeights.Load<TLanes, TVector>(r2, c), x, a2);
                a3 = TLanes.MultiplyAdd(TWeights.Load<TLanes, TVector>(r3, c), x, a3);
                b0 = TLanes.MultiplyAdd(TWeights.Load<TLanes, TVector>(r0, c + TLanes.Count), y, b0);
                b1 = TLanes.MultiplyAdd(TWeights.Load<TLanes, TVector>(r1, c + TLanes.Count), y, b1);
                b2 = TLanes.MultiplyAdd(TWeights.Load<TLanes, TVector>(r2, c + TLanes.Count), y, b2);
                b3 = TLanes.MultiplyAdd(TWeights.Load<TLanes, TVector>(r3, c + TLanes.Count), y, b3);
            }

            float s0 = TLanes.Sum(TLanes.Add(a0, b0)) * TWeights.Factor, s1 = TLanes.Sum(TLanes.Add(a1, b1)) * TWeights.Factor;
            float s2 = TLanes.Sum(TLanes.Add(a2, b2)) * TWeights.Factor, s3 = TLanes.Sum(TLanes.Add(a3, b3)) * TWeights.Factor;
            for (; c < columns; c++)
            {
                s0 += TWeights.LoadOne(r0, c) * input[c];
                s1 += TWeights.LoadOne(r1, c) * input[c];
                s2 += TWeights.LoadOne(r2, c) * input[c];
                s3 += TWeights.LoadOne(r3, c) * input[c];
            }

            output[r] = s0;
            output[i1] = s1;
            output[i2] = s2;
            output[i3] = s3;
        }
    }

    /// <summary>Writes widened rows as columns: <c>panel[column · PanelRows + row]</c>.</summary>
    static void FillPanel<TWeights>(WeightMatrix weights, int start, int end, int firstColumn, int columns, float* panel)
        where TWeights : struct, IStoredWeights
    {
        int panelRows = 2 * TLanes.Count;
        float* widened = panel + (panelRows * PanelColumns);
        TVector factor = TLanes.Broadcast(TWeights.Factor);
        int column = 0;
        // A few columns of all rows at a time: what they fill of the panel stays in the first-level cache meanwhile.
        for (; column <= columns - TLanes.Count; column += TLanes.Count)
            for (int r = 0; r < panelRows; r += 4)
            {
                for (int i = 0; i < 4; i++)
                {
                    // Rows behind the last one repeat it: their results are not stored.
                    var row = Row(weights, Math.Min(start + r + i, end - 1));
                    TLanes.Store(
                        TLanes.Multiply(TWeights.Load<TLanes, TVector>(row, firstColumn + column), factor), widened + (i * TLanes.Count));
                }

                for (int c = 0; c < TLanes.Count; c += 4)
                    Transpose(widened + c, TLanes.Count, panel + ((column + c) * panelRows) + r, panelRows);
            }

        for (; column < columns; column++)
            for (int r = 0; r < panelRows; r++)
                panel[(column * panelRows) + r] = TWeights.LoadOne(Row(weights, Math.Min(start + r, end - 1)), firstColumn + column);
    }

    /// <summary>Four rows of four numbers become columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Transpose(float* source, int sourceStride, float* destination, int destinationStride)
    {
        Vector128<float> a = Vector128.Load(source), b = Vector128.Load(source + sourceStride);
        Vector128<float> c = Vector128.Load(source + (2 * sourceStride)), d = Vector128.Load(source + (3 * sourceStride));
        Vector128<float> acLow = InterleaveLow(a, c), acHigh = InterleaveHigh(a, c);
        Vector128<float> bdLow = InterleaveLow(b, d), bdHigh = InterleaveHigh(b, d);
        InterleaveLow(acLow, bdLow).Store(destination);
        InterleaveHigh(acLow, bdLow).Store(destination + destinationStride);
        InterleaveLow(acHigh, bdHigh).Store(destination + (2 * destinationStride));
        InterleaveHigh(acHigh, bdHigh).Store(destination + (3 * destinationStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> InterleaveLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> InterleaveHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3]);

    /// <summary>A panel with up to six tokens. Missing tokens repeat the last one.</summary>
    static void MultiplyTile(float* panel, int columns, float* input, long inputStride, int tokens, float* tile)
    {
        float* x0 = input, x1 = input + (Math.Min(1, tokens - 1) * inputStride), x2 = input + (Math.Min(2, tokens - 1) * inputStride);
        float* x3 = input + (Math.Min(3, tokens - 1) * inputStride), x4 = input + (Math.Min(4, tokens - 1) * inputStride);
        float* x5 = input + (Math.Min(5, tokens - 1) * inputStride);
        TVector a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default;
        TVector b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default;
        for (int c = 0; c < columns; c++)
        {
            TVector a = TLanes.Load(panel), b = TLanes.Load(panel + TLanes.Count);
            panel += 2 * TLanes.Count;
            TVector x = TLanes.Broadcast(x0[c]);
            a0 = TLanes.MultiplyAdd(a, x, a0);
            b0 = TLanes.MultiplyAdd(b, x, b0);
            x = TLanes.Broadcast(x1[c]);
            a1 = TLanes.MultiplyAdd(a, x, a1);
            b1 = TLanes.MultiplyAdd(b, x, b1);
            x = TLanes.Broadcast(x2[c]);
            a2 = TLanes.MultiplyAdd(a, x, a2);
            b2 = TLanes.MultiplyAdd(b, x, b2);
            x = TLanes.Broadcast(x3[c]);
            a3 = TLanes.MultiplyAdd(a, x, a3);
            b3 = TLanes.MultiplyAdd(b, x, b3);
            x = TLanes.Broadcast(x4[c]);
            a4 = TLanes.MultiplyAdd(a, x, a4);
            b4 = TLanes.MultiplyAdd(b, x, b4);
            x = TLanes.Broadcast(x5[c]);
            a5 = TLanes.MultiplyAdd(a, x, a5);
            b5 = TLanes.MultiplyAdd(b, x, b5);
        }

        // All twelve leave the registers at once: the compiler would not keep them there across a branch and a call.
        TLanes.Store(a0, tile);
        TLanes.Store(b0, tile + TLanes.Count);
        TLanes.Store(a1, tile + (2 * TLanes.Count));
        TLanes.Store(b1, tile + (3 * TLanes.Count));
        TLanes.Store(a2, tile + (4 * TLanes.Count));
        TLanes.Store(b2, tile + (5 * TLanes.Count));
        TLanes.Store(a3, tile + (6 * TLanes.Count));
        TLanes.Store(b3, tile + (7 * TLanes.Count));
        TLanes.Store(a4, tile + (8 * TLanes.Count));
        TLanes.Store(b4, tile + (9 * TLanes.Count));
        TLanes.Store(a5, tile + (10 * TLanes.Count));
        TLanes.Store(b5, tile + (11 * TLanes.Count));
    }

    /// <summary>Copies or adds what a tile holds of real tokens and rows.</summary>
    static void StoreTile(float* tile, float* output, long outputStride, int tokens, int rows, bool accumulate)
    {
        int panelRows = 2 * TLanes.Count;
        for (int t = 0; t < tokens; t++, tile += panelRows, output += outputStride)
        {
            int r = 0;
            for (; r <= rows - TLanes.Count; r += TLanes.Count)
            {
                TVector value = TLanes.Load(tile + r);
                TLanes.Store(accumulate ? TLanes.Add(value, TLanes.Load(output + r)) : value, output + r);
            }

            for (; r < rows; r++)
                output[r] = accumulate ? output[r] + tile[r] : tile[r];
        }
    }
}
