using System.ComponentModel;
using ILGPU;
using ILGPU.Algorithms;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// SparQ's first step (arXiv 2312.04985, algorithm 1): the channels with the largest magnitudes, summed over the group's queries; of equal ones the
/// lower. Each row's queries there are multiplied by a factor and by <c>sqrt(‖q‖₁ / ‖q[channels]‖₁)</c>, which makes up for the channels left out. Double Sparsity (arXiv 2408.07092) knows its
/// channels beforehand, and takes the queries there as they are. A query with NaN or infinity is NaN in all channels, by which the scorer knows that it has no say.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class ChannelKernel
{
    /// <summary>The most query heads of a key/value head.</summary>
    public const int MaxGroup = 1024;

    const int MaxHeadDim = 256;
    const int WarpSize = 32;

    /// <summary>One group of threads, in whole warps, a key/value head of a sequence; the grid is <c>(KeyValueHeads, sequences)</c>.</summary>
    /// <param name="call">One token of each sequence.</param>
    /// <param name="selection">Receives channels and queries.</param>
    /// <param name="headDim">Scalars of a row.</param>
    /// <param name="group">Query heads of a key/value head.</param>
    /// <param name="factor">Factor on the dot products.</param>
    public static void Run(DeviceCall call, DeviceSelection selection, int headDim, int group, float factor)
    {
        ArrayView<float> norms = SharedMemory.Allocate<float>(MaxGroup);
        ArrayView<float> magnitudes = SharedMemory.Allocate<float>(MaxHeadDim);
        ArrayView<int> channels = SharedMemory.Allocate<int>(MaxHeadDim);
        int warp = Group.IdxX / WarpSize, lane = Group.IdxX % WarpSize, warps = Group.DimX / WarpSize;
        long pair = (long)Grid.IdxY * Grid.DimX + Grid.IdxX;
        ArrayView<float> queries = call.Queries.SubView(pair * group * headDim, (long)group * headDim);

        for (int row = warp; row < group; row += warps)
            norms[row] = Norm(queries, row, headDim, lane);

        // A query with NaN or infinity cannot choose; the others of its group go on without it.
        Group.Barrier();
        for (int channel = Group.IdxX; channel < headDim; channel += Group.DimX)
        {
            float sum = 0;
            for (int row = 0; row < group; row++)
                if (IsFinite(norms[row]))
                    sum += XMath.Abs(queries[row * headDim + channel]);
            magnitudes[channel] = sum;
        }

        Group.Barrier();
        for (int channel = Group.IdxX; channel < headDim; channel += Group.DimX)
        {
            int better = 0;
            for (int other = 0; other < headDim; other++)
                if (magnitudes[other] > magnitudes[channel] || (magnitudes[other] == magnitudes[channel] && other < channel))
                    better++;
            if (better < selection.Rank)
            {
                channels[better] = channel;
                selection.Channels[pair * selection.Rank + better] = channel;
            }
        }

        Group.Barrier();
        for (int row = warp; row < group; row += warps)
        {
            float sum = 0;
            for (int i = lane; i < selection.Rank; i += WarpSize)
                sum += XMath.Abs(queries[row * headDim + channels[i]]);
            float read = DeviceMath.SumOf(sum, WarpSize), norm = norms[row];

            // Without anything in the channels every score is 0 whatever the factor.
            float scale = read != 0 ? factor * XMath.Sqrt(norm / read) : 0;
            for (int i = lane; i < selection.Rank; i += WarpSize)
                selection.Queries[(pair * group + row) * selection.Rank + i] = IsFinite(norm) ? queries[row * headDim + channels[i]] * scale : float.NaN;
        }
    }

    /// <summary>The queries in the channels of labels. One group of threads, in whole warps, a key/value head of a sequence; the grid is <c>(KeyValueHeads, sequences)</c>.</summary>
    /// <param name="call">One token of each sequence.</param>
    /// <param name="selection">Holds the channels, and receives the queries.</param>
    /// <param name="headDim">Scalars of a row.</param>
    /// <param name="group">Query heads of a key/value head.</param>
    /// <param name="factor">Factor on the dot products.</param>
    public static void Label(DeviceCall call, DeviceSelection selection, int headDim, int group, float factor)
    {
        int warp = Group.IdxX / WarpSize, lane = Group.IdxX % WarpSize, warps = Group.DimX / WarpSize;
        long pair = (long)Grid.IdxY * Grid.DimX + Grid.IdxX;
        ArrayView<float> queries = call.Queries.SubView(pair * group * headDim, (long)group * headDim);
        for (int row = warp; row < group; row += warps)
        {
            bool isFinite = IsFinite(Norm(queries, row, headDim, lane));
            for (int i = lane; i < selection.Rank; i += WarpSize)
                selection.Queries[(pair * group + row) * selection.Rank + i] =
                    isFinite ? queries[row * headDim + selection.Channels[Grid.IdxX * selection.Rank + i]] * factor : float.NaN;
        }
    }

    // The sum of a row's magnitudes, by a warp.
    static float Norm(ArrayView<float> queries, int row, int headDim, int lane)
    {
        float sum = 0;
        for (int channel = lane; channel < headDim; channel += WarpSize)
            sum += XMath.Abs(queries[row * headDim + channel]);
        return DeviceMath.SumOf(sum, WarpSize);
    }

    static bool IsFinite(float x) => x * 0 == 0;
}
