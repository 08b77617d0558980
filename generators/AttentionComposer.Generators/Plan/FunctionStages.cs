using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>What the plan says about functions: their code, and what the planner proved about the keys that masks leave.</summary>
static class FunctionStages
{
    /// <summary>Lines about masks, when there are mask functions.</summary>
    public static IEnumerable<string> Masks(KernelPlan plan)
    {
        if (plan.Spec.Masks.Count == 0)
            yield break;
        if (plan.Mask is not null)
            yield return "mask: " + plan.MaskText;
        foreach (FunctionSpec mask in plan.Spec.Masks)
            yield return $"mask {mask.Name}: {OneLine(mask)}";
        yield return "keys: " + Proved(plan);
    }

    /// <summary>Lines about score functions.</summary>
    public static IEnumerable<string> Scores(KernelPlan plan) => plan.Spec.Scores.Select(score => $"score {score.Name}: {OneLine(score)}");

    /// <summary>Lines about what is computed before the rows of a tile.</summary>
    public static IEnumerable<string> Hoists(KernelPlan plan) =>
        from loop in plan.Hoists.Loops
        let names = string.Join(", ", loop.Values.Select(value => value.Lanes.Name))
        let axis = loop.Axis == HoistAxis.Key ? "key" : "distance of query and key"
        select $"hoisted: {names} of {loop.Function.Name}, once per {(loop.PerHead ? "head and " : "")}{axis}";

    static string Proved(KernelPlan plan)
    {
        bool bounded = plan.Intervals.Any(interval => interval.Bounds.Any());
        string seen = plan.Intervals.Count == 1 ? "one interval" : $"{plan.Intervals.Count} intervals";
        if (!plan.TestsTiles)
            return bounded
                ? $"rows see {seen}, {Text(plan)}; only blocks at the ends test the mask"
                : "every row sees all of them; no mask is tested";

        string tables = string.Join(", ", plan.Spec.Masks.SelectMany(mask => mask.Elements).Select(element => element.Capture.Access).Distinct());
        return (bounded ? $"{seen}, {Text(plan)}, hold what rows see; within, a" : "a") +
            " tile test skips hidden blocks and runs full ones without a mask" +
            (tables.Length == 0 ? "" : $", from the least and the largest of {tables} in a tile");
    }

    static string Text(KernelPlan plan) => string.Join(" and ", plan.Intervals.Select(interval =>
        $"[{Extreme("max", interval.Lows.Select(low => Extreme("min", low.Bounds.Select(bound => Text(bound, 0)), "0")), "0")}, " +
        $"{Extreme("min", interval.Highs.Select(high => Extreme("max", high.Bounds.Select(bound => Text(bound, -1)), "")), "last key")}]"));

    static string Extreme(string function, IEnumerable<string> bounds, string fallback)
    {
        string[] distinct = [.. bounds.Distinct()];
        return distinct.Length == 0 ? fallback : distinct.Length == 1 ? distinct[0] : $"{function}({string.Join(", ", distinct)})";
    }

    static string Text(Bound bound, int more)
    {
        int offset = bound.Offset + more;
        string moving = bound.Slope switch { 0 => "", 1 => "query", -1 => "-query", _ => $"{bound.Slope} query" };
        if (bound.Captured is { } captured)
        {
            string text = CallConstant.Text(captured);
            moving = (moving, bound.IsSubtracted) switch
            {
                ("", false) => text,
                ("", true) => $"-{Bracketed(text)}",
                (_, false) => $"{moving} + {text}",
                _ => $"{moving} - {Bracketed(text)}",
            };
        }

        return moving.Length == 0 ? $"{offset}" : offset == 0 ? moving : offset > 0 ? $"{moving} + {offset}" : $"{moving} - {-offset}";
    }

    static string Bracketed(string sum) => sum.Contains(" ") ? $"({sum})" : sum;

    static string OneLine(FunctionSpec function) =>
        string.Join(" ", string.Join(" ", function.Text).Split([' '], System.StringSplitOptions.RemoveEmptyEntries));
}
