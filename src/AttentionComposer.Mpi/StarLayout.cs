namespace AttentionComposer.Mpi;

/// <summary>
/// Which host holds which blocks of a context: contiguous runs, and of <c>n = cH + e</c> blocks the first <c>e</c> hosts take <c>c + 1</c>
/// (arXiv 2411.17116, section 2.1, and its released code).
/// </summary>
/// <param name="Length">Positions of the context.</param>
/// <param name="BlockSize">Positions in a block; the last one may be shorter.</param>
/// <param name="Hosts">Number of hosts.</param>
public sealed record StarLayout(int Length, int BlockSize, int Hosts)
{
    /// <summary>Number of blocks.</summary>
    public int Blocks => (int)(((long)Length + BlockSize - 1) / BlockSize);

    /// <summary>Hosts that hold a block; they are the first ones.</summary>
    public int Encoders => Math.Min(Hosts, Blocks);

    /// <summary>A host's first block and the number of its blocks.</summary>
    public (int First, int Count) BlocksOf(int host)
    {
        (int each, int extra) = (Blocks / Hosts, Blocks % Hosts);
        return (host * each + Math.Min(host, extra), each + (host < extra ? 1 : 0));
    }

    /// <summary>A host's positions, from the first to behind the last: empty, at the context's end, for a host without blocks.</summary>
    public (int Start, int End) PositionsOf(int host)
    {
        (int first, int count) = BlocksOf(host);
        return (PositionOf(first), PositionOf(first + count));
    }

    /// <summary>A block's first position, or the context's end behind the last block.</summary>
    public int PositionOf(int block) => (int)Math.Min(Length, (long)block * BlockSize);
}
