using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Threading;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AttentionComposer.Generators.Model;

/// <summary>What reading one declaration gave: a specification, or the reasons why there is none.</summary>
sealed record PipelineReading(PipelineSpec? Spec, EquatableArray<DiagnosticInfo> Diagnostics);

/// <summary>Reads a class's attributes and functions: the only stage that sees Roslyn's symbols.</summary>
sealed class PipelineReader
{
    const string AttributeNamespace = "AttentionComposer";
    const string DeviceKernels = "AttentionComposer.Ilgpu.Kernels.IDeviceKernels";

    static readonly ImmutableHashSet<string> s_generatedMembers =
    [
        "Shape", "Plan", "CreateCache", "Attend", "Append", "AttendBatch",
        "Traits", "FusedKernels", "ISimd", "PanelSizes", "Simd512", "Simd256", "Simd128", "CarefulKernel", "CarefulSelection", "AlibiSlopes", "Captured", "_idleCaptured", "SeenBy", "See",
    ];

    static readonly ImmutableHashSet<string> s_deviceMembers = ["DeviceKernels", "s_deviceTraits"];

    static readonly SymbolDisplayFormat s_written =
        SymbolDisplayFormat.FullyQualifiedFormat.WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted);

    readonly INamedTypeSymbol _type;
    readonly TypeDeclarationSyntax _syntax;
    readonly Compilation _compilation;
    readonly List<DiagnosticInfo> _diagnostics = [];

    PipelineReader(INamedTypeSymbol type, TypeDeclarationSyntax syntax, Compilation compilation)
    {
        _type = type;
        _syntax = syntax;
        _compilation = compilation;
    }

    public static PipelineReading Read(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (IsRepeated(context))
            return new PipelineReading(null, default);

        var reader = new PipelineReader((INamedTypeSymbol)context.TargetSymbol, (TypeDeclarationSyntax)context.TargetNode, context.SemanticModel.Compilation);
        PipelineSpec? spec = reader.ReadSpec(context.Attributes[0]);
        return new PipelineReading(reader._diagnostics.All(diagnostic => diagnostic.IsNote) ? spec : null, new EquatableArray<DiagnosticInfo>(reader._diagnostics));
    }

    /// <summary>
    /// Whether another part of the class carries the attribute too: the compiler reports that, and one of the parts is enough to read.
    /// </summary>
    static bool IsRepeated(GeneratorAttributeSyntaxContext context)
    {
        INamedTypeSymbol? kind = context.Attributes[0].AttributeClass;
        AttributeData first = context.TargetSymbol.GetAttributes().First(attribute => SymbolEqualityComparer.Default.Equals(attribute.AttributeClass, kind));
        return first.ApplicationSyntaxReference is { } reference &&
            (reference.SyntaxTree != context.TargetNode.SyntaxTree || !context.TargetNode.Span.Contains(reference.Span));
    }

    PipelineSpec? ReadSpec(AttributeData attention)
    {
        CheckType();
        CheckMembers(s_generatedMembers);
        CheckChoices();
        if (!TryInt(attention, "HeadDim", out int headDim) |
            !TryInt(attention, "QueryHeads", out int queryHeads) |
            !TryInt(attention, "KeyValueHeads", out int keyValueHeads))
            return null; // the compiler has reported the argument

        CheckShape(attention, headDim, queryHeads, keyValueHeads);
        var spec = new PipelineSpec
        {
            Namespace = _type.ContainingNamespace.IsGlobalNamespace ? "" : _type.ContainingNamespace.ToDisplayString(s_written),
            ContainingTypes = new EquatableArray<ContainingType>(ContainingTypes()),
            Keyword = _type.IsRecord ? "record" : "class",
            Name = _type.Name,
            HiddenNames = new EquatableArray<string>(HiddenNames()),
            HeadDim = headDim,
            QueryHeads = queryHeads,
            KeyValueHeads = keyValueHeads,
            Causal = Find("Causal") is not null,
            Alibi = Find("Alibi") is not null,
        };

        foreach (AttributeData attribute in _type.GetAttributes())
        {
            if (attribute.AttributeClass?.ContainingNamespace?.ToDisplayString() != AttributeNamespace ||
                attribute.ConstructorArguments.Length != 1 ||
                attribute.ConstructorArguments.Single() is not { Kind: not TypedConstantKind.Error, Value: { } argument })
                continue;

            switch (attribute.AttributeClass.Name, argument)
            {
                case ("SlidingWindowAttribute", int size):
                    CheckAttribute(attribute, size >= 1, Descriptors.WindowSize, size);
                    CheckAttribute(attribute, spec.Causal, Descriptors.WindowWithoutCausal);
                    spec = spec with { Window = size };
                    break;
                case ("SinksAttribute", int count):
                    CheckAttribute(attribute, count >= 1, Descriptors.SinkCount, count);
                    CheckAttribute(attribute, Find("SlidingWindow") is not null, Descriptors.SinksWithoutWindow);
                    spec = spec with { Sinks = count };
                    break;
                case ("SoftCapAttribute", float cap):
                    CheckAttribute(attribute, cap > 0 && !float.IsInfinity(cap), Descriptors.Cap, cap);
                    spec = spec with { SoftCap = cap };
                    break;
                case ("ScaleAttribute", float scale):
                    CheckAttribute(attribute, !float.IsNaN(scale) && !float.IsInfinity(scale), Descriptors.ScaleValue, scale);
                    spec = spec with { Scale = scale };
                    break;
                case ("KvCacheAttribute", int format):
                    CheckAttribute(attribute, format is >= 0 and <= (int)KvFormat.Int8, Descriptors.UnknownFormat, format);
                    spec = spec with { Format = (KvFormat)format };
                    break;
                case ("NormalizerAttribute", int normalization and >= 0 and <= (int)Normalization.Relu):
                    spec = spec with { Normalization = (Normalization)normalization };
                    break;
            }
        }

        var selections = new SelectionReader(
            (attribute, holds, descriptor, values) => CheckAttribute(attribute, holds, descriptor, values),
            (place, descriptor, values) => Report(descriptor, place, [_type.Name, .. values]));
        spec = spec with { Selection = selections.Read(Attributes(), headDim, keyValueHeads == 0 ? 1 : spec.GroupSize) };
        spec = spec with { Selection = selections.ReadLabels(spec.Selection, [.. FieldsWith("LabelChannels")]) };
        selections.CheckCausal(spec);
        if (keyValueHeads != 0)
            selections.CheckNormalizer(spec);
        spec = ReadFunctions(spec);
        PipelineSpec? read = Find("Star") is { } star ? ReadStar(star, spec) : spec;
        return read is null ? null : read with { OnDevice = IsOnDevice(read) };
    }

    /// <summary>Whether the pipeline gets kernels for devices: only in a project that references their runtime, and not for every cache format.</summary>
    bool IsOnDevice(PipelineSpec spec)
    {
        if (_compilation.GetTypeByMetadataName(DeviceKernels) is null)
            return false;
        CheckMembers(s_deviceMembers);
        if (spec.Format == KvFormat.Int8)
            CheckAttribute(Find("KvCache")!, false, Descriptors.NotOnDevice, "rows of Int8");
        return spec.Format != KvFormat.Int8;
    }

    PipelineSpec ReadFunctions(PipelineSpec spec)
    {
        var names = new NameScope();
        var captures = new CaptureSet(names);
        var scores = new List<FunctionSpec>();
        var masks = new List<FunctionSpec>();
        foreach (IMethodSymbol method in _type.GetMembers().OfType<IMethodSymbol>())
        {
            AttributeData? score = Find("Score", method), mask = Find("Mask", method);
            if (score is null && mask is null)
                continue;
            if (score is not null && mask is not null)
            {
                Report(Descriptors.Signature, method.Locations[0], _type.Name, method.Name, "is marked [Score] and [Mask]", "a function is one of them: write the other beside it");
                continue;
            }

            try
            {
                int order = score?.NamedArguments.FirstOrDefault(argument => argument.Key == "Order").Value.Value is int number ? number : 0;
                FunctionSpec function = FunctionReader.Read(
                    _compilation, _type, captures, names, spec.QueryHeads, spec.KeyValueHeads, method, mask is not null, order);
                (mask is null ? scores : masks).Add(function);
            }
            catch (RefusedException refusal)
            {
                _diagnostics.Add(refusal.Diagnostic);
            }
        }

        scores.Sort((x, y) => x.Order.CompareTo(y.Order));
        foreach (var (first, second) in scores.Zip(scores.Skip(1), (first, second) => (first, second)))
        {
            if (first.Order == second.Order)
                Report(Descriptors.SameOrder, _type.GetMembers(second.Name)[0].Locations[0], _type.Name, first.Name, second.Name, first.Order.ToString(CultureInfo.InvariantCulture));
        }

        spec = spec with
        {
            Scores = new EquatableArray<FunctionSpec>(scores),
            Masks = new EquatableArray<FunctionSpec>(masks),
            Captures = new EquatableArray<Capture>(captures.All),
            SinkLogits = ReadSinkLogits(spec),
        };
        if (_diagnostics.Count == 0 && masks.Count > 0 && Plan.IntervalPlanner.HidesEverything(spec))
            Report(Descriptors.EmptyMask, _type.GetMembers(masks[masks.Count - 1].Name)[0].Locations[0], _type.Name, masks[masks.Count - 1].Name);
        return spec;
    }

    PipelineSpec? ReadStar(AttributeData star, PipelineSpec spec)
    {
        if (!TryInt(star, "BlockSize", out int block) | !TryInt(star, "AnchorSize", out int anchor))
            return null; // the compiler has reported the argument
        if (!star.NamedArguments.Any(argument => argument.Key == "AnchorSize"))
            anchor = block;

        CheckAttribute(star, block >= 1, Descriptors.StarBlockSize, block);
        CheckAttribute(star, block < 1 || anchor >= 0 && anchor <= block, Descriptors.StarAnchorSize, anchor, block);
        CheckAttribute(star, spec.Causal, Descriptors.StarWithoutCausal);
        CheckAttribute(star, Find("SlidingWindow") is null, Descriptors.StarWithWindow);
        CheckAttribute(star, spec.Selection is null, Descriptors.StarWithSelection);
        return spec with { StarBlock = block, StarAnchor = anchor };
    }

    string? ReadSinkLogits(PipelineSpec spec)
    {
        IFieldSymbol[] fields = [.. FieldsWith("SinkLogits")];
        foreach (IFieldSymbol field in fields)
        {
            (string Problem, string Remedy)? problem =
                fields.Length > 1 ? ("is not the only one", "mark one field") :
                field.IsStatic && !field.IsReadOnly ? ("is a static field that can change", "make it readonly, or a field of the pipeline") :
                field.Type is not IArrayTypeSymbol { Rank: 1, ElementType.SpecialType: SpecialType.System_Single } ? ("is not a float[]", "give it one logit for each query head") :
                spec.Normalization != Normalization.Softmax ? ($"the pipeline's normaliser is {spec.Normalization}", "use the softmax, whose denominator the logits join") :
                null;
            if (problem is not null)
                Report(Descriptors.SinkLogitsField, field.Locations[0], _type.Name, field.Name, problem.Value.Problem, problem.Value.Remedy);
        }

        return fields.FirstOrDefault()?.Name;
    }

    void CheckType()
    {
        Location name = _syntax.Identifier.GetLocation();
        if (!_syntax.Modifiers.Any(SyntaxKind.PartialKeyword))
            Report(Descriptors.NotPartial, name, _type.Name);
        if (_type.IsStatic)
            Report(Descriptors.UnsupportedModifier, name, _type.Name, "static");
        if (_type.IsFileLocal)
            Report(Descriptors.UnsupportedModifier, name, _type.Name, "file");
        if (_type.Arity > 0)
            Report(Descriptors.Generic, name, _type.Name, _type.Name);

        for (SyntaxNode? node = _syntax.Parent; node is TypeDeclarationSyntax container; node = node.Parent)
        {
            if (!container.Modifiers.Any(SyntaxKind.PartialKeyword))
                Report(Descriptors.ContainerNotPartial, container.Identifier.GetLocation(), container.Identifier.Text, _type.Name);
            if (container.TypeParameterList is not null)
                Report(Descriptors.Generic, container.Identifier.GetLocation(), container.Identifier.Text, _type.Name);
        }
    }

    void CheckMembers(ImmutableHashSet<string> generated)
    {
        foreach (ISymbol member in _type.GetMembers())
        {
            if (!member.IsImplicitlyDeclared && generated.Contains(member.Name) && member.Locations.FirstOrDefault() is { } place)
                Report(Descriptors.MemberTaken, place, _type.Name, member.Name);
        }
    }

    void CheckShape(AttributeData attention, int headDim, int queryHeads, int keyValueHeads)
    {
        CheckAttribute(
            attention, queryHeads >= 1 && keyValueHeads >= 1 && queryHeads % keyValueHeads == 0,
            Descriptors.HeadCounts, queryHeads, keyValueHeads);

        int nearest = (System.Math.Min(256, System.Math.Max(32, headDim)) + 7) / 8 * 8;
        CheckAttribute(attention, headDim == nearest, Descriptors.HeadDimension, headDim, nearest);
    }

    /// <summary>Reports numbers that were cast to an enum which has no such member; the cache's format has a diagnostic of its own.</summary>
    void CheckChoices()
    {
        foreach (AttributeData attribute in Attributes().Where(attribute => attribute.AttributeClass!.Name != "KvCacheAttribute"))
        {
            foreach (TypedConstant choice in attribute.ConstructorArguments.Concat(attribute.NamedArguments.Select(argument => argument.Value)))
            {
                if (choice is { Kind: TypedConstantKind.Enum, Type: { } type })
                {
                    IFieldSymbol[] members = [.. type.GetMembers().OfType<IFieldSymbol>()];
                    CheckAttribute(
                        attribute, members.Any(member => Equals(member.ConstantValue, choice.Value)), Descriptors.UnknownChoice,
                        choice.Value!, type.Name, string.Join(", ", members.Select(member => member.Name)));
                }
            }
        }
    }

    /// <summary>Reports an attribute that breaks a rule, at the place where it is written.</summary>
    void CheckAttribute(AttributeData attribute, bool holds, DiagnosticDescriptor descriptor, params object[] values)
    {
        if (holds)
            return;
        Location place = attribute.ApplicationSyntaxReference is { } reference
            ? Location.Create(reference.SyntaxTree, reference.Span)
            : _syntax.Identifier.GetLocation();
        string[] texts = [_type.Name, .. values.Select(value => string.Format(CultureInfo.InvariantCulture, "{0}", value))];
        Report(descriptor, place, texts);
    }

    void Report(DiagnosticDescriptor descriptor, Location place, params string[] arguments) =>
        _diagnostics.Add(new DiagnosticInfo(descriptor, place, arguments));

    AttributeData? Find(string name) => Find(name, _type);

    static AttributeData? Find(string name, ISymbol symbol) => symbol.GetAttributes().FirstOrDefault(attribute =>
        attribute.AttributeClass?.Name == name + "Attribute" &&
        attribute.AttributeClass.ContainingNamespace?.ToDisplayString() == AttributeNamespace);

    IEnumerable<IFieldSymbol> FieldsWith(string attribute) => _type.GetMembers().OfType<IFieldSymbol>().Where(field => Find(attribute, field) is not null);

    IEnumerable<AttributeData> Attributes() =>
        _type.GetAttributes().Where(attribute => attribute.AttributeClass?.ContainingNamespace?.ToDisplayString() == AttributeNamespace);

    /// <summary>A named int argument: 0 when it is left out, false when it does not compile.</summary>
    static bool TryInt(AttributeData attribute, string name, out int value)
    {
        TypedConstant constant = attribute.NamedArguments.FirstOrDefault(argument => argument.Key == name).Value;
        value = constant.Value is int number ? number : 0;
        return constant.Kind != TypedConstantKind.Error || constant.IsNull;
    }

    /// <summary>Names used by generated code that mean something else where the class stands.</summary>
    IEnumerable<string> HiddenNames()
    {
        for (INamespaceOrTypeSymbol? scope = _type; scope is not null; scope = (INamespaceOrTypeSymbol?)scope.ContainingType ?? scope.ContainingNamespace)
        {
            bool isOurs = scope is INamespaceSymbol && scope.ToDisplayString() is AttributeNamespace or "System";
            if (isOurs || scope is INamespaceSymbol { IsGlobalNamespace: true })
                continue; // what they declare is what is meant, or what a using directive goes before

            foreach (string name in UsedNames.All)
            {
                if (!scope.GetMembers(name).IsEmpty)
                    yield return name;
            }
        }
    }

    IEnumerable<ContainingType> ContainingTypes()
    {
        var types = new Stack<ContainingType>();
        for (INamedTypeSymbol? type = _type.ContainingType; type is not null; type = type.ContainingType)
        {
            string keyword = type switch
            {
                { IsRecord: true, IsValueType: true } => "record struct",
                { IsRecord: true } => "record",
                { TypeKind: TypeKind.Struct } => "struct",
                { TypeKind: TypeKind.Interface } => "interface",
                _ => "class",
            };
            types.Push(new ContainingType(keyword, type.Name));
        }

        return types;
    }
}
