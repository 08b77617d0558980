using System.Diagnostics;

namespace AttentionComposer.Mpi.Tests;

/// <summary>A job of this program on several ranks, run to its end.</summary>
sealed record MpiJob(int ExitCode, string Output, string Errors, TimeSpan Time)
{
    static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    public static bool CanRun { get; } = StarCluster.IsAvailable && (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, "mpirun")));

    public static MpiJob Run(int ranks, params string[] arguments)
    {
        var start = new ProcessStartInfo("mpirun", ["-n", $"{ranks}", Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", typeof(MpiJob).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Open MPI asks for consent to run as root or with more ranks than cores. Containers forbid its direct copies between processes.
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        start.Environment["OMPI_MCA_rmaps_base_oversubscribe"] = "1";
        start.Environment["OMPI_MCA_hwloc_base_binding_policy"] = "none"; // one core for all threads of a .NET process is too few where others run too
        start.Environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none";
        long began = Stopwatch.GetTimestamp();
        using Process job = Process.Start(start)!;
        Task<string> output = job.StandardOutput.ReadToEndAsync(), errors = job.StandardError.ReadToEndAsync();
        if (!job.WaitForExit(s_limit))
        {
            job.Kill(entireProcessTree: true);
            Assert.Fail($"{string.Join(' ', start.ArgumentList)} hangs.\n{output.Result}\n{errors.Result}");
        }

        return new(job.ExitCode, output.Result, errors.Result, Stopwatch.GetElapsedTime(began));
    }
}
