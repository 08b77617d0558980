using System.Diagnostics;
using System.Globalization;

namespace AttentionComposer.Benchmarks;

/// <summary>
/// Runs other CPU attentions (ggml and ONNX Runtime, prebuilt) on the same tensors. Nothing of them is in this repository: the
/// folder that is given holds <c>run.sh</c>, which writes tab-separated rows to the file named by <c>RAW</c>.
/// </summary>
sealed class PeerRuns(string folder, int threads, int[] cores)
{
    sealed record Timing(string Peer, string Variant, Row Row, double Seconds, double Work);

    /// <summary>A peer's fastest variant for a row of ours.</summary>
    public sealed record Best(string Variant, double Seconds, double ShareOfLimit);

    readonly List<Timing> _timings = [];
    readonly Dictionary<Limit, List<double>> _limits = new() { [Limit.Read] = [], [Limit.MultiplyAdd] = [] };

    public static bool ArePresent(string folder) => File.Exists(Path.Combine(folder, "run.sh"));

    /// <summary>Runs the peers once.</summary>
    /// <param name="phase">decode or prefill.</param>
    /// <exception cref="InvalidOperationException">The peers' script failed.</exception>
    public void Run(string phase)
    {
        string raw = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo(Path.Combine(folder, "run.sh")) { RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["RAW"] = raw;
            start.Environment["WHAT"] = phase;
            start.Environment["THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
            if (cores.Length > 0)
                start.Environment["CORES"] = string.Join(',', cores);
            using Process process = Process.Start(start)!;
            Task<string> table = process.StandardOutput.ReadToEndAsync();
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"{start.FileName} ended with {process.ExitCode}: {errors}{table.Result}");
            foreach (string line in File.ReadLines(raw))
                Read(line.Split('\t'));
        }
        finally
        {
            File.Delete(raw);
        }
    }

    /// <summary>The fastest of a peer's variants with our phase, length, format and place of the keys; null without one.</summary>
    public Best? Fastest(string peer, RowResult ours) => _timings
        .Where(timing => timing.Peer == peer && timing.Row == ours.Row)
        .GroupBy(timing => timing.Variant)
        .Select(runs => new Best(runs.Key, RowResult.Median(runs.Select(run => run.Seconds)), runs.First().Work))
        .OrderBy(best => best.Seconds)
        .Select(best => best with { ShareOfLimit = best.ShareOfLimit / best.Seconds / RowResult.Median(_limits[ours.Limit]) })
        .FirstOrDefault();

    // limit, name, threads, milliseconds, rate with its unit
    // row, peer, variant, phase, N, state, threads, median ms, best ms, calls, bytes of keys and values, operations, error
    void Read(string[] fields)
    {
        if (fields is ["limit", var name, var size, _, var rate] && size == threads.ToString(CultureInfo.InvariantCulture))
        {
            Limit limit = name.Contains("FMA", StringComparison.Ordinal) ? Limit.MultiplyAdd : Limit.Read;
            _limits[limit].Add(double.Parse(rate.Split(' ')[0], CultureInfo.InvariantCulture) * 1e9);
        }
        // ORT's MHA row has no causal mask and so twice the work.
        if (fields is ["row", var peer, var variant, var phase, var tokens, var state, _, var milliseconds, _, _, var bytes, var operations, _]
            && !variant.Contains("non-causal", StringComparison.Ordinal))
        {
            string format = variant.Contains("int8", StringComparison.Ordinal) || variant.StartsWith("Q8", StringComparison.Ordinal) ? "I8"
                : variant.Contains("F16", StringComparison.OrdinalIgnoreCase) || variant.Contains("fp16", StringComparison.Ordinal) ? "F16"
                : "F32";
            string keysIn = state switch { "cold" => "DRAM", "hot" => "cache", _ => "-" };
            var row = new Row(phase, int.Parse(tokens, CultureInfo.InvariantCulture), "dense", format, keysIn);
            double work = double.Parse(phase == "decode" ? bytes : operations, CultureInfo.InvariantCulture);
            _timings.Add(new Timing(peer, variant, row, double.Parse(milliseconds, CultureInfo.InvariantCulture) / 1e3, work));
        }
    }
}
