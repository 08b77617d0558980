using System.ComponentModel;

namespace AttentionComposer.Kernels;

/// <summary>Sizes of a prefill kernel's panels: constants, once the products are compiled for a pipeline.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IPanelSizes
{
    /// <summary>Floats from one row of queries, values or sums to the next: a multiple of 16.</summary>
    static abstract int Stride { get; }

    /// <summary>Keys in a block: floats from one channel of transposed keys, or from one row of scores, to the next. A multiple of 32.</summary>
    static abstract int BlockKeys { get; }
}

/// <summary>
/// The two products of a prefill kernel, for one vector width: register tiles of rows × 2 vectors, in which each number of one operand is broadcast. They
/// depend on no more of a declaration than its sizes.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IPrefillProducts
{
    /// <summary>Rows in a tile.</summary>
    static abstract int Rows { get; }

    /// <summary>Dot products of a tile's rows with a block of keys.</summary>
    /// <param name="queries">The tile's queries: <c>[Rows, Stride]</c>.</param>
    /// <param name="keyPanel">The keys, transposed: <c>[Stride, BlockKeys]</c>.</param>
    /// <param name="scores">Receives <c>[Rows, BlockKeys]</c>.</param>
    static abstract void Scores<TSizes>(ref float queries, ref float keyPanel, ref float scores)
        where TSizes : IPanelSizes;

    /// <summary>Multiplies a tile's sums by the rows' corrections, and adds a block's values to them, times their weights.</summary>
    /// <param name="weights">The weights: <c>[Rows, BlockKeys]</c>.</param>
    /// <param name="corrections">A factor for each row's earlier sums.</param>
    /// <param name="values">The values: <c>[keys, Stride]</c>.</param>
    /// <param name="keys">Keys in the block, <c>BlockKeys</c> at most.</param>
    /// <param name="sums">The sums: <c>[Rows, Stride]</c>.</param>
    static abstract void AddValues<TSizes>(ref float weights, ref float corrections, ref float values, int keys, ref float sums)
        where TSizes : IPanelSizes;
}
