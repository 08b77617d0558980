using AttentionComposer.Tests;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Benchmarks;

/// <summary>One row of the table: queries of the last tokens of some sequences.</summary>
/// <param name="Name">The pipeline.</param>
/// <param name="Pipeline">What is timed.</param>
/// <param name="Sequences">Sequences.</param>
/// <param name="Positions">Positions of each.</param>
/// <param name="Tokens">Tokens whose queries attend: 1 for decode, all positions for prefill.</param>
sealed record Workload(string Name, IAttention Pipeline, int Sequences, int Positions, int Tokens)
{
    /// <summary>Whether prefill may use the card's tensor cores.</summary>
    public bool TensorCores { get; init; } = true;

    /// <summary>What the peers call it: <c>decode 16 16384</c>, with the sequences and the positions.</summary>
    public string PeerName => $"{(Tokens == 1 ? "decode" : "prefill")} {Sequences} {Positions}";

    /// <summary>Bytes of the keys and values, each once.</summary>
    public double Bytes => 2.0 * Sequences * Positions * Pipeline.Shape.KeyValueWidth * (Pipeline.Plan.Format == KvFormat.Float32 ? 4 : 2);

    /// <summary>Multiplications and additions in both products, over the pairs under a causal mask.</summary>
    public double Operations => 4.0 * Sequences * Pipeline.Shape.QueryWidth * (Tokens == 1 ? Positions : 0.5 * Positions * Positions);

    /// <summary>Seconds of a call, and its largest difference from the float64 reference in the first and the last head of the first sequence's last token.</summary>
    public (double Seconds, double Difference) Measure(Accelerator accelerator)
    {
        const int AppendTokens = 1024;

        AttentionShape shape = Pipeline.Shape;
        using DeviceAttention attention = Pipeline.OnDevice(accelerator);
        attention.UsesTensorCores &= TensorCores;
        using DeviceKvCache cache = attention.CreateCache(Positions, Sequences);
        for (int start = 0; start < Positions; start += AppendTokens)
        {
            long scalars = (long)Sequences * Math.Min(AppendTokens, Positions - start) * shape.KeyValueWidth;
            using MemoryBuffer1D<float, Stride1D.Dense> keys = Noise.Allocate(accelerator, scalars, seed: 2 * start + 1);
            using MemoryBuffer1D<float, Stride1D.Dense> values = Noise.Allocate(accelerator, scalars, seed: 2 * start + 2);
            attention.Append(cache, keys.AsContiguous(), values.AsContiguous());
            attention.Synchronize();
        }

        using MemoryBuffer1D<float, Stride1D.Dense> queries = Noise.Allocate(accelerator, (long)Sequences * Tokens * shape.QueryWidth, seed: 0);
        using MemoryBuffer1D<float, Stride1D.Dense> output = accelerator.Allocate1D<float>(queries.Length);
        double seconds = Timing.Median(accelerator, () => attention.Attend(cache, queries.AsContiguous(), output.AsContiguous()));

        float[] last = new float[shape.QueryWidth];
        long lastToken = (long)(Tokens - 1) * shape.QueryWidth;
        output.AsContiguous().SubView(lastToken, last.Length).CopyToCPU<float, ArrayView<float>>(accelerator.DefaultStream, last);
        return (seconds, Math.Max(Difference(0), Difference(shape.QueryHeads - 1)));

        double Difference(int head)
        {
            int d = shape.HeadDim, keyHead = head / shape.GroupSize;
            var query = new float[d];
            float[] keys = new float[Positions * d], values = new float[Positions * d];
            for (int i = 0; i < d; i++)
                query[i] = Noise.At(lastToken + head * d + i, 0);
            for (int position = 0; position < Positions; position++)
            {
                int start = position / AppendTokens * AppendTokens;
                long row = (long)(position - start) * shape.KeyValueWidth + keyHead * d;
                for (int i = 0; i < d; i++)
                {
                    keys[position * d + i] = Sequence.Round(Noise.At(row + i, 2 * start + 1), Pipeline.Plan.Format);
                    values[position * d + i] = Sequence.Round(Noise.At(row + i, 2 * start + 2), Pipeline.Plan.Format);
                }
            }

            var expected = new double[d];
            new ReferenceAttention(new AttentionShape(d, 1, 1)) { Scale = Pipeline.Plan.Scale }.Attend(query, keys, values, expected);
            return Enumerable.Range(0, d).Max(i => Math.Abs(expected[i] - last[head * d + i]));
        }
    }
}
