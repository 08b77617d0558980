using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>
/// Elements at an index of each key's own in a row of a table that all keys share. A short row stays in registers, where a lookup costs no more than an
/// addition; a long one is gathered.
/// </summary>
static class TableLookups
{
    /// <summary>Whether an element is in such a row, wherever in it.</summary>
    public static bool IsLookup(CapturedElement element) =>
        element.Type != ExprType.Bool && element.Indices.Take(element.Indices.Count - 1).All(index => !index.VariesWithKey);

    /// <summary>The tables in which the scores of a row of the tile look elements up; neighbouring elements for neighbouring keys are loaded instead.</summary>
    public static IEnumerable<Capture> OfScores(KernelPlan plan)
    {
        Dictionary<string, Expr> locals = plan.Functions.SelectMany(function => function.Locals).ToDictionary(local => local.Local.Name, local => local.Value);
        return plan.Hoists.Scores.SelectMany(score => score.Spec.Elements)
            .Where(element => element.VariesWithKey && IsLookup(element) && KeySlope.Of(element.Flat, locals) == 0)
            .Select(element => element.Capture).Distinct();
    }
}
