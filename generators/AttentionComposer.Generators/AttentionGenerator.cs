using AttentionComposer.Generators.Emit;
using AttentionComposer.Generators.Emit.Ilgpu;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AttentionComposer.Generators;

/// <summary>
/// Turns each class marked <c>[Attention]</c> into fused kernels, in the stages Model → Plan → Emit. Each stage's result is a value,
/// so that an edit elsewhere ends at the first stage that gives the same value again.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class AttentionGenerator : IIncrementalGenerator
{
    const string AttentionAttribute = "AttentionComposer.AttentionAttribute";

    /// <inheritdoc />
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<PipelineReading> readings = context.SyntaxProvider
            .ForAttributeWithMetadataName(AttentionAttribute, static (node, _) => node is TypeDeclarationSyntax, PipelineReader.Read)
            .WithTrackingName("Model");

        IncrementalValuesProvider<KernelPlan> plans = readings
            .Where(static reading => reading.Spec is not null)
            .Select(static (reading, _) => reading.Spec!)
            .WithTrackingName("Specification")
            .Select(static (spec, _) => Planner.Plan(spec))
            .WithTrackingName("Plan");

        context.RegisterSourceOutput(
            readings.SelectMany(static (reading, _) => reading.Diagnostics).WithTrackingName("Diagnostics"),
            static (output, diagnostic) => output.ReportDiagnostic(diagnostic.ToDiagnostic()));

        // File names ignore case, class names do not: normally an empty list, and so no reason to run again.
        IncrementalValueProvider<EquatableArray<string>> ambiguousNames = plans
            .Select(static (plan, _) => plan.Spec.FullName)
            .Collect()
            .Select(static (names, _) => FileNames.Ambiguous(names))
            .WithTrackingName("AmbiguousNames");

        context.RegisterSourceOutput(
            plans.Combine(ambiguousNames),
            static (output, item) => output.AddSource(FileNames.Of(item.Left.Spec.FullName, "Attention", item.Right), PipelineEmitter.Emit(item.Left)));

        context.RegisterSourceOutput(
            plans.Where(static plan => plan.Spec.OnDevice).Combine(ambiguousNames),
            static (output, item) => output.AddSource(FileNames.Of(item.Left.Spec.FullName, "Device", item.Right), DeviceEmitter.Emit(item.Left)));
    }
}
