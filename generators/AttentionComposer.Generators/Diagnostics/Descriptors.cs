using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Diagnostics;

/// <summary>
/// Every diagnostic of the generator. A message names the user's symbol, says what cannot be, and what to do instead; each has a
/// page under docs/diagnostics.
/// </summary>
static partial class Descriptors
{
    public static readonly DiagnosticDescriptor NotPartial = Error(
        "ATC0001", "An attention pipeline must be partial",
        "'{0}' is marked [Attention] but is not partial, so no kernels can be added to it; add the modifier 'partial'");

    public static readonly DiagnosticDescriptor ContainerNotPartial = Error(
        "ATC0002", "Types around an attention pipeline must be partial",
        "'{0}' contains the attention pipeline '{1}' but is not partial; add the modifier 'partial' to '{0}' or move '{1}' out of it");

    public static readonly DiagnosticDescriptor Generic = Error(
        "ATC0003", "An attention pipeline cannot be generic",
        "'{0}' has type parameters, but the kernels of '{1}' are emitted once, for fixed sizes; declare one non-generic class for each variant");

    public static readonly DiagnosticDescriptor UnsupportedModifier = Error(
        "ATC0004", "An attention pipeline cannot be static or file-local",
        "'{0}' is {1}, but a pipeline is an object that other files create; remove the modifier '{1}'");

    public static readonly DiagnosticDescriptor HeadCounts = Error(
        "ATC0005", "Head counts do not fit together",
        "'{0}' has QueryHeads = {1} and KeyValueHeads = {2}; both must be at least 1, and KeyValueHeads must divide QueryHeads, " +
        "since each key/value head serves QueryHeads / KeyValueHeads query heads");

    public static readonly DiagnosticDescriptor HeadDimension = Error(
        "ATC0006", "Unsupported head dimension",
        "'{0}' has HeadDim = {1}; kernels exist for multiples of 8 from 32 to 256; the nearest is {2}, and smaller heads can be padded with zeros");

    public static readonly DiagnosticDescriptor WindowSize = Error(
        "ATC0007", "A window must hold at least the current key",
        "'{0}' has a sliding window of {1} keys; the window counts the current key, so give it at least 1, or remove [SlidingWindow]");

    public static readonly DiagnosticDescriptor SinkCount = Error(
        "ATC0008", "A number of sinks must be at least 1",
        "'{0}' has {1} sinks; keep at least 1 key, or remove [Sinks]");

    public static readonly DiagnosticDescriptor SinksWithoutWindow = Error(
        "ATC0009", "Sinks need a window",
        "'{0}' has [Sinks] but no [SlidingWindow], so its first keys are visible anyway; add [SlidingWindow] or remove [Sinks]");

    public static readonly DiagnosticDescriptor WindowWithoutCausal = Error(
        "ATC0010", "A sliding window needs a causal pipeline",
        "'{0}' has [SlidingWindow] but is not [Causal]; a window looks back from the query's own position, so add [Causal]");

    public static readonly DiagnosticDescriptor Cap = Error(
        "ATC0011", "A soft cap must be finite and above 0",
        "'{0}' caps its scores at {1}; give a finite bound above 0, or remove [SoftCap] for scores without a bound");

    public static readonly DiagnosticDescriptor ScaleValue = Error(
        "ATC0012", "A scale must be finite",
        "'{0}' scales its scores by {1}; give a finite factor, or remove [Scale] for 1/sqrt(HeadDim)");

    public static readonly DiagnosticDescriptor UnknownFormat = Error(
        "ATC0013", "Unknown cache format",
        "'{0}' asks for the cache format {1}, which is none of KvFormat's members; use Float32, Float16, BFloat16 or Int8");

    public static readonly DiagnosticDescriptor MemberTaken = Error(
        "ATC0014", "A pipeline's member is declared by hand",
        "'{0}' declares '{1}', which the generator adds itself; rename or remove it");

    public static readonly DiagnosticDescriptor UnknownChoice = Error(
        "ATC0015", "Unknown member of an enum",
        "'{0}' chooses {1}, which is none of {2}'s members; use one of {3}");

    public static readonly DiagnosticDescriptor SeveralSelections = Error(
        "ATC0201", "A pipeline chooses keys in one way",
        "'{0}' has [{1}] and [{2}]; a decode step makes one choice of keys, so keep one of them and declare a second class for the other");

    public static readonly DiagnosticDescriptor SelectionNumber = Error(
        "ATC0202", "A selection's number is too small",
        "'{0}' has [{1}] with {2} = {3}; give it at least {4}");

    public static readonly DiagnosticDescriptor SelectionWithoutSoftmax = Error(
        "ATC0203", "A selection by probabilities needs a softmax",
        "'{0}' has [{1}], which goes by probabilities here, beside [Normalizer(Normalization.{2})], whose weights are none; use Normalization.Softmax or SoftmaxOne, " +
        "or [Pages], which ranks by scores");

    // Behind a Lazy: the fields of the other parts of this class must be there first.
    static readonly Lazy<Dictionary<string, DiagnosticDescriptor>> s_byId = new(() => typeof(Descriptors)
        .GetFields(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static)
        .Select(field => (DiagnosticDescriptor)field.GetValue(null))
        .ToDictionary(descriptor => descriptor.Id));

    public static DiagnosticDescriptor ById(string id) => s_byId.Value[id];

    static DiagnosticDescriptor Error(string id, string title, string message) => Of(id, title, message, DiagnosticSeverity.Error);

    static DiagnosticDescriptor Note(string id, string title, string message) => Of(id, title, message, DiagnosticSeverity.Info);

    static DiagnosticDescriptor Of(string id, string title, string message, DiagnosticSeverity severity) => new(
        id, title, message, "AttentionComposer", severity, isEnabledByDefault: true,
        helpLinkUri: $"https://github.com/AttentionComposer/AttentionComposer/blob/main/docs/diagnostics/{id}.md");
}
