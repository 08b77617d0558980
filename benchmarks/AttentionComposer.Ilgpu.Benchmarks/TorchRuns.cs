using System.Diagnostics;
using System.Globalization;

namespace AttentionComposer.Ilgpu.Benchmarks;

/// <summary>PyTorch's attention on the same card, where python3 has torch: torch_attention.py.</summary>
static class TorchRuns
{
    /// <summary>Milliseconds by workload and function; empty without torch.</summary>
    public static Dictionary<(string Workload, string Function), double> Run(IEnumerable<string> workloads)
    {
        var results = new Dictionary<(string, string), double>();
        try
        {
            var start = new ProcessStartInfo("python3", [Path.Combine(AppContext.BaseDirectory, "torch_attention.py"), .. workloads]) { RedirectStandardOutput = true };
            using Process process = Process.Start(start)!;
            while (process.StandardOutput.ReadLine() is string line)
                if (line.Split('\t') is [string workload, string function, string milliseconds])
                    results[(workload, function)] = double.Parse(milliseconds, CultureInfo.InvariantCulture);
                else
                    Console.WriteLine(line);
            process.WaitForExit();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.WriteLine("There is no python3 to run PyTorch with.");
        }

        return results;
    }
}
