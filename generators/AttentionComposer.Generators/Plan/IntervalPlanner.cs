using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>What the planner solved of a mask.</summary>
/// <param name="Intervals">Intervals in ascending order that hold every visible key.</param>
/// <param name="IsExact">Whether they hold visible keys only; otherwise the rest of the mask is tested over tiles.</param>
sealed record SolvedMask(EquatableArray<KeyInterval> Intervals, bool IsExact);

/// <summary>
/// Solves a mask for the key: comparisons that are linear in key and query become bounds, conjunctions intersect and
/// disjunctions list intervals. What is not of this form bounds nothing and is left to be tested.
/// </summary>
static class IntervalPlanner
{
    const int MaxIntervals = 4;

    static readonly KeyInterval s_everything = new(default, default);

    /// <summary>The masks, all of which must hold, as intervals; one interval without bounds for no mask.</summary>
    /// <param name="masks">Conditions.</param>
    /// <param name="locals">The values of locals in them.</param>
    public static SolvedMask Solve(IEnumerable<Expr> masks, IReadOnlyDictionary<string, Expr> locals)
    {
        List<KeyInterval> solved = [s_everything];
        bool exact = true;
        foreach (Expr condition in masks.SelectMany(mask => Conjuncts(mask, locals)))
        {
            List<KeyInterval>? intersected = Terms(condition, locals) is { } terms
                ? [.. from interval in solved from term in terms select new KeyInterval(Both(interval.Lows, term.Lows), Both(interval.Highs, term.Highs))]
                : null;
            if (intersected is not null && IsOrdered(intersected))
                solved = intersected;
            else
                exact = false;
        }

        return new SolvedMask(new EquatableArray<KeyInterval>(solved.OrderBy(interval => interval.Lows.Count)), exact);
    }

    /// <summary>Whether two masks contradict each other so that no query sees any key.</summary>
    public static bool HidesEverything(PipelineSpec spec)
    {
        (IEnumerable<Expr> masks, IReadOnlyDictionary<string, Expr> locals) = MasksOf(spec);
        return masks.Any(mask => mask is BoolConstant { Value: false })
            || Solve(masks, locals).Intervals.All(interval => interval.Lows.Append(new Bound(0, 0)).Any(low =>
                interval.Highs.Any(high => low.Slope == high.Slope && low.Offset >= high.Offset)));
    }

    /// <summary>A pipeline's masks, of attributes and functions.</summary>
    public static (IEnumerable<Expr> Masks, IReadOnlyDictionary<string, Expr> Locals) MasksOf(PipelineSpec spec)
    {
        IEnumerable<Expr> masks = spec.Masks.Select(mask => mask.Result);
        return (
            Planner.MaskOf(spec) is { } attributes ? masks.Prepend(attributes) : masks,
            spec.Masks.SelectMany(mask => mask.Locals).ToDictionary(local => local.Local.Name, local => local.Value));
    }

    // Intervals that all start at 0, and behind them at most one that starts later, are disjoint once each begins where the last ended.
    static bool IsOrdered(List<KeyInterval> intervals) =>
        intervals.Count == 1 || intervals.Count <= MaxIntervals && intervals.Count(interval => interval.Lows.Count != 0) <= 1;

    static IEnumerable<Expr> Conjuncts(Expr mask, IReadOnlyDictionary<string, Expr> locals) =>
        mask switch
        {
            Binary { Operator: BinaryOperator.And } and => Conjuncts(and.Left, locals).Concat(Conjuncts(and.Right, locals)),
            Local local => Conjuncts(locals[local.Name], locals),
            BoolConstant { Value: true } => [],
            _ => [mask],
        };

    /// <summary>A condition as a union of intervals; null when it is not of that form.</summary>
    static List<KeyInterval>? Terms(Expr mask, IReadOnlyDictionary<string, Expr> locals)
    {
        switch (mask)
        {
            case Local local:
                return Terms(locals[local.Name], locals);
            case Binary { Operator: BinaryOperator.Or } or:
                return Terms(or.Left, locals) is { } left && Terms(or.Right, locals) is { } right ? [.. left, .. right] : null;
            case Binary { Operator: BinaryOperator.And } and:
                return Terms(and.Left, locals) is { } first && Terms(and.Right, locals) is { } second
                    ? [.. from x in first from y in second select new KeyInterval(Both(x.Lows, y.Lows), Both(x.Highs, y.Highs))]
                    : null;
            case Binary { Operator: BinaryOperator.LessThan or BinaryOperator.LessThanOrEqual, Left: Unary { Operator: UnaryOperator.Abs, Operand.Type: ExprType.Int } abs } near:
                // |x| <= y is -y <= x <= y
                Expr slack = near.Operator == BinaryOperator.LessThan ? Expr.Subtract(near.Right, Expr.Int(1)) : near.Right;
                return Terms(Expr.And(Expr.LessThanOrEqual(abs.Operand, slack), Expr.LessThanOrEqual(Expr.Of(UnaryOperator.Negate, abs.Operand), slack)), locals);
            case Binary { Operator: BinaryOperator.LessThan, Left.Type: ExprType.Int } less:
                return AtLeastZero(Linear.Of(less.Right, locals) - Linear.Of(less.Left, locals) - Linear.One);
            case Binary { Operator: BinaryOperator.LessThanOrEqual, Left.Type: ExprType.Int } less:
                return AtLeastZero(Linear.Of(less.Right, locals) - Linear.Of(less.Left, locals));
            case Binary { Operator: BinaryOperator.Equal, Left.Type: ExprType.Int } equal:
                return Terms(Expr.And(Expr.LessThanOrEqual(equal.Left, equal.Right), Expr.LessThanOrEqual(equal.Right, equal.Left)), locals);
            default:
                return null;
        }
    }

    static EquatableArray<Bound> Both(EquatableArray<Bound> left, EquatableArray<Bound> right) => new(left.Concat(right));

    // a·key + b·query + c >= 0 with a = 1 or -1
    static List<KeyInterval>? AtLeastZero(Linear? form) => form switch
    {
        { Key: 1, Query: var query, Constant: var constant } => [new KeyInterval(new EquatableArray<Bound>([new Bound(-query, -constant)]), default)],
        { Key: -1, Query: var query, Constant: var constant } => [new KeyInterval(default, new EquatableArray<Bound>([new Bound(query, constant + 1)]))],
        _ => null,
    };

    /// <summary>An expression of the form <c>Key · key + Query · query + Constant</c>.</summary>
    sealed record Linear(int Key, int Query, int Constant)
    {
        const int MaxCoefficient = 1 << 12; // products stay far from where integers wrap around

        public static readonly Linear One = new(0, 0, 1);

        public static Linear? operator +(Linear? left, Linear? right) =>
            left is null || right is null ? null : new(left.Key + right.Key, left.Query + right.Query, unchecked(left.Constant + right.Constant));

        public static Linear? operator -(Linear? left, Linear? right) => left + right * -1;

        public static Linear? operator *(Linear? form, int factor) =>
            form is null ? null : new(form.Key * factor, form.Query * factor, unchecked(form.Constant * factor));

        public static Linear? Of(Expr expr, IReadOnlyDictionary<string, Expr> locals) =>
            expr switch
            {
                IntConstant constant => new(0, 0, constant.Value),
                Variable { Kind: VariableKind.Key } => new(1, 0, 0),
                Variable { Kind: VariableKind.Query } => new(0, 1, 0),
                Local local when locals.TryGetValue(local.Name, out Expr value) => Of(value, locals),
                Unary { Operator: UnaryOperator.Negate } negated => Of(negated.Operand, locals) * -1,
                Binary { Operator: BinaryOperator.Add } sum => Of(sum.Left, locals) + Of(sum.Right, locals),
                Binary { Operator: BinaryOperator.Subtract } difference => Of(difference.Left, locals) - Of(difference.Right, locals),
                Binary { Operator: BinaryOperator.Multiply, Right: IntConstant { Value: < MaxCoefficient and > -MaxCoefficient } factor } product => Of(product.Left, locals) * factor.Value,
                Binary { Operator: BinaryOperator.Multiply, Left: IntConstant { Value: < MaxCoefficient and > -MaxCoefficient } factor } product => Of(product.Right, locals) * factor.Value,
                _ => null,
            };
    }
}
