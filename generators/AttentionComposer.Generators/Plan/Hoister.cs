using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>
/// Finds the parts of functions that need not be computed for every pair of query and key. A tile of 32 queries and 64 keys has 2048 pairs, but
/// 64 keys and 95 distances: what depends on one of these is computed before the rows, and a row loads it.
/// </summary>
sealed class Hoister
{
    // Less than this many additions are not worth a load.
    const int WorthALoad = 4;

    readonly KernelPlan _plan;
    readonly NameScope _names;
    readonly int _blockKeys;
    readonly int _distanceLanes;
    int _floats;

    Hoister(KernelPlan plan)
    {
        _plan = plan;
        _blockKeys = plan.BlockKeys;
        _distanceLanes = (Math.Max(plan.PrefillTokens, plan.DecodeTokens) - 1 + _blockKeys + 15) / 16 * 16;
        _names = plan.Names();
    }

    public static HoistPlan Plan(KernelPlan plan)
    {
        var hoister = new Hoister(plan);
        var loops = new List<HoistLoop>();
        RowFunction[] masks = [.. plan.Spec.Masks.Select(mask => hoister.Split(mask, loops))], scores = [.. plan.Spec.Scores.Select(score => hoister.Split(score, loops))];
        return new HoistPlan(
            new EquatableArray<HoistLoop>(loops), new EquatableArray<RowFunction>(masks), new EquatableArray<RowFunction>(scores),
            hoister._distanceLanes, hoister._floats);
    }

    RowFunction Split(FunctionSpec function, List<HoistLoop> loops)
    {
        var split = new Function(this, function);
        RowFunction rest = split.Rest(TableChecks.Of(function, _plan));
        loops.AddRange(split.Loops);
        return rest;
    }

    HoistedLanes Allocate(string name, ExprType type, HoistAxis axis, bool perHead)
    {
        var lanes = new HoistedLanes(name, type, axis, perHead, _floats);
        _names.Reserve(lanes.RowName);
        _floats += (axis == HoistAxis.Key ? _blockKeys : _distanceLanes) * (perHead ? _plan.Spec.GroupSize : 1);
        return lanes;
    }

    /// <summary>One function while it is taken apart.</summary>
    sealed class Function
    {
        readonly Hoister _hoister;
        readonly FunctionSpec _function;
        readonly Dictionary<string, Expr> _locals;
        readonly PositionDrift _drift;
        readonly VectorCost _cost;
        readonly Dictionary<Expr, HoistedLanes> _hoisted = [];
        readonly Dictionary<(HoistAxis Axis, bool PerHead), (Scope Scope, List<HoistedValue> Values)> _loops = [];

        public Function(Hoister hoister, FunctionSpec function)
        {
            _hoister = hoister;
            _function = function;
            _locals = function.Locals.ToDictionary(local => local.Local.Name, local => local.Value);
            _drift = new PositionDrift(_locals);
            _cost = new VectorCost(_locals);
        }

        /// <summary>What runs before the rows: values for all heads first, which those of single heads may use.</summary>
        public IEnumerable<HoistLoop> Loops =>
            from loop in _loops
            orderby loop.Key.PerHead, loop.Key.Axis
            select new HoistLoop(
                _function, loop.Key.Axis, loop.Key.PerHead, loop.Value.Scope.Locals(_function), new EquatableArray<HoistedValue>(loop.Value.Values));

        /// <summary>What is left for each row.</summary>
        public RowFunction Rest(Expr? outside)
        {
            var scope = new Scope();
            Expr result = Rewrite(_function.Result, scope, ForRow);
            outside = outside is null ? null : Rewrite(outside, scope, ForRow);
            return new RowFunction(_function with { Locals = scope.Locals(_function), Result = result }, outside);
        }

        HoistedLanes? ForRow(Expr expr)
        {
            if (!expr.DependsOn(VariableKind.Head))
                return ForAllHeads(expr);
            if (_hoisted.TryGetValue(expr, out HoistedLanes known))
                return known;
            if (AxisOf(expr) is not { } axis)
                return null;

            // Only what the head adds is computed for each of them.
            var scope = new Scope();
            Expr value = Rewrite(expr, scope, ForAllHeads);
            return new VectorCost(scope.Values).Of(value) < WorthALoad ? null : Hoist(expr, axis, perHead: true, value, scope);
        }

        HoistedLanes? ForAllHeads(Expr expr)
        {
            if (_hoisted.TryGetValue(expr, out HoistedLanes known))
                return known;
            if (expr.DependsOn(VariableKind.Head) || AxisOf(expr) is not { } axis || _cost.Of(expr) < WorthALoad)
                return null;
            var scope = new Scope();
            return Hoist(expr, axis, perHead: false, Rewrite(expr, scope, _ => null), scope);
        }

        HoistAxis? AxisOf(Expr expr) =>
            !expr.DependsOn(VariableKind.Key) || expr.DependsOn(VariableKind.Score) ? null
            : !expr.DependsOn(VariableKind.Query) ? HoistAxis.Key
            : _drift.Of(expr) == 0 ? HoistAxis.Distance
            : null;

        HoistedLanes Hoist(Expr expr, HoistAxis axis, bool perHead, Expr value, Scope needed)
        {
            string name = expr switch
            {
                Local local => local.Name,
                OutsideOf outside => _hoister._names.Take(outside.Capture.Name + "Outside"),
                _ => _hoister._names.Take(_function.Name + "Part"),
            };
            HoistedLanes lanes = _hoister.Allocate(name, expr.Type, axis, perHead);
            _hoisted.Add(expr, lanes);
            if (!_loops.TryGetValue((axis, perHead), out (Scope Scope, List<HoistedValue> Values) loop))
                _loops.Add((axis, perHead), loop = (new Scope(), []));
            loop.Scope.Add(needed);
            loop.Values.Add(new HoistedValue(lanes, value));
            return lanes;
        }

        /// <summary>The expression with loads in place of its hoisted parts; notes the locals that it still needs.</summary>
        Expr Rewrite(Expr expr, Scope scope, Func<Expr, HoistedLanes?> hoist)
        {
            if (expr.VariesWithKey && hoist(expr) is { } lanes)
                return scope.Load(expr, lanes);
            if (expr is not Local local)
                return expr.WithOperands(operand => Rewrite(operand, scope, hoist));
            if (!scope.Values.ContainsKey(local.Name))
                scope.Values.Add(local.Name, Rewrite(_locals[local.Name], scope, hoist));
            return local;
        }
    }

    /// <summary>The locals of a loop.</summary>
    sealed class Scope
    {
        readonly List<LocalDefinition> _loads = []; // of parts that had no name

        public Dictionary<string, Expr> Values { get; } = [];

        public void Add(Scope other)
        {
            foreach (KeyValuePair<string, Expr> value in other.Values)
                Values[value.Key] = value.Value;
            _loads.AddRange(other._loads.Except(_loads));
        }

        public Expr Load(Expr expr, HoistedLanes lanes)
        {
            var local = expr as Local ?? Local.Of(lanes.Name, lanes);
            if (expr is not Local && !Values.ContainsKey(lanes.Name))
                _loads.Add(new LocalDefinition(local, lanes));
            Values[lanes.Name] = lanes;
            return local;
        }

        /// <summary>In an order in which each needs earlier ones only.</summary>
        public EquatableArray<LocalDefinition> Locals(FunctionSpec function) => new(_loads.Concat(
            from local in function.Locals
            where Values.ContainsKey(local.Local.Name)
            select local with { Value = Values[local.Local.Name] }));
    }
}
