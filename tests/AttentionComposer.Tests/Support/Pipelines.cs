namespace AttentionComposer.Tests;

/// <summary>The pipelines without arguments that this assembly declares, found by what the generator says that it made of them.</summary>
public static class Pipelines
{
    /// <summary>One object of every such pipeline.</summary>
    public static IReadOnlyList<IAttention> All { get; } =
        [.. typeof(Pipelines).Assembly.GetTypes()
            .Where(type => type.IsClass && !type.IsAbstract && type.IsAssignableTo(typeof(IAttention)) && type.GetConstructor([]) is not null)
            .OrderBy(type => type.FullName, StringComparer.Ordinal)
            .Select(type => (IAttention)Activator.CreateInstance(type)!)];

    /// <summary>The pipeline declared for a shape, a cache format and these stages, and no functions.</summary>
    public static IAttention Find(
        AttentionShape shape, KvFormat format, double scale, bool causal = false, int window = 0, int sinks = 0, bool alibi = false, double softCap = 0)
    {
        foreach (IAttention attention in All)
        {
            AttentionPlan plan = attention.Plan;
            if (plan.Selection is null && plan.Shape == shape && plan.Format == format && Math.Abs(plan.Scale - scale) < 1e-6
                && plan.Causal == causal && plan.Window == window && plan.Sinks == sinks
                && plan.BlockSize == 0 && plan.Masks.Count == 0 && plan.Scores.Count == 0 && plan.Normalization == Normalization.Softmax && !plan.HasSinkLogits
                && (plan.AlibiSlopes.Count != 0) == alibi && plan.SoftCap == softCap)
                return attention;
        }

        throw new InvalidOperationException(
            $"Declare a pipeline of {shape}, {format}, scale {scale}, causal {causal}, window {window}, sinks {sinks}, ALiBi {alibi}, cap {softCap}.");
    }
}
