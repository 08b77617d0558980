using AttentionComposer.Kernels;

namespace AttentionComposer;

/// <summary>The offline half of <see cref="DoubleSparsityAttribute"/>.</summary>
public static class DoubleSparsity
{
    /// <summary>
    /// Chooses each key/value head's label channels: those with the largest mean of <c>|q[c] · k[c]|</c> over calibration tokens, each token's query
    /// with its own key, and over the group's heads (arXiv 2408.07092, section 3.1). Of equal channels the lower.
    /// </summary>
    /// <param name="queries">Queries as a call would get them, rotated if the model does that: <c>[tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="keys">Keys of the same tokens: <c>[tokens, KeyValueHeads, HeadDim]</c>.</param>
    /// <param name="shape">Head counts and head size.</param>
    /// <param name="rank">Channels of a label, at least 1; above HeadDim, all of them.</param>
    /// <returns><c>[KeyValueHeads, min(rank, HeadDim)]</c>, ascending within a head.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rank"/> is below 1.</exception>
    /// <exception cref="ArgumentException">A span's length does not fit, there is no token, or a channel's mean is not finite.</exception>
    public static int[] Calibrate(ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, AttentionShape shape, int rank)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        int tokens = Check.Tokens(keys, shape.KeyValueWidth, nameof(keys), "[tokens, KeyValueHeads, HeadDim]", shape);
        Check.Length(queries, tokens, shape.QueryWidth, nameof(queries), "[tokens, QueryHeads, HeadDim]");
        if (tokens == 0)
            throw new ArgumentException("Calibration needs at least one token.", nameof(keys));

        int dim = shape.HeadDim;
        rank = Math.Min(rank, dim);
        var channels = new int[shape.KeyValueHeads * rank];
        for (int head = 0; head < shape.KeyValueHeads; head++)
        {
            var products = new double[dim];
            for (int token = 0; token < tokens; token++)
                for (int member = 0; member < shape.GroupSize; member++)
                {
                    ReadOnlySpan<float> query = queries.Slice(token * shape.QueryWidth + (head * shape.GroupSize + member) * dim, dim);
                    ReadOnlySpan<float> key = keys.Slice(token * shape.KeyValueWidth + head * dim, dim);
                    for (int c = 0; c < dim; c++)
                        products[c] += Math.Abs((double)query[c] * key[c]);
                }

            if (!Array.TrueForAll(products, double.IsFinite))
                throw new ArgumentException($"The products of queries and keys of head {head} are not finite.", nameof(queries));
            Enumerable.Range(0, dim).OrderByDescending(c => products[c]).Take(rank).Order().ToArray().CopyTo(channels, head * rank);
        }

        return channels;
    }
}
