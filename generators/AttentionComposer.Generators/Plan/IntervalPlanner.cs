using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>
/// Solves a mask for the key: comparisons that are linear in key and query become bounds, conjunctions intersect and
/// disjunctions list intervals.
/// </summary>
static class IntervalPlanner
{
    static readonly KeyInterval s_everything = new(default, default);

    /// <summary>The mask as intervals in ascending order; one interval without bounds for no mask.</summary>
    public static EquatableArray<KeyInterval> Solve(Expr? mask)
    {
        IEnumerable<KeyInterval> intervals = mask is null ? [s_everything] : Terms(mask);
        return new EquatableArray<KeyInterval>(intervals.OrderBy(interval => interval.Lows.Count));
    }

    static IEnumerable<KeyInterval> Terms(Expr mask) =>
        mask switch
        {
            Binary { Operator: BinaryOperator.Or } or => Terms(or.Left).Concat(Terms(or.Right)),
            Binary { Operator: BinaryOperator.And } and =>
                from left in Terms(and.Left)
                from right in Terms(and.Right)
                select new KeyInterval(Both(left.Lows, right.Lows), Both(left.Highs, right.Highs)),
            Binary { Operator: BinaryOperator.LessThan } less => [AtLeastZero(Linear.Of(less.Right) - Linear.Of(less.Left) - Linear.One)],
            Binary { Operator: BinaryOperator.LessThanOrEqual } less => [AtLeastZero(Linear.Of(less.Right) - Linear.Of(less.Left))],
            _ => throw new System.InvalidOperationException($"The planner has no interval for {mask}."),
        };

    static EquatableArray<Bound> Both(EquatableArray<Bound> left, EquatableArray<Bound> right) => new(left.Concat(right));

    // a·key + b·query + c >= 0 with a = 1 or -1
    static KeyInterval AtLeastZero(Linear form) =>
        form.Key > 0
            ? new KeyInterval(new EquatableArray<Bound>([new Bound(-form.Query, -form.Constant)]), default)
            : new KeyInterval(default, new EquatableArray<Bound>([new Bound(form.Query, form.Constant + 1)]));

    /// <summary>An expression of the form <c>Key · key + Query · query + Constant</c>.</summary>
    readonly record struct Linear(int Key, int Query, int Constant)
    {
        public static readonly Linear One = new(0, 0, 1);

        public static Linear operator -(Linear left, Linear right) =>
            new(left.Key - right.Key, left.Query - right.Query, left.Constant - right.Constant);

        public static Linear Of(Expr expr) =>
            expr switch
            {
                IntConstant constant => new(0, 0, constant.Value),
                Variable { Kind: VariableKind.Key } => new(1, 0, 0),
                Variable { Kind: VariableKind.Query } => new(0, 1, 0),
                Binary { Operator: BinaryOperator.Subtract } difference => Of(difference.Left) - Of(difference.Right),
                _ => throw new System.InvalidOperationException($"{expr} is not linear in key and query."),
            };
    }
}
