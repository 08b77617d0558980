using AttentionComposer.Kernels;

namespace AttentionComposer.Ilgpu;

/// <summary>Some of a call's tokens, whose queries may see at most the positions <c>[0, Anchor)</c> and those from <paramref name="From"/> on, with <c>Anchor ≤ From</c>.</summary>
/// <remarks>
/// Star Attention (arXiv 2411.17116) cuts calls between blocks and behind the context, as on the CPU: all queries of a piece see the same anchor and the same first key.
/// </remarks>
/// <param name="First">The piece's first token.</param>
/// <param name="Tokens">Tokens of the piece.</param>
/// <param name="Anchor">Where the anchor ends.</param>
/// <param name="From">The first key behind the anchor.</param>
readonly record struct CallPiece(int First, int Tokens, int Anchor, int From)
{
    /// <summary>The pieces of a sequence's call with Star Attention.</summary>
    /// <param name="traits">The pipeline.</param>
    /// <param name="length">Positions of the sequence.</param>
    /// <param name="context">Those of its context.</param>
    /// <param name="tokens">Tokens of the call, the last positions.</param>
    public static List<CallPiece> OfStar(KernelTraits traits, int length, int context, int tokens)
    {
        var pieces = new List<CallPiece>();
        int first = length - tokens;
        for (int end = length, start; end > first; end = start)
        {
            // Queries before the sequence's start see nothing and go with the first block.
            int block = Math.Max(0, end - 1) / traits.Block * traits.Block;
            bool isContext = end <= context;
            start = Math.Max(first, isContext ? (block == 0 ? first : block) : context);
            pieces.Add(new(start - first, end - start, isContext ? Math.Min(traits.Anchor, block) : 0, isContext ? block : 0));
        }

        return pieces;
    }

    /// <summary>How many positions of a range the piece may see.</summary>
    public int Count(KeyRange range) =>
        Math.Max(0, Math.Min(range.High, Anchor) - range.Low) + Math.Max(0, range.High - Math.Max(range.Low, From));
}
