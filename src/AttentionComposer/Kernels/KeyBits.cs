using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace AttentionComposer.Kernels;

/// <summary>Which keys of a block some rows see: a bit for each key, 64 of them a row.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class KeyBits
{
    /// <summary>What the rows see together.</summary>
    /// <param name="rows">The first row's bits.</param>
    /// <param name="count">Rows.</param>
    /// <param name="keys">Keys in the block, 64 at most.</param>
    public static BlockView View(ref ulong rows, int count, int keys)
    {
        ulong any = 0, every = ulong.MaxValue;
        for (int row = 0; row < count; row++)
        {
            any |= Unsafe.Add(ref rows, row);
            every &= Unsafe.Add(ref rows, row);
        }

        return any == 0 ? BlockView.Hidden : every == ulong.MaxValue >> (64 - keys) ? BlockView.Full : BlockView.Partial;
    }
}
