using System.Diagnostics;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Benchmarks;

/// <summary>Times work that is queued on a device.</summary>
static class Timing
{
    const int Turns = 9;
    const double TurnSeconds = 0.1;

    /// <summary>The median over turns of many calls each; one waits at a turn's end only, as a decoder does.</summary>
    public static double Median(Accelerator accelerator, Action queue)
    {
        Turn(1); // compiles, and allocates
        double once = Turn(1);
        int calls = (int)Math.Clamp(TurnSeconds / once, 1, 1000);
        double[] turns = [.. Enumerable.Range(0, once > 1 ? 1 : Turns).Select(_ => Turn(calls) / calls)];
        Array.Sort(turns);
        return turns[turns.Length / 2];

        double Turn(int count)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < count; i++)
                queue();
            accelerator.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
