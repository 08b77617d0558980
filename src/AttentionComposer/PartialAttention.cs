using System.Numerics.Tensors;

namespace AttentionComposer;

/// <summary>Joins results of attention over disjoint sets of keys into the result over their union.</summary>
public static class PartialAttention
{
    /// <summary>
    /// Merges parts. A part <c>p</c> is an output <c>o_p</c> with its log-sum-exp <c>λ_p</c>; the union's are
    /// <c>λ = m + ln Σ exp(λ_p - m)</c> with <c>m = max λ_p</c>, and <c>o = Σ exp(λ_p - λ) · o_p</c>.
    /// </summary>
    /// <remarks>
    /// <para>This is the merge of flash-decoding and of shared prefixes (Milakov and Gimelshein, arXiv 1805.02867, section 3.1). Order and
    /// grouping of the parts change the result by rounding only, so parts may be merged as they arrive.</para>
    /// <para>A part with log-sum-exp negative infinity saw no key: its output is not read. A row without any other part gives output 0 and
    /// log-sum-exp negative infinity, which is what such a row gives in a later merge too.</para>
    /// </remarks>
    /// <param name="outputs"><c>[parts, rows, HeadDim]</c>; a row is one token's one query head.</param>
    /// <param name="logSumExps"><c>[parts, rows]</c>, natural logarithms.</param>
    /// <param name="output">Receives <c>[rows, HeadDim]</c>.</param>
    /// <param name="logSumExp">Empty, or receives <c>[rows]</c>.</param>
    /// <exception cref="ArgumentException">The lengths do not fit together, or a result overlaps an argument.</exception>
    public static void Merge(
        ReadOnlySpan<float> outputs, ReadOnlySpan<float> logSumExps, Span<float> output, Span<float> logSumExp = default)
    {
        RefuseOverlap(outputs.Overlaps(output), nameof(output), nameof(outputs));
        RefuseOverlap(logSumExps.Overlaps(output), nameof(output), nameof(logSumExps));
        RefuseOverlap(outputs.Overlaps(logSumExp), nameof(logSumExp), nameof(outputs));
        RefuseOverlap(logSumExps.Overlaps(logSumExp), nameof(logSumExp), nameof(logSumExps));
        RefuseOverlap(output.Overlaps(logSumExp), nameof(logSumExp), nameof(output));

        int parts = output.IsEmpty ? 0 : outputs.Length / output.Length;
        if (parts * output.Length != outputs.Length)
            throw new ArgumentException(
                $"outputs has {outputs.Length} scalars; expected [parts, rows, HeadDim], a multiple of the output's {output.Length}.",
                nameof(outputs));

        bool fits = parts == 0
            ? logSumExps.IsEmpty
            : !logSumExps.IsEmpty && logSumExps.Length % parts == 0 && output.Length % (logSumExps.Length / parts) == 0;
        if (!fits)
            throw new ArgumentException(
                $"logSumExps has {logSumExps.Length} scalars; expected [parts, rows] with the {parts} parts of outputs and rows that "
                + $"divide the output's {output.Length} scalars.", nameof(logSumExps));

        // Without parts only the caller's logSumExp can tell the number of rows, and every row is empty anyway.
        int rows = parts == 0 ? logSumExp.Length : logSumExps.Length / parts;
        if (!logSumExp.IsEmpty && (logSumExp.Length != rows || output.IsEmpty || output.Length % rows != 0))
            throw new ArgumentException(
                $"logSumExp has {logSumExp.Length} scalars; expected none or one for each of the rows in an output of {output.Length}"
                + $"{(parts == 0 ? "" : $", {rows} by logSumExps")}.", nameof(logSumExp));

        output.Clear();
        if (parts == 0)
        {
            logSumExp.Fill(float.NegativeInfinity);
            return;
        }

        int dim = output.Length / rows;
        for (int row = 0; row < rows; row++)
        {
            float max = float.NegativeInfinity;
            for (int part = 0; part < parts; part++)
                max = MathF.Max(max, logSumExps[part * rows + row]);

            // Only an empty part is left out: a NaN is compared as unequal, so it reaches the sum and the row.
            double sum = 0;
            for (int part = 0; part < parts; part++)
                if (logSumExps[part * rows + row] != float.NegativeInfinity)
                    sum += Math.Exp((double)logSumExps[part * rows + row] - max);

            Span<float> merged = output.Slice(row * dim, dim);
            for (int part = 0; part < parts; part++)
                if (logSumExps[part * rows + row] != float.NegativeInfinity)
                {
                    float weight = (float)(Math.Exp((double)logSumExps[part * rows + row] - max) / sum);
                    TensorPrimitives.MultiplyAdd(outputs.Slice((part * rows + row) * dim, dim), weight, merged, merged);
                }

            if (!logSumExp.IsEmpty)
                logSumExp[row] = (float)(max + Math.Log(sum));
        }
    }

    static void RefuseOverlap(bool overlap, string name, string other)
    {
        if (overlap)
            throw new ArgumentException($"{name} overlaps {other}; give it memory of its own.", name);
    }
}
