using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Diagnostics;

/// <remarks>Double Sparsity and heavy hitters.</remarks>
static partial class Descriptors
{
    public static readonly DiagnosticDescriptor LabelChannelsMissing = Error(
        "ATC0204", "Double Sparsity needs label channels",
        "'{0}' has [DoubleSparsity] but no field marked [LabelChannels]; add an int[] field with Rank channels for each key/value head, which DoubleSparsity.Calibrate finds");

    public static readonly DiagnosticDescriptor LabelChannelsField = Error(
        "ATC0205", "Label channels do not fit",
        "'{1}' of '{0}' is marked [LabelChannels] but {2}; {3}");

    public static readonly DiagnosticDescriptor EvictionWithoutCausal = Error(
        "ATC0206", "Heavy hitters need a causal pipeline",
        "'{0}' has [HeavyHitters] but is not [Causal]; keys are evicted as the sequence grows, so add [Causal]");
}
