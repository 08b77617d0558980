using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Model;

/// <summary>Reads the attribute that makes a pipeline choose keys.</summary>
/// <param name="check">Reports a descriptor at an attribute unless a condition holds.</param>
/// <param name="report">Reports a descriptor at a member.</param>
sealed class SelectionReader(
    Action<AttributeData, bool, DiagnosticDescriptor, object[]> check, Action<Location, DiagnosticDescriptor, string[]> report)
{
    AttributeData? _attribute;

    /// <summary>Finds the selection among a class's attributes; null when it reads every key.</summary>
    public SelectionSpec? Read(IEnumerable<AttributeData> attributes, int headDim, int groupSize)
    {
        SelectionSpec? selection = null;
        foreach (AttributeData attribute in attributes)
        {
            if (ReadOne(attribute, headDim, groupSize) is not { } read)
                continue;
            if (_attribute is not null)
                check(attribute, false, Descriptors.SeveralSelections, [Name(_attribute), Name(attribute)]);
            _attribute ??= attribute;
            selection ??= read;
        }

        return selection;
    }

    /// <summary>Reports an eviction where positions have no order in which they could go.</summary>
    public void CheckCausal(PipelineSpec spec)
    {
        if (spec.Selection is HeavyHittersSelection)
            check(_attribute!, spec.Causal, Descriptors.EvictionWithoutCausal, []);
    }

    /// <summary>Reports a normaliser without probabilities beside a selection that goes by them.</summary>
    public void CheckNormalizer(PipelineSpec spec)
    {
        bool hasProbabilities = spec.Normalization is Normalization.Softmax or Normalization.SoftmaxOne;
        if (_attribute is not null && spec.Selection?.UsesProbabilities(spec.GroupSize) == true)
            check(_attribute, hasProbabilities, Descriptors.SelectionWithoutSoftmax, [Name(_attribute), spec.Normalization]);
    }

    SelectionSpec? ReadOne(AttributeData attribute, int headDim, int groupSize)
    {
        switch (attribute.AttributeClass?.Name)
        {
            case "SparQAttribute":
                int rank = AtLeast(1, attribute, "Rank", 32), topK = AtLeast(1, attribute, "TopK", 128);
                int local = Find(attribute, "Local") is null ? topK / 4 : AtLeast(0, attribute, "Local", 0);
                bool reallocate = Integer(attribute, "Reallocation", 0) switch { 0 => groupSize == 1, 1 => true, _ => false };
                return new SparQSelection(Math.Min(rank, headDim), topK, local, Released: Integer(attribute, "Variant", 0) == 1, reallocate);
            case "TopKAttribute":
                int count = attribute.ConstructorArguments.Select(argument => argument.Value).OfType<int>().DefaultIfEmpty(1).First();
                check(attribute, count >= 1, Descriptors.SelectionNumber, ["TopK", "count", count, 1]);
                return new TopKSelection(Math.Max(1, count), (TopKRemainder)Integer(attribute, "Remainder", 0));
            case "PagesAttribute":
                return new PageSelection(
                    AtLeast(1, attribute, "Size", 16), AtLeast(1, attribute, "Count", 64), Flag(attribute, "KeepLast", true), Flag(attribute, "PerHead", false));
            case "HeavyHittersAttribute":
                int budget = AtLeast(1, attribute, "Budget", 128);
                int newest = Find(attribute, "Local") is null ? budget / 4 : AtLeast(0, attribute, "Local", 0);
                return new HeavyHittersSelection(budget, newest);
            case "DoubleSparsityAttribute":
                return new DoubleSparsitySelection(
                    Math.Min(AtLeast(1, attribute, "Rank", 16), headDim), AtLeast(1, attribute, "TopK", 128), Flag(attribute, "PerHead", false));
            default:
                return null;
        }
    }

    /// <summary>Finds the field of label channels, which Double Sparsity needs and nothing else does.</summary>
    public SelectionSpec? ReadLabels(SelectionSpec? selection, IReadOnlyList<IFieldSymbol> fields)
    {
        var sparsity = selection as DoubleSparsitySelection;
        foreach (IFieldSymbol field in fields)
        {
            (string Problem, string Remedy)? problem =
                _attribute?.AttributeClass?.Name != "DoubleSparsityAttribute" ? ("the class has no [DoubleSparsity]", "add it, or remove [LabelChannels]") :
                fields.Count > 1 ? ("is not the only one", "mark one field") :
                field.IsStatic && !field.IsReadOnly ? ("is a static field that can change", "make it readonly, or a field of the pipeline") :
                field.Type is not IArrayTypeSymbol { Rank: 1, ElementType.SpecialType: SpecialType.System_Int32 } ? ("is not an int[]", "give it Rank channels for each key/value head") :
                null;
            if (problem is not null)
                report(field.Locations[0], Descriptors.LabelChannelsField, [field.Name, problem.Value.Problem, problem.Value.Remedy]);
        }

        if (sparsity is null)
            return selection;
        check(_attribute!, fields.Count > 0, Descriptors.LabelChannelsMissing, []);
        return fields.Count == 0 ? sparsity : sparsity with { Labels = fields[0].Name, LabelsAreStatic = fields[0].IsStatic };
    }

    int AtLeast(int least, AttributeData attribute, string name, int otherwise)
    {
        int value = Integer(attribute, name, otherwise);
        check(attribute, value >= least, Descriptors.SelectionNumber, [Name(attribute), name, value, least]);
        return Math.Max(least, value);
    }

    static int Integer(AttributeData attribute, string name, int otherwise) => Find(attribute, name)?.Value is int value ? value : otherwise;

    static bool Flag(AttributeData attribute, string name, bool otherwise) => Find(attribute, name)?.Value is bool value ? value : otherwise;

    static TypedConstant? Find(AttributeData attribute, string name)
    {
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
        {
            if (argument.Key == name)
                return argument.Value;
        }

        return null;
    }

    static string Name(AttributeData attribute)
    {
        string name = attribute.AttributeClass!.Name;
        return name.Substring(0, name.Length - "Attribute".Length);
    }
}
