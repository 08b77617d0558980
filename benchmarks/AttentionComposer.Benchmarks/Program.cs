using System.CommandLine;
using System.Globalization;
using AttentionComposer;
using AttentionComposer.Benchmarks;
using Spectre.Console;

var phase = new Argument<string>("phase") { Description = "decode, prefill, selection, break-even or all.", DefaultValueFactory = _ => "all" };
phase.AcceptOnlyFromAmong("decode", "prefill", "selection", "break-even", "all");
var threads = new Option<int>("--threads")
{
    Description = "Threads of the kernels, the limits and the peers; kept to as many cores (taskset chooses which).",
    DefaultValueFactory = _ => 2,
};
threads.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is < 1 or > 64)
        result.AddError("--threads is a number from 1 to 64.");
});
var seconds = new Option<double>("--seconds") { Description = "Measuring time per row and round.", DefaultValueFactory = _ => 1.5 };
seconds.Validators.Add(result =>
{
    if (result.GetValueOrDefault<double>() is not (> 0 and <= 600))
        result.AddError("--seconds is a number above 0, at most 600.");
});
var rows = new Option<string>("--rows") { Description = "Only rows whose name contains each of these words, as in \"4096 dense F16\".", DefaultValueFactory = _ => "" };
var vectorBits = new Option<int>("--vector-bits") { Description = "The widest vectors the kernels may use: 512, 256 or 128.", DefaultValueFactory = _ => 512 };
vectorBits.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is not (512 or 256 or 128))
        result.AddError("--vector-bits is 512, 256 or 128.");
});
var markdown = new Option<FileInfo?>("--markdown") { Description = "Also write the tables to this file." };
var peers = new Option<DirectoryInfo?>("--peers") { Description = "Folder of the peers (with run.sh); ours and theirs run alternately. See benchmarks/peers.sh." };
var rounds = new Option<int>("--rounds") { Description = "How often everything is measured.", DefaultValueFactory = _ => 1 };
rounds.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is < 1 or > 100)
        result.AddError("--rounds is a number from 1 to 100.");
});

var root = new RootCommand("Attention kernels against the read bandwidth and the multiply-add peak of this machine, measured in the same loop.")
{
    phase, threads, seconds, rows, vectorBits, markdown, peers, rounds,
};
root.SetAction(parsed =>
{
    CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
    string? peerFolder = parsed.GetValue(peers)?.FullName;
    if (peerFolder is not null && !PeerRuns.ArePresent(peerFolder))
    {
        Console.Error.WriteLine($"No peers in {peerFolder}: there is no run.sh. Leave --peers out to measure this library alone.");
        return 1;
    }

    int size = parsed.GetValue(threads);
    int[] cores = ProcessorAffinity.KeepTo(size);
    AttentionOptions.MaxDegreeOfParallelism = size;
    AttentionOptions.MaxVectorBits = parsed.GetValue(vectorBits);

    using var limits = new MachineLimits(size, cores);
    var roundRobin = new RoundRobin(limits, parsed.GetValue(seconds));
    PeerRuns? peerRuns = peerFolder is null ? null : new PeerRuns(peerFolder, size, cores);
    string[] phases = parsed.GetValue(phase) switch { "all" => ["decode", "prefill", "selection", "break-even"], var one => [one!] };
    for (int round = 1; round <= parsed.GetValue(rounds); round++)
    {
        foreach (string part in phases)
        {
            Console.Error.WriteLine($"round {round}: {part}");
            foreach (Workload[] group in Workloads.Groups(part, size))
                MeasureGroup(roundRobin, group, parsed.GetValue(rows)!);
            if (peerRuns is not null)
            {
                Console.Error.WriteLine($"round {round}: {part}, peers");
                peerRuns.Run(part);
            }
        }
    }
    if (roundRobin.Results.Count == 0)
    {
        Console.Error.WriteLine($"No row's name contains the words of \"{parsed.GetValue(rows)}\".");
        return 1;
    }
    Report(roundRobin.Results, peerRuns, Circumstances(size, cores), parsed.GetValue(markdown));
    return 0;
});
return root.Parse(args).Invoke();

static void MeasureGroup(RoundRobin roundRobin, Workload[] group, string rows)
{
    string[] words = rows.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    Workload[] wanted =
        [.. group.Where(workload => words.All(word => workload.Row.ToString().Contains(word, StringComparison.OrdinalIgnoreCase)))];
    try
    {
        foreach (Workload workload in wanted)
            workload.Prepare();
        roundRobin.Measure(wanted);
    }
    finally
    {
        foreach (Workload workload in wanted)
            workload.Dispose();
    }
}

static void Report(IReadOnlyCollection<RowResult> results, PeerRuns? peerRuns, string circumstances, FileInfo? markdown)
{
    List<ReportTable> tables = [ReportTable.OfRows(results), ReportTable.OfFormats(results), ReportTable.OfSelections(results)];
    if (peerRuns is not null)
        tables.Add(ReportTable.OfPeers(results, peerRuns));
    Console.WriteLine(circumstances);
    foreach (ReportTable table in tables)
        table.Print();
    if (markdown is null)
        return;
    using StreamWriter writer = markdown.CreateText();
    writer.Write($"{circumstances}\n\n");
    foreach (ReportTable table in tables)
        table.WriteMarkdown(writer);
}

static string Circumstances(int threads, int[] cores)
{
    string processor = File.Exists("/proc/cpuinfo")
        ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "?"
        : "?";
    string pinned = cores.Length == 0 ? "not pinned" : $"on cores {string.Join(',', cores)}";
    return $"{processor}, .NET {Environment.Version}, {AttentionOptions.VectorBits}-bit vectors, {threads} threads {pinned}.";
}
