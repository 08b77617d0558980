using System;
using System.Collections.Generic;
using System.Linq;

namespace AttentionComposer.Generators.Model;

/// <summary>What a function reads of its pipeline: it is copied when a call begins.</summary>
/// <param name="Name">Its name among the copies.</param>
/// <param name="Access">How the pipeline's own code reads it, for instance <c>_slopes</c>.</param>
/// <param name="Type">The scalar's or the elements' type.</param>
/// <param name="Rank">Number of indices; 0 for a scalar.</param>
/// <param name="IsMemory">Whether it is a ReadOnlyMemory and not an array.</param>
sealed record Capture(string Name, string Access, ExprType Type, int Rank, bool IsMemory)
{
    /// <summary>Whether a function divides by it: then the call begins with a check that it is not 0.</summary>
    public bool IsDivisor { get; init; }

    /// <summary>The type of a scalar or of elements that is converted to <see cref="Type"/> when a call begins; null when it is that type.</summary>
    public StoredType? Stored { get; init; }
}

/// <summary>An integer type that kernels know as int.</summary>
/// <param name="Name">Its name, in full for an enum.</param>
/// <param name="Keyword">The keyword of the integers that it is stored as.</param>
sealed record StoredType(string Name, string Keyword)
{
    /// <summary>Whether C# takes a value for an int as it is: not enums, and not uint.</summary>
    public bool ConvertsByItself => Name == Keyword && Keyword != "uint";
}

/// <summary>A captured scalar.</summary>
sealed record CapturedScalar(Capture Capture) : Expr(Capture.Type)
{
    public override IEnumerable<Expr> Operands => [];
}

/// <summary>The length of one dimension of a captured array.</summary>
sealed record CapturedLength(Capture Capture, int Dimension) : Expr(ExprType.Int)
{
    public override IEnumerable<Expr> Operands => [];
}

/// <summary>An element of a captured array. It appears as the whole value of a <see cref="LocalDefinition"/> only.</summary>
/// <param name="Capture">The array.</param>
/// <param name="Indices">One index for each dimension.</param>
/// <param name="Reached">Under which condition the function gets to this element, beyond being asked at all; null when always.</param>
sealed record CapturedElement(Capture Capture, EquatableArray<Expr> Indices, Expr? Reached) : Expr(Capture.Type)
{
    // That the element is reached only for some keys does not make it differ from key to key.
    public override IEnumerable<Expr> Operands => Indices;

    /// <summary>Its index in the array's memory, row by row.</summary>
    public Expr Flat => Flatten(Indices.Count);

    /// <summary>The number of its row in the array's memory.</summary>
    public Expr FlatRow => Flatten(Indices.Count - 1);

    Expr Flatten(int dimensions)
    {
        Expr flat = Indices[0];
        for (int i = 1; i < dimensions; i++)
            flat = Expr.Add(Expr.Multiply(flat, new CapturedLength(Capture, i)), Indices[i]);
        return flat;
    }
}

/// <summary>Whether an index is outside of one dimension of a captured array.</summary>
sealed record OutsideOf(Capture Capture, int Dimension, Expr Index) : Expr(ExprType.Bool)
{
    public override IEnumerable<Expr> Operands => [Index];
}

/// <summary>A local of a function, by its name: expressions stay small however often they use it.</summary>
/// <param name="Name">Its name, unique among the pipeline's functions.</param>
/// <param name="Type">Its type.</param>
/// <param name="Variables">What its value depends on.</param>
sealed record Local(string Name, ExprType Type, EquatableArray<VariableKindValue> Variables) : Expr(Type)
{
    public override IEnumerable<Expr> Operands => [];

    public override bool DependsOn(VariableKind variable) => Variables.Contains(new VariableKindValue(variable));

    /// <summary>A local that holds a value.</summary>
    public static Local Of(string name, Expr value)
    {
        VariableKind[] kinds = [.. ((VariableKind[])Enum.GetValues(typeof(VariableKind))).Where(value.DependsOn)];
        return new Local(name, value.Type, new EquatableArray<VariableKindValue>(kinds.Select(kind => new VariableKindValue(kind))));
    }
}

/// <summary>A variable as an item of an <see cref="EquatableArray{T}"/>, which enums cannot be.</summary>
sealed record VariableKindValue(VariableKind Kind);

/// <summary>A local and its value.</summary>
sealed record LocalDefinition(Local Local, Expr Value);

/// <summary>A parameter of a user's function.</summary>
sealed record FunctionParameter(VariableKind Kind, string Name);

/// <summary>One score or mask function: what its body computes, without control flow.</summary>
sealed record FunctionSpec
{
    public required string Name { get; init; }

    public required bool IsMask { get; init; }

    /// <summary>Its place among the score functions.</summary>
    public int Order { get; init; }

    public bool IsStatic { get; init; }

    /// <summary>Its parameters, to call it as it is.</summary>
    public required EquatableArray<FunctionParameter> Parameters { get; init; }

    /// <summary>The function as the user wrote it, line by line.</summary>
    public required EquatableArray<string> Text { get; init; }

    /// <summary>Locals, each used by later ones only.</summary>
    public required EquatableArray<LocalDefinition> Locals { get; init; }

    public required Expr Result { get; init; }

    /// <summary>Every expression in it.</summary>
    public IEnumerable<Expr> Expressions => Locals.Select(local => local.Value).Append(Result);

    /// <summary>The elements of captured arrays that it reads.</summary>
    public IEnumerable<CapturedElement> Elements => Locals.Select(local => local.Value).OfType<CapturedElement>();

    /// <summary>The locals that an expression of it needs, in order.</summary>
    public IEnumerable<LocalDefinition> Needed(Expr expr)
    {
        var names = new HashSet<string>();
        void Mark(Expr part)
        {
            foreach (Local local in part.WithParts.OfType<Local>())
                names.Add(local.Name);
        }

        Mark(expr);
        foreach (LocalDefinition definition in Enumerable.Reverse(Locals))
        {
            if (names.Contains(definition.Local.Name))
                Mark(definition.Value);
        }

        return Locals.Where(definition => names.Contains(definition.Local.Name) && definition.Local.Type != ExprType.Float);
    }

    public bool DependsOn(VariableKind variable) =>
        Expressions.Any(expr => expr.DependsOn(variable)) || Elements.Any(element => element.Reached?.DependsOn(variable) == true);
}

/// <summary>How scores become weights; mirrors the runtime's enum by name and order.</summary>
enum Normalization
{
    Softmax,
    SoftmaxOne,
    Sigmoid,
    Relu,
}
