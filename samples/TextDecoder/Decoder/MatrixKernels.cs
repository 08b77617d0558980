using System.Runtime.CompilerServices;
using TextDecoder.Weights;

namespace TextDecoder.Decoder;

/// <summary>
/// The two loops under every matrix product, for one vector width: a matrix with one token, and a panel of rows with many tokens.
/// </summary>
/// <remarks>
/// A decoded token reads every weight once and computes little: the loop keeps four rows in flight and the memory busy. Many
/// tokens compute much with every weight: rows are widened once into a panel that stays in the processor's second-level cache, with rows side by
/// side, and a tile of two vectors of rows and six tokens lives in twelve registers, as many as AVX2 has to spare.
/// </remarks>
abstract unsafe class MatrixKernels
{
    /// <summary>Columns that a panel holds: 32 rows of them are 128 KiB.</summary>
    public const int PanelColumns = 1024;

    /// <summary>Rows that a panel holds.</summary>
    public abstract int PanelRows { get; }

    /// <summary>The kernels for vectors of so many bits.</summary>
    public static MatrixKernels ForVectorBits(int bits) => bits switch
    {
        512 => new MatrixKernels<Lanes512, System.Runtime.Intrinsics.Vector512<float>>(),
        256 => new MatrixKernels<Lanes256, System.Runtime.Intrinsics.Vector256<float>>(),
        _ => new MatrixKernels<Lanes128, System.Runtime.Intrinsics.Vector128<float>>(),
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
    /// <param name="panel">Scratch: <see cref="PanelRows"/> · (<see cref="PanelColumns"/> + 1) floats.</param>
    public abstract void MultiplyPanel(
        WeightMatrix weights, int start, int end, float* input, int tokens, float* output, float* panel);
}

/// <inheritdoc/>
sealed unsafe class MatrixKernels<TLanes, TVector> : MatrixKernels
    where TLanes : struct, IVectorLanes<TVector> where TVector : struct
{
    const int TileTokens = 6;

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

            for (int token = 0; token < tokens; token += TileTokens)
                MultiplyTile(
                    panel, columns, input + ((long)token * weights.Columns) + column, weights.Columns,
                    output + ((long)token * weights.Rows) + start, weights.Rows,
                    Math.Min(TileTokens, tokens - token), end - start, accumulate: column > 0);
        }
    }

    static WeightRow Row(WeightMatrix weights, int row)
    {
        long blocks = weights.Scales.Length / weights.Rows;
        return new(weights.Numbers.Pointer + (row * (weights.Numbers.Length / weights.Rows)), weights.Scales.Pointer + (row * blocks));
    }

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

            float s0 = TLanes.Sum(TLanes.Add(a0, b0)), s1 = TLanes.Sum(TLanes.Add(a1, b1));
            float s2 = TLanes.Sum(TLanes.Add(a2, b2)), s3 = TLanes.Sum(TLanes.Add(a3, b3));
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

    /// <summary>Writes widened rows as columns: <c>panel[column · PanelRows + row]</c>, zero behind the last row.</summary>
    static void FillPanel<TWeights>(WeightMatrix weights, int start, int end, int firstColumn, int columns, float* panel)
        where TWeights : struct, IStoredWeights
    {
        int panelRows = 2 * TLanes.Count;
        float* widened = panel + (panelRows * PanelColumns);
        for (int r = 0; r < panelRows; r++)
        {
            if (start + r >= end)
            {
                for (int c = 0; c < columns; c++)
                    panel[(c * panelRows) + r] = 0;
                continue;
            }

            WeightRow row = Row(weights, start + r);
            int column = 0;
            for (; column <= columns - TLanes.Count; column += TLanes.Count)
            {
                TLanes.Store(TWeights.Load<TLanes, TVector>(row, firstColumn + column), widened);
                for (int i = 0; i < TLanes.Count; i++)
                    panel[((column + i) * panelRows) + r] = widened[i];
            }

            for (; column < columns; column++)
                panel[(column * panelRows) + r] = TWeights.LoadOne(row, firstColumn + column);
        }
    }

    /// <summary>A panel with up to six tokens. Missing tokens repeat the last one and are not stored.</summary>
    static void MultiplyTile(
        float* panel, int columns, float* input, long inputStride, float* output, long outputStride,
        int tokens, int rows, bool accumulate)
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

        StoreToken(a0, b0, output, rows, accumulate);
        if (tokens > 1)
            StoreToken(a1, b1, output + outputStride, rows, accumulate);
        if (tokens > 2)
            StoreToken(a2, b2, output + (2 * outputStride), rows, accumulate);
        if (tokens > 3)
            StoreToken(a3, b3, output + (3 * outputStride), rows, accumulate);
        if (tokens > 4)
            StoreToken(a4, b4, output + (4 * outputStride), rows, accumulate);
        if (tokens > 5)
            StoreToken(a5, b5, output + (5 * outputStride), rows, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void StoreToken(TVector a, TVector b, float* output, int rows, bool accumulate)
    {
        if (rows == 2 * TLanes.Count)
        {
            if (accumulate)
            {
                a = TLanes.Add(a, TLanes.Load(output));
                b = TLanes.Add(b, TLanes.Load(output + TLanes.Count));
            }

            TLanes.Store(a, output);
            TLanes.Store(b, output + TLanes.Count);
            return;
        }

        float* values = stackalloc float[2 * TLanes.Count];
        TLanes.Store(a, values);
        TLanes.Store(b, values + TLanes.Count);
        for (int r = 0; r < rows; r++)
            output[r] = accumulate ? output[r] + values[r] : values[r];
    }
}
