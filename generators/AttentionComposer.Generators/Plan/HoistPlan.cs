using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>What a hoisted value belongs to, in place of a pair of query and key.</summary>
enum HoistAxis
{
    /// <summary>The key: all rows of a tile have the same value at it.</summary>
    Key,

    /// <summary>The distance of query and key: a tile has hardly more distances than keys.</summary>
    Distance,
}

/// <summary>A value computed in front of the rows of a tile: a row loads it as it stands.</summary>
/// <param name="Name">The local that it was, or a new one.</param>
/// <param name="Type">Its type.</param>
/// <param name="Axis">What it belongs to.</param>
/// <param name="PerHead">Whether each query head has its own.</param>
/// <param name="Offset">Where the values begin, in floats behind the kernel's other scratch memory.</param>
sealed record HoistedLanes(string Name, ExprType Type, HoistAxis Axis, bool PerHead, int Offset) : Expr(Type)
{
    public override IEnumerable<Expr> Operands => [];

    public override bool DependsOn(VariableKind variable) =>
        variable == VariableKind.Key || variable == VariableKind.Query && Axis == HoistAxis.Distance || variable == VariableKind.Head && PerHead;

    /// <summary>The reference to a row's values.</summary>
    public string RowName => Name + "OfRow";
}

/// <summary>Values of one function along one axis: a loop of their own.</summary>
/// <param name="Function">The function as it was read.</param>
/// <param name="Axis">What the values belong to.</param>
/// <param name="PerHead">Whether each query head has its own.</param>
/// <param name="Locals">What they are computed from, each from earlier ones.</param>
/// <param name="Values">Where they go, and what they are.</param>
sealed record HoistLoop(FunctionSpec Function, HoistAxis Axis, bool PerHead, EquatableArray<LocalDefinition> Locals, EquatableArray<HoistedValue> Values)
{
    /// <summary>The method that runs it.</summary>
    public string Method => $"{Function.Name}By{Axis}{(PerHead ? "AndHead" : "")}";
}

/// <summary>A value that a loop computes.</summary>
sealed record HoistedValue(HoistedLanes Lanes, Expr Value);

/// <summary>A function as a row of the tile computes it.</summary>
/// <param name="Spec">The function; hoisted values among its locals are loaded.</param>
/// <param name="Outside">Whether it gets to an element that does not exist; null when it never does.</param>
sealed record RowFunction(FunctionSpec Spec, Expr? Outside)
{
    /// <summary>Every expression in it.</summary>
    public IEnumerable<Expr> Expressions => Outside is null ? Spec.Expressions : Spec.Expressions.Append(Outside);
}

/// <summary>
/// What is moved out of the rows of a tile: the parts of functions that depend on the key alone, or on the distance of query and key, with or
/// without the head. A backend is free to print <see cref="PipelineSpec.Masks"/> and <see cref="PipelineSpec.Scores"/> as they are instead.
/// </summary>
/// <param name="Loops">What runs before the rows, in order.</param>
/// <param name="Masks">What is left of the masks for each row.</param>
/// <param name="Scores">What is left of the scores.</param>
/// <param name="DistanceLanes">Values along the distances of one head.</param>
/// <param name="Floats">Scratch memory for all values.</param>
sealed record HoistPlan(
    EquatableArray<HoistLoop> Loops, EquatableArray<RowFunction> Masks, EquatableArray<RowFunction> Scores, int DistanceLanes, int Floats)
{
    /// <summary>What a plan begins with.</summary>
    public static readonly HoistPlan Nothing = new(default, default, default, 0, 0);

    /// <summary>The functions as they are, for rows whose keys are not neighbours.</summary>
    public static HoistPlan Without(KernelPlan plan) => new(default, RowFunctions(plan.Spec.Masks, plan), RowFunctions(plan.Spec.Scores, plan), 0, 0);

    static EquatableArray<RowFunction> RowFunctions(EquatableArray<FunctionSpec> functions, KernelPlan plan) =>
        new(functions.Select(function => new RowFunction(function, TableChecks.Of(function, plan))));
}
