using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>Chooses the channels of SparQ's approximation (arXiv 2312.04985, algorithm 1, step 1).</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Channels
{
    /// <summary>
    /// Takes the channels with the largest magnitudes, summed over the group's queries; of equal ones the lower. Each row's queries there are multiplied by
    /// <paramref name="factor"/> and by <c>sqrt(‖q‖₁ / ‖q[channels]‖₁)</c>, which makes up for the channels left out.
    /// </summary>
    /// <param name="call">One token's call.</param>
    /// <param name="shape">Head counts and head size.</param>
    /// <param name="rank">Number of channels.</param>
    /// <param name="factor">Factor on the dot products.</param>
    /// <param name="candidates">Receives channels and queries.</param>
    public static void Choose(in KernelCall call, AttentionShape shape, int rank, float factor, ref Candidates candidates)
    {
        int dim = shape.HeadDim, group = shape.GroupSize, padded = Candidates.PaddedRank(rank);
        Span<float> magnitudes = stackalloc float[dim], norms = stackalloc float[group];
        ref float total = ref MemoryMarshal.GetReference(magnitudes);
        magnitudes.Clear();
        for (int row = 0; row < group; row++)
        {
            ref float query = ref Unsafe.Add(ref Unsafe.AsRef(in call.Queries), row * dim);
            Vector256<float> norm = Vector256<float>.Zero;
            for (nuint i = 0; i < (nuint)dim; i += 8)
                norm += Vector256.Abs(Vector256.LoadUnsafe(ref query, i));
            norms[row] = Vector256.Sum(norm);

            // A query with NaN or infinity cannot choose; the others of its group go on without it.
            if (!float.IsFinite(norms[row]))
                continue;
            for (nuint i = 0; i < (nuint)dim; i += 8)
                (Vector256.LoadUnsafe(ref total, i) + Vector256.Abs(Vector256.LoadUnsafe(ref query, i))).StoreUnsafe(ref total, i);
        }

        Span<int> channels = candidates.Channels;
        Pick(magnitudes, rank, channels);
        channels[rank..].Fill(channels[rank - 1]);

        Span<float> queries = candidates.ChannelQueries;
        for (int row = 0; row < group; row++)
        {
            ref float query = ref Unsafe.Add(ref Unsafe.AsRef(in call.Queries), row * dim);
            Span<float> target = queries.Slice(row * padded, padded);
            target.Clear();
            if (!float.IsFinite(norms[row]))
                continue;

            float read = 0;
            for (int i = 0; i < rank; i++)
                read += Math.Abs(Unsafe.Add(ref query, channels[i]));

            // Without anything in the channels every score is 0 whatever the factor.
            float rowFactor = read == 0 ? 0 : factor * MathF.Sqrt(norms[row] / read);
            for (int i = 0; i < rank; i++)
                target[i] = Unsafe.Add(ref query, channels[i]) * rowFactor;
        }
    }

    static void Pick(ReadOnlySpan<float> magnitudes, int rank, Span<int> channels)
    {
        float least = TopScores.Limit(magnitudes, rank);
        int above = 0;
        foreach (float magnitude in magnitudes)
            above += magnitude > least ? 1 : 0;
        int equal = rank - above, picked = 0;
        for (int channel = 0; channel < magnitudes.Length && picked < rank; channel++)
        {
            if (magnitudes[channel] > least || (magnitudes[channel] == least && equal-- > 0))
                channels[picked++] = channel;
        }
    }
}
