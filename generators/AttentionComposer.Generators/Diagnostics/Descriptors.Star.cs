using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Diagnostics;

/// <remarks>Star Attention.</remarks>
static partial class Descriptors
{
    public static readonly DiagnosticDescriptor StarBlockSize = Error(
        "ATC0301", "A block of Star Attention must hold at least 1 position",
        "'{0}' has Star blocks of {1} positions; give BlockSize at least 1, or remove [Star]");

    public static readonly DiagnosticDescriptor StarAnchorSize = Error(
        "ATC0302", "An anchor of Star Attention must fit into a block",
        "'{0}' has an anchor of {1} positions with blocks of {2}; the anchor is the beginning of the first block: give AnchorSize 0 to {2}, or leave it out for all of the block");

    public static readonly DiagnosticDescriptor StarWithoutCausal = Error(
        "ATC0303", "Star Attention needs a causal pipeline",
        "'{0}' has [Star] but is not [Causal]; a block is encoded up to the query's own position, so add [Causal]");

    public static readonly DiagnosticDescriptor StarWithWindow = Error(
        "ATC0304", "Star Attention excludes a sliding window",
        "'{0}' has both [Star] and [SlidingWindow]; a window drops the context's keys, which the rows behind the context must see: remove one of the two");

    public static readonly DiagnosticDescriptor StarWithSelection = Error(
        "ATC0305", "Star Attention excludes a selection",
        "'{0}' has [Star] and a selection of keys; a selection chooses among all keys that a token sees, and a context's are in blocks: encode the context with a [Star] pipeline and decode with another one over the same cache kind, or remove one of the two");
}
