using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit;

/// <summary>Prints the ends of the plan's key intervals for queries from a first to a last one.</summary>
/// <param name="position">The function that makes a position of a sum that can be any number.</param>
/// <param name="captured">Prints a captured number, given what stands for an element that does not exist.</param>
sealed class IntervalPrinter(string position, Func<Expr, string, string> captured)
{
    /// <summary>As the processor's kernels read what a call captured.</summary>
    public static readonly IntervalPrinter Processor = new("KeyRange.Position", Captured);

    /// <summary>The first position that some query sees.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="i">The interval.</param>
    /// <param name="first">What the first query is called.</param>
    /// <param name="last">What the last query is called.</param>
    public string Low(KernelPlan plan, int i, string first, string last) =>
        Extreme("Max", Lows(plan.Intervals[i], first, last, "int.MinValue", i == 0 ? "0" : $"high{i - 1}"));

    /// <summary>The first position behind those that some query sees.</summary>
    public string High(KernelPlan plan, int i, string first, string last)
    {
        KeyInterval interval = plan.Intervals[i];
        string high = Extreme("Min", Highs(interval, last, first, "int.MaxValue"));

        // The next interval begins here, and none begins before the first key: queries may stand before it.
        bool canBeNegative = i + 1 < plan.Intervals.Count && interval.Highs.Any(choice => choice.Bounds.All(bound => bound.Slope != 0 || bound.Offset < 0));
        return canBeNegative ? $"Math.Max(0, {high})" : high;
    }

    /// <summary>The first position that every query sees.</summary>
    public string FullLow(KernelPlan plan, int i, string first, string last) =>
        Extreme("Max", Lows(plan.Intervals[i], last, first, "int.MaxValue", "0"));

    /// <summary>The first position behind those that every query sees.</summary>
    public string FullHigh(KernelPlan plan, int i, string first, string last) => Extreme("Min", Highs(plan.Intervals[i], first, last, "int.MinValue"));

    IEnumerable<string> Lows(KeyInterval interval, string rising, string falling, string unknown, string begin)
    {
        IEnumerable<string> lows = interval.Lows.Select(low => Extreme("Min", At(low, rising, falling, unknown)));
        bool isPosition = interval.Lows.Any(low => low.Bounds.All(bound => bound.Captured is not null || bound.Launched is not null));
        return begin == "0" && isPosition ? lows : lows.Prepend(begin);
    }

    // The cache's length bounds an interval from above, unless the query's own position does.
    IEnumerable<string> Highs(KeyInterval interval, string rising, string falling, string unknown)
    {
        IEnumerable<string> highs = interval.Highs.Select(high => Extreme("Max", At(high, rising, falling, unknown)));
        return interval.Highs.Any(high => high.Bounds.All(bound => bound is { Slope: 1, Offset: <= 1, Captured: null })) ? highs : highs.Prepend("length");
    }

    IEnumerable<string> At(BoundChoice choice, string rising, string falling, string unknown) =>
        choice.Bounds.Select(bound => At(bound, bound.Slope > 0 ? rising : falling, unknown));

    string At(Bound bound, string query, string unknown)
    {
        if (bound.Launched is not null)
            return bound.Launched;
        string offset = Literal.Of(Math.Abs(bound.Offset));
        string moving = bound.Slope == 1 ? query : $"{Literal.Of(bound.Slope)} * {query}";
        if (bound.Captured is null)
        {
            return bound.Slope == 0 ? Literal.Of(bound.Offset)
                : bound.Offset == 0 ? moving
                : bound.Offset > 0 ? $"{moving} + {offset}"
                : $"{moving} - {offset}";
        }

        // What the pipeline captures can be any number: the sum is made of longs, and what is no position becomes the nearest.
        string number = captured(bound.Captured, bound.IsSubtracted ? Opposite(unknown) : unknown);
        string[] terms =
        [
            .. bound.Slope == 0 ? [] : new[] { bound.Offset == 0 ? $"(long){moving}" : moving },
            .. bound.Offset == 0 ? [] : new[] { Literal.Of(bound.Offset) + "L" },
        ];
        string rest = string.Join(" + ", terms).Replace("+ -", "- ");
        string sum = bound.IsSubtracted ? $"{(rest.Length == 0 ? "0L" : rest)} - {number}" : rest.Length == 0 ? number : $"{rest} + {number}";
        return $"{position}({sum})";
    }

    static string Captured(Expr captured, string unknown) => captured switch
    {
        CapturedLength length => $"captured.{ScalarPrinter.FieldOf(length.Capture)}.Length",
        // Whoever asks for an element that does not exist is refused where the mask is tested.
        CapturedElement element =>
            $"TableLoad.At(captured.{ScalarPrinter.FieldOf(element.Capture)}{(CaptureEmitter.IsMemory(element.Capture) ? ".Span" : "")}, {(element.Indices[0] is IntConstant index ? Literal.Of(index.Value) : "batch")}, otherwise: {unknown})",
        Binary { Operator: not (BinaryOperator.Minimum or BinaryOperator.Maximum) } or Unary => $"({ScalarPrinter.Print(captured)})",
        _ => ScalarPrinter.Print(captured),
    };

    static string Opposite(string unknown) => unknown == "int.MinValue" ? "int.MaxValue" : "int.MinValue";

    static string Extreme(string function, IEnumerable<string> values) =>
        values.Distinct().Aggregate((left, right) => $"Math.{function}({left}, {right})");
}
