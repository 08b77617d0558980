using System.ComponentModel;
using System.Runtime.CompilerServices;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>Label channels of Double Sparsity (arXiv 2408.07092): their checks, and the queries in them.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class Labels
{
    /// <summary>A pipeline's channels, one label of <paramref name="rank"/> for each key/value head.</summary>
    /// <exception cref="InvalidOperationException">There are none, or not so many.</exception>
    public static ReadOnlySpan<int> Channels(int[]? channels, int heads, int rank, string name)
    {
        if (TableLoad.NotNull(channels, name).Length != heads * rank)
            throw new InvalidOperationException(
                $"{name} holds {channels!.Length} channels; expected [KeyValueHeads, Rank]: {heads} × {rank} = {heads * rank}. DoubleSparsity.Calibrate gives them.");
        return channels;
    }

    /// <summary>Each query in its head's channels, times a factor, for <see cref="Candidates.ChannelQueries"/>.</summary>
    /// <param name="selection">One token's call.</param>
    /// <param name="factor">Factor on the dot products.</param>
    /// <param name="candidates">Receives the queries, and where the channels are: their places in the label cache.</param>
    public static void Prepare(in SelectionCall selection, float factor, ref Candidates candidates)
    {
        PrepareCarefully(selection, factor, ref candidates);
        for (int i = 0; i < candidates.Channels.Length; i++)
            candidates.Channels[i] = Math.Min(i, selection.Traits.Rank - 1);
    }

    /// <summary>The same, with the channels' places in whole keys.</summary>
    public static void PrepareCarefully(in SelectionCall selection, float factor, ref Candidates candidates)
    {
        ReadOnlySpan<int> channels = selection.Cache.Columns!.ChannelsOf(selection.Call.KeyValueHead);
        channels.CopyTo(candidates.Channels);
        candidates.Channels[channels.Length..].Fill(channels[^1]);

        AttentionShape shape = selection.Cache.Shape;
        int padded = candidates.Channels.Length;
        for (int row = 0; row < shape.GroupSize; row++)
        {
            ref float query = ref Unsafe.Add(ref Unsafe.AsRef(in selection.Call.Queries), row * shape.HeadDim);
            Span<float> target = candidates.ChannelQueries.Slice(row * padded, padded);
            target.Clear();
            for (int i = 0; i < channels.Length; i++)
                target[i] = Unsafe.Add(ref query, channels[i]) * factor;
        }
    }

    /// <summary>Checks the channels of all heads.</summary>
    /// <exception cref="InvalidOperationException">A channel does not exist, or is twice in one head.</exception>
    public static void CheckEach(ReadOnlySpan<int> channels, AttentionShape shape)
    {
        int rank = channels.Length / shape.KeyValueHeads;
        for (int i = 0; i < channels.Length; i++)
        {
            if ((uint)channels[i] >= (uint)shape.HeadDim)
                throw new InvalidOperationException($"The label of head {i / rank} has the channel {channels[i]}; expected 0 to HeadDim - 1 = {shape.HeadDim - 1}.");
            if (channels[(i / rank * rank)..i].Contains(channels[i]))
                throw new InvalidOperationException($"The label of head {i / rank} has the channel {channels[i]} twice.");
        }
    }

    /// <exception cref="InvalidOperationException">The cache keeps other labels than the pipeline scores by.</exception>
    internal static void CheckCache(RowCache cache, ReadOnlySpan<int> channels)
    {
        if (!channels.SequenceEqual(cache.Columns!.Channels))
            throw new InvalidOperationException("The cache keeps labels of other channels than the pipeline's label channels now are. Make a new cache with this pipeline's CreateCache.");
    }
}
