using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Diagnostics;

/// <remarks>Kernels for devices.</remarks>
static partial class Descriptors
{
    public static readonly DiagnosticDescriptor NotOnDevice = Note(
        "ATC0401", "A pipeline gets no kernels for devices",
        "'{0}' runs on the processor only, and OnDevice refuses it: there are no kernels for {1} on devices; declare a second class with another cache format for them");
}
