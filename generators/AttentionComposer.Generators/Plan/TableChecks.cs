using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>Where a function reads outside of its tables, as a condition like any other.</summary>
static class TableChecks
{
    /// <summary>
    /// Whether the function gets to an element that does not exist; null when the tables' lengths, checked as the call begins, say that it
    /// never does.
    /// </summary>
    public static Expr? Of(FunctionSpec function, KernelPlan plan)
    {
        var checks =
            from element in function.Elements
            where !plan.IsCheckedAtCall(element)
            from dimension in Enumerable.Range(0, element.Indices.Count)
            let outside = (Expr)new OutsideOf(element.Capture, dimension, element.Indices[dimension])
            group outside by element.Reached into reached
            let any = reached.Distinct().Aggregate(Expr.Or)
            select reached.Key is null ? any : Expr.And(reached.Key, any);
        return checks.DefaultIfEmpty().Aggregate((left, right) => Expr.Or(left!, right!));
    }
}
