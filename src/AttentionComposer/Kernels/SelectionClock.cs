using System.ComponentModel;
using System.Diagnostics;

namespace AttentionComposer.Kernels;

/// <summary>The stages of a step that selects keys, in their order.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public enum SelectionStage
{
    /// <summary>Scores of all candidates; before them the choice of channels, if any.</summary>
    Scores,

    /// <summary>Score stages and mask on these scores, then the softmax's weights or the group's sums.</summary>
    Weights,

    /// <summary>The best of the candidates.</summary>
    Choice,

    /// <summary>Attention over the chosen keys.</summary>
    Attention,

    /// <summary>The mean of values that stands for the keys left out.</summary>
    Mean,
}

/// <summary>
/// Where the time of a selection's steps goes, added up over threads and sequences. The benchmarks set it; kernels look for it at the end of each stage.
/// </summary>
sealed class SelectionClock
{
    readonly long[] _ticks = new long[Enum.GetValues<SelectionStage>().Length];

    /// <summary>Adds the time of one piece of a stage.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="since">When it began; receives the time now.</param>
    public void End(SelectionStage stage, ref long since)
    {
        long now = Stopwatch.GetTimestamp();
        Interlocked.Add(ref _ticks[(int)stage], now - since);
        since = now;
    }

    /// <summary>A stage's part of the time of all stages.</summary>
    public double Share(SelectionStage stage) => (double)_ticks[(int)stage] / _ticks.Sum();
}
