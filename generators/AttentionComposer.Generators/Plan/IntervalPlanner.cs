using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>What the planner solved of a mask.</summary>
/// <param name="Intervals">Intervals in ascending order that hold every visible key.</param>
/// <param name="IsExact">Whether they hold visible keys only; otherwise the rest of the mask is tested over tiles.</param>
sealed record SolvedMask(EquatableArray<KeyInterval> Intervals, bool IsExact);

/// <summary>
/// Solves a mask for the key: comparisons that are linear in key and query, or compare such a form with a number that the call
/// captures, become bounds; conjunctions intersect and disjunctions list intervals. What is not of this form bounds nothing and is left
/// to be tested.
/// </summary>
/// <remarks>
/// A captured number counts where it stands alone on its side: <c>query - key &lt; _window</c>. In <c>query + _ahead</c> it could be so
/// large that C# wraps around, which no interval says.
/// </remarks>
static class IntervalPlanner
{
    const int MaxIntervals = 4;
    const int MaxChoices = 4; // per end of an interval

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
                ? Union(from interval in solved from term in terms select Intersection(interval, term))
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
            || Solve(masks, locals).Intervals.All(interval => interval.Lows.Append(Choice(new Bound(0, 0))).Any(low =>
                interval.Highs.Any(high => low.Bounds.All(start => high.Bounds.All(end => start with { Offset = end.Offset } == end && start.Offset >= end.Offset)))));
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
                return Terms(or.Left, locals) is { } left && Terms(or.Right, locals) is { } right ? Union(left.Concat(right)) : null;
            case Binary { Operator: BinaryOperator.And } and:
                return Terms(and.Left, locals) is { } first && Terms(and.Right, locals) is { } second
                    ? Union(from x in first from y in second select Intersection(x, y))
                    : null;
            case Binary { Operator: BinaryOperator.LessThan or BinaryOperator.LessThanOrEqual, Left: Unary { Operator: UnaryOperator.Abs, Operand.Type: ExprType.Int } abs } near:
                // |x| <= y is x <= y and -x <= y
                return Terms(
                    Expr.And(Expr.Of(near.Operator, abs.Operand, near.Right), Expr.Of(near.Operator, Expr.Of(UnaryOperator.Negate, abs.Operand), near.Right)), locals);
            case Binary { Operator: BinaryOperator.LessThan, Left.Type: ExprType.Int } less:
                return AtLeastZero(Side(less.Right, locals) - Side(less.Left, locals) - Linear.One);
            case Binary { Operator: BinaryOperator.LessThanOrEqual, Left.Type: ExprType.Int } less:
                return AtLeastZero(Side(less.Right, locals) - Side(less.Left, locals));
            case Binary { Operator: BinaryOperator.Equal, Left.Type: ExprType.Int } equal:
                return Terms(Expr.And(Expr.LessThanOrEqual(equal.Left, equal.Right), Expr.LessThanOrEqual(equal.Right, equal.Left)), locals);
            default:
                return null;
        }
    }

    static KeyInterval Intersection(KeyInterval x, KeyInterval y) =>
        new(new EquatableArray<BoundChoice>(x.Lows.Concat(y.Lows).Distinct()), new EquatableArray<BoundChoice>(x.Highs.Concat(y.Highs).Distinct()));

    /// <summary>Intervals that share an end are one: [0, a] and [0, b] are [0, max(a, b)].</summary>
    static List<KeyInterval> Union(IEnumerable<KeyInterval> intervals)
    {
        var union = new List<KeyInterval>();
        foreach (KeyInterval interval in intervals)
        {
            int other = union.FindIndex(known =>
                known.Lows.Equals(interval.Lows) && known.Highs.Count * interval.Highs.Count <= MaxChoices
                || known.Highs.Equals(interval.Highs) && known.Lows.Count * interval.Lows.Count <= MaxChoices);
            if (other < 0)
            {
                union.Add(interval);
                continue;
            }

            KeyInterval known = union[other];
            union[other] = known.Lows.Equals(interval.Lows)
                ? known with { Highs = Either(known.Highs, interval.Highs, (x, y) => x > y) }
                : known with { Lows = Either(known.Lows, interval.Lows, (x, y) => x < y) };
        }

        return union;
    }

    // All of some bounds or all of others: of every pair, one of the two.
    static EquatableArray<BoundChoice> Either(EquatableArray<BoundChoice> left, EquatableArray<BoundChoice> right, Func<int, int, bool> showsMore) =>
        new((from x in left from y in right select Choice(Outermost(x.Bounds.Concat(y.Bounds), showsMore))).Distinct());

    // Bounds that differ by a constant only: one of them always shows more.
    static Bound[] Outermost(IEnumerable<Bound> bounds, Func<int, int, bool> showsMore) =>
    [
        .. from bound in bounds
           group bound by bound with { Offset = 0 } into parallel
           select parallel.Aggregate((x, y) => showsMore(y.Offset, x.Offset) ? y : x),
    ];

    static BoundChoice Choice(params Bound[] bounds) => new(new EquatableArray<Bound>(bounds));

    // a·key + b·query + c >= 0 with a = 1 or -1
    static List<KeyInterval>? AtLeastZero(Linear? form) => form switch
    {
        { Key: 1 } low => [new KeyInterval(End(new Bound(-low.Query, -low.Constant) { Captured = low.Captured, IsSubtracted = low.Captured is not null && !low.IsSubtracted }), default)],
        { Key: -1 } high => [new KeyInterval(default, End(new Bound(high.Query, high.Constant + 1) { Captured = high.Captured, IsSubtracted = high.IsSubtracted }))],
        _ => null,
    };

    static EquatableArray<BoundChoice> End(Bound bound) => new([Choice(bound)]);

    static Linear? Side(Expr expr, IReadOnlyDictionary<string, Expr> locals) =>
        CallConstant.Of(expr, locals) is { } captured ? new Linear(0, 0, 0) { Captured = captured } : Linear.Of(expr, locals);

    /// <summary>An expression of the form <c>Key · key + Query · query + Constant</c>.</summary>
    sealed record Linear(int Key, int Query, int Constant)
    {
        // Far from where integers wrap around.
        const long MaxCoefficient = 1 << 12, MaxConstant = 1 << 30;

        public static readonly Linear One = new(0, 0, 1);

        /// <summary>A number that the call captures and that is added; null without one.</summary>
        public Expr? Captured { get; init; }

        /// <summary>Whether the captured number is subtracted instead.</summary>
        public bool IsSubtracted { get; init; }

        public static Linear? operator +(Linear? left, Linear? right) =>
            left is null || right is null || left.Captured is not null && right.Captured is not null ? null
            : Bounded((long)left.Key + right.Key, (long)left.Query + right.Query, (long)left.Constant + right.Constant) is { } sum
                ? sum with { Captured = left.Captured ?? right.Captured, IsSubtracted = left.IsSubtracted || right.IsSubtracted }
                : null;

        public static Linear? operator -(Linear? form) =>
            form is null ? null : new(-form.Key, -form.Query, -form.Constant) { Captured = form.Captured, IsSubtracted = form.Captured is not null && !form.IsSubtracted };

        public static Linear? operator -(Linear? left, Linear? right) => left + -right;

        // Captured numbers stand alone, so that none is multiplied.
        static Linear? Product(Linear? form, int factor) =>
            form is null ? null : Bounded((long)form.Key * factor, (long)form.Query * factor, (long)form.Constant * factor);

        static Linear? Bounded(long key, long query, long constant) =>
            Math.Abs(key) < MaxCoefficient && Math.Abs(query) < MaxCoefficient && Math.Abs(constant) < MaxConstant ? new((int)key, (int)query, (int)constant) : null;

        public static Linear? Of(Expr expr, IReadOnlyDictionary<string, Expr> locals) =>
            expr switch
            {
                IntConstant constant => Bounded(0, 0, constant.Value),
                Variable { Kind: VariableKind.Key } => new(1, 0, 0),
                Variable { Kind: VariableKind.Query } => new(0, 1, 0),
                Local local when locals.TryGetValue(local.Name, out Expr value) => Of(value, locals),
                Unary { Operator: UnaryOperator.Negate } negated => -Of(negated.Operand, locals),
                Binary { Operator: BinaryOperator.Add } sum => Of(sum.Left, locals) + Of(sum.Right, locals),
                Binary { Operator: BinaryOperator.Subtract } difference => Of(difference.Left, locals) - Of(difference.Right, locals),
                Binary { Operator: BinaryOperator.Multiply, Right: IntConstant factor } product => Product(Of(product.Left, locals), factor.Value),
                Binary { Operator: BinaryOperator.Multiply, Left: IntConstant factor } product => Product(Of(product.Right, locals), factor.Value),
                _ => null,
            };
    }
}
