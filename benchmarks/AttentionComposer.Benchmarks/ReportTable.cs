using System.Globalization;
using Spectre.Console;

namespace AttentionComposer.Benchmarks;

/// <summary>One table, for the terminal and for a file.</summary>
sealed class ReportTable(string title, params string[] headings)
{
    readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public void Print()
    {
        // A terminal wraps what is too wide; Spectre would cut it off, and takes 80 columns where the output goes to a file.
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 240);
        AnsiConsole.WriteLine(title);
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string heading in headings)
            table.AddColumn(new TableColumn(Markup.Escape(heading)).NoWrap());
        foreach (string[] row in _rows)
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        AnsiConsole.Write(table);
    }

    public void WriteMarkdown(TextWriter writer)
    {
        writer.Write($"### {title}\n\n| {string.Join(" | ", headings)} |\n|{string.Concat(headings.Select(_ => "---|"))}\n");
        foreach (string[] row in _rows)
            writer.Write($"| {string.Join(" | ", row)} |\n");
        writer.Write('\n');
    }

    /// <summary>The rows as they are measured, against the limits between them.</summary>
    public static ReportTable OfRows(IEnumerable<RowResult> results)
    {
        var table = new ReportTable("Medians; \"of limit\" is the median of each turn's rate over the limits sampled right before and after it", "phase", "tokens", "pipeline", "keys", "keys in",
            "median ms", "best ms", "rate", "limit", "of limit", "allocated", "rel. error", "calls");
        foreach (RowResult result in results)
        {
            string unit = result.Limit == Limit.Read ? "GB/s" : "GFLOP/s";
            table.Add(result.Row.Phase, $"{result.Row.Tokens}", result.Row.Variant, result.Row.Format, result.Row.KeysIn,
                Milliseconds(result.MedianSeconds), Milliseconds(result.Seconds.Min()),
                $"{Number(result.Rate / 1e9)} {unit}", $"{Number(result.LimitRate / 1e9)} {unit}", Percent(result.ShareOfLimit),
                $"{result.AllocatedBytes:0.#} B", result.RelativeError?.ToString("0.0e+0", CultureInfo.InvariantCulture) ?? "-", $"{result.Seconds.Count}");
        }
        return table;
    }

    /// <summary>Our dense rows beside the fastest variant of each peer that has the same shape and format.</summary>
    public static ReportTable OfPeers(IEnumerable<RowResult> results, PeerRuns peers)
    {
        var table = new ReportTable("Beside the peers (fastest variant of each; times as large as ours)", "phase", "tokens", "keys", "keys in",
            "ours ms", "of limit", "ggml ms", "of limit", "ggml / ours", "ORT ms", "of limit", "ORT / ours", "variants");
        foreach (RowResult result in results)
        {
            PeerRuns.Best? ggml = peers.Fastest("ggml", result), ort = peers.Fastest("ORT", result);
            if (ggml is null && ort is null)
                continue;
            table.Add(result.Row.Phase, $"{result.Row.Tokens}", result.Row.Format, result.Row.KeysIn,
                Milliseconds(result.MedianSeconds), Percent(result.ShareOfLimit),
                ggml is null ? "-" : Milliseconds(ggml.Seconds), ggml is null ? "-" : Percent(ggml.ShareOfLimit), Ratio(ggml, result),
                ort is null ? "-" : Milliseconds(ort.Seconds), ort is null ? "-" : Percent(ort.ShareOfLimit), Ratio(ort, result),
                string.Join(", ", new[] { ggml?.Variant, ort?.Variant }.OfType<string>()));
        }
        return table;
    }

    /// <summary>Time with keys of 16 and 8 bits over time with 32-bit keys: 0.5 and 0.26 where only memory counts, 1 where only arithmetic does.</summary>
    public static ReportTable OfFormats(IReadOnlyCollection<RowResult> results)
    {
        var table = new ReportTable("Time with narrower keys and values over time with 32-bit ones", "phase", "tokens", "pipeline", "keys in", "F16 / F32", "BF16 / F32", "I8 / F32");
        foreach (RowResult wide in results.Where(result => result.Row is { Format: "F32" }))
        {
            RowResult? half = results.FirstOrDefault(result => result.Row == wide.Row with { Format = "F16" });
            RowResult? brain = results.FirstOrDefault(result => result.Row == wide.Row with { Format = "BF16" });
            RowResult? integers = results.FirstOrDefault(result => result.Row == wide.Row with { Format = "I8" });
            if (half is not null || brain is not null || integers is not null)
                table.Add(wide.Row.Phase, $"{wide.Row.Tokens}", wide.Row.Variant, wide.Row.KeysIn, Share(half), Share(brain), Share(integers));

            string Share(RowResult? narrow) => narrow is null ? "-" : $"{narrow.MedianSeconds / wide.MedianSeconds:0.00}";
        }
        return table;
    }

    /// <summary>
    /// Pipelines that choose keys beside the dense one of the same format: how much faster they are, how much fewer bytes they read, and the stages' parts of their time.
    /// </summary>
    public static ReportTable OfSelections(IReadOnlyCollection<RowResult> results)
    {
        var table = new ReportTable("Selections beside dense", "phase", "tokens", "pipeline", "keys", "dense ms", "ms", "times as fast", "times fewer bytes", "of that",
            "scores", "weights", "choice", "attention", "mean");
        foreach (RowResult dense in results.Where(result => result.Row is { KeysIn: "DRAM", Variant: "dense" or "8 sequences" }))
        {
            foreach (RowResult selection in results.Where(
                result => result.StageShares is not null && result.Row == dense.Row with { Variant = result.Row.Variant }))
            {
                double speed = selection.TimesAsFastAs(dense), bytes = dense.Work / selection.Work;
                table.Add([dense.Row.Phase, $"{dense.Row.Tokens}", selection.Row.Variant, dense.Row.Format, Milliseconds(dense.MedianSeconds),
                    Milliseconds(selection.MedianSeconds), $"{speed:0.00}", $"{bytes:0.00}", Percent(speed / bytes), .. selection.StageShares!.Select(Percent)]);
            }
        }
        return table;
    }

    static string Milliseconds(double seconds) => $"{seconds * 1e3:0.000}";

    static string Number(double value) => value < 100 ? $"{value:0.0}" : $"{value:0}";

    static string Percent(double share) => $"{share * 100:0} %";

    static string Ratio(PeerRuns.Best? peer, RowResult ours) => peer is null ? "-" : $"{peer.Seconds / ours.MedianSeconds:0.0}x";
}
