using System;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>
/// How a pipeline's kernels use a device: groups of 4 warps of 32 threads. In decode the threads of a team read a cached row together, each as
/// many chunks of 16 bytes as one load takes.
/// </summary>
sealed record DevicePlan
{
    /// <summary>Threads of a warp.</summary>
    public const int Warp = 32;

    /// <summary>Warps of a group.</summary>
    public const int Warps = 4;

    const int MostDecodeTokens = 4;
    const int MaxRowFloats = 64; // of queries in a thread's registers; value sums take as many

    /// <summary>Scalars in a chunk.</summary>
    public required int ChunkScalars { get; init; }

    /// <summary>Chunks of a cached row.</summary>
    public required int Chunks { get; init; }

    /// <summary>Threads of a team; a power of 2.</summary>
    public required int TeamThreads { get; init; }

    /// <summary>Chunks of a row that one thread reads.</summary>
    public required int ThreadChunks { get; init; }

    /// <summary>Rows, which are query heads of a token, that a warp computes.</summary>
    public required int Rows { get; init; }

    /// <summary>Warps of a group that compute different rows over the same keys.</summary>
    public required int RowWarps { get; init; }

    /// <summary>Groups that share the rows of a key/value head.</summary>
    public required int RowTiles { get; init; }

    /// <summary>Keys that a team scores before it sums their values; a power of 2.</summary>
    public required int TeamKeys { get; init; }

    /// <summary>Threads of a prefill group side by side over a tile's keys, and over the columns of its values.</summary>
    public required int PrefillKeyThreads { get; init; }

    /// <summary>Teams of a warp.</summary>
    public int Teams => Warp / TeamThreads;

    /// <summary>Keys that a warp takes at once.</summary>
    public int WarpKeys => Teams * TeamKeys;

    /// <summary>Warps of a group that compute the same rows over different keys.</summary>
    public int KeyWarps => Warps / RowWarps;

    /// <summary>Keys that a group takes at once.</summary>
    public int GroupKeys => KeyWarps * WarpKeys;

    /// <summary>Rows of a group in decode, padding included.</summary>
    public int GroupRows => RowWarps * Rows;

    /// <summary>Groups that a multiprocessor holds at once in decode, so that their loads hide behind each other: it bounds a thread's registers.</summary>
    public int DecodeGroups => Rows * ThreadChunks * ChunkScalars > 32 ? 2 : 3;

    /// <summary>Rows in a tile of the prefill kernel.</summary>
    public int PrefillRows => 64;

    /// <summary>Rows of a tile that one thread computes: a multiple of 4.</summary>
    public int PrefillThreadRows => PrefillRows * PrefillKeyThreads / (Warp * Warps);

    /// <summary>Keys in a tile of the prefill kernel: four a thread.</summary>
    public int PrefillKeys => 4 * PrefillKeyThreads;

    /// <summary>
    /// Whether prefill has a kernel for tensor cores: they multiply floats of 16 bits, a thread's registers hold the results of 128 columns, and the weights of a softmax are small enough for float16.
    /// </summary>
    public required bool HasTensorPrefill { get; init; }

    /// <summary>Groups that a multiprocessor holds at once in prefill.</summary>
    public int PrefillGroups => 2;

    /// <summary>
    /// Calls of up to this many tokens take the decode kernel. Each reads the keys by itself; more of them are faster in the prefill kernel, however empty its tile is. Where
    /// heads choose apart, each of them reads by itself as well.
    /// </summary>
    public required int DecodeTokens { get; init; }

    public static DevicePlan Of(KernelPlan plan)
    {
        PipelineSpec spec = plan.Spec;
        bool perHead = plan.Selection is { PerHead: true }; // then a group of threads takes one head's list of keys
        int chunkScalars = spec.Format == KvFormat.Float32 ? 4 : 8;
        int chunks = spec.HeadDim / chunkScalars;
        int teamThreads = 1;
        while (teamThreads < chunks && teamThreads < Warp)
            teamThreads *= 2;
        int threadChunks = (chunks + teamThreads - 1) / teamThreads;
        int mostRows = Math.Min(8, MaxRowFloats / (threadChunks * chunkScalars));
        int rowWarps = perHead || spec.GroupSize <= mostRows ? 1 : spec.GroupSize <= 2 * mostRows ? 2 : 4;
        int rowTiles = perHead ? spec.GroupSize : Ceiling(spec.GroupSize, rowWarps * mostRows);
        int rows = Ceiling(spec.GroupSize, rowWarps * rowTiles);
        return new DevicePlan
        {
            ChunkScalars = chunkScalars,
            Chunks = chunks,
            TeamThreads = teamThreads,
            ThreadChunks = threadChunks,
            Rows = rows,
            RowWarps = rowWarps,
            RowTiles = rowTiles,
            TeamKeys = (rows <= 2 ? 8 : 4) / (threadChunks == 1 ? 1 : 2),
            HasTensorPrefill = spec.Format is KvFormat.Float16 or KvFormat.BFloat16 && spec.HeadDim <= 128 &&
                spec.Normalization is Normalization.Softmax or Normalization.SoftmaxOne,
            PrefillKeyThreads = spec.HeadDim <= 128 ? 16 : 8,
            DecodeTokens = perHead ? 1 : MostDecodeTokens,
        };
    }

    static int Ceiling(int count, int size) => (count + size - 1) / size;
}
