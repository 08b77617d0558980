using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Diagnostics;

static partial class Descriptors
{
    public static readonly DiagnosticDescriptor Untranslatable = Error(
        "ATC0101", "A function uses what has no vector form",
        "'{1}' of '{0}' uses {2}, which cannot be translated into vector code; {3}");

    public static readonly DiagnosticDescriptor DoubleArithmetic = Error(
        "ATC0102", "A function computes in double",
        "'{1}' of '{0}' computes '{2}' as a double, but scores are floats; {3}");

    public static readonly DiagnosticDescriptor UnsupportedType = Error(
        "ATC0103", "A function uses a type that kernels do not have",
        "'{1}' of '{0}' uses the type '{2}' in a way that kernels cannot; {3}");

    public static readonly DiagnosticDescriptor UnboundedLoop = Error(
        "ATC0104", "A loop in a function has no constant bounds",
        "'{1}' of '{0}' has a loop that does not end after a constant number of at most {2} steps; loops are unrolled at compile time, so give it " +
        "constant bounds, or compute the result beforehand into an array that the function reads");

    public static readonly DiagnosticDescriptor Recursion = Error(
        "ATC0105", "A function calls itself",
        "'{1}' of '{0}' calls '{2}' while that is still being computed; functions are inlined, so write the recursion as a loop with constant bounds");

    public static readonly DiagnosticDescriptor SideEffect = Error(
        "ATC0106", "A function changes something",
        "'{1}' of '{0}' writes to '{2}'; functions run for many keys at once and in no order, so they may only compute: keep the value in a local");

    public static readonly DiagnosticDescriptor DivisionByZero = Error(
        "ATC0107", "An integer division could be by zero",
        "'{1}' of '{0}' divides by '{2}', which is not known to be other than 0; vectors divide on both sides of a condition, " +
        "so divide by Math.Max(1, {2})");

    public static readonly DiagnosticDescriptor EmptyMask = Error(
        "ATC0108", "No key satisfies the masks",
        "'{1}' of '{0}' hides every key from every query, so the output would always be 0; correct the mask, or the other masks that it is combined with");

    public static readonly DiagnosticDescriptor UnknownCall = Error(
        "ATC0109", "A function calls what has no known body",
        "'{1}' of '{0}' calls '{2}', {3}; call a function with source in this project, or one of Math's and MathF's that docs/writing-variants.md lists");

    public static readonly DiagnosticDescriptor MutableStatic = Error(
        "ATC0110", "A function reads a static field that can change",
        "'{1}' of '{0}' reads the static field '{2}', which any thread may change during a call; make it readonly, const, or a field of the pipeline");

    public static readonly DiagnosticDescriptor Signature = Error(
        "ATC0111", "A function's signature does not fit",
        "'{1}' of '{0}' {2}; {3}");

    public static readonly DiagnosticDescriptor Allocation = Error(
        "ATC0112", "A function allocates",
        "'{1}' of '{0}' creates {2}; kernels do not allocate: create it once, in a field that the function reads");

    public static readonly DiagnosticDescriptor SinkLogitsField = Error(
        "ATC0113", "Sink logits do not fit",
        "'{1}' of '{0}' is marked [SinkLogits] but {2}; {3}");

    public static readonly DiagnosticDescriptor SameOrder = Error(
        "ATC0114", "Two score functions have the same order",
        "'{1}' and '{2}' of '{0}' both have [Score(Order = {3})], so it is open which runs first; give each its own Order");
}
