using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Benchmarks;

/// <summary>The table: decode as a share of what a copy reaches, prefill in operations, and torch's times of the same work.</summary>
static class Timings
{
    public static void Print(Accelerator accelerator, bool onCpu)
    {
        double copy = CopyBandwidth.Measure(accelerator, onCpu ? 1 << 16 : 1L << 30);
        Console.WriteLine($"copy: {copy / 1e9:N0} GB/s read and written");

        Workload[] workloads = onCpu
            ?
            [
                new("dense F16", new DenseFloat16(), 2, 70, 1),
                new("SparQ F16", new SparseFloat16(), 1, 300, 1),
                new("dense F16", new DenseFloat16(), 1, 40, 40),
            ]
            :
            [
                new("dense F16", new DenseFloat16(), 16, 1024, 1),
                new("dense F16", new DenseFloat16(), 16, 4096, 1),
                new("dense F16", new DenseFloat16(), 16, 16384, 1),
                new("dense BF16", new DenseBFloat16(), 16, 16384, 1),
                new("dense F32", new DenseFloat32(), 16, 16384, 1),
                new("dense F16", new DenseFloat16(), 1, 16384, 1),
                new("dense F16", new DenseFloat16(), 4, 65536, 1),
                new("SparQ F16", new SparseFloat16(), 4, 65536, 1),
                new("dense F16", new DenseFloat16(), 1, 2048, 2048),
                new("dense F16", new DenseFloat16(), 1, 8192, 8192),
                new("dense BF16", new DenseBFloat16(), 1, 8192, 8192),
                new("without TC", new DenseFloat16(), 1, 8192, 8192) { TensorCores = false },
            ];

        Dictionary<(string, string), double> torch =
            onCpu ? [] : TorchRuns.Run(workloads.Where(workload => workload.Name == "dense F16").Select(workload => workload.PeerName).Distinct());

        Console.WriteLine("32/8 heads of 128; decode: one token, with the bytes of all keys and values; prefill: causal");
        Console.WriteLine($"{"pipeline",-11}{"sequences",10}{"positions",10}{"tokens",8}{"ms",11}{"GB/s",8}{"of copy",9}{"TFLOP/s",9}{"sdpa ms",10}{"flex ms",10}{"error",9}");
        foreach (Workload workload in workloads)
        {
            string line = $"{workload.Name,-11}{workload.Sequences,10}{workload.Positions,10}{workload.Tokens,8}";
            try
            {
                (double seconds, double difference) = workload.Measure(accelerator);
                double rate = workload.Bytes / seconds;
                line += $"{seconds * 1e3,11:0.0000}";
                line += workload.Tokens == 1 ? $"{rate / 1e9,8:0}{rate / copy,9:P0}{"",9}" : $"{"",17}{workload.Operations / seconds / 1e12,9:0.0}";
                line += $"{Torch("sdpa"),10}{Torch("flex"),10}";
                line += workload.Pipeline.Plan.Selection is null ? $"{difference,9:0e0}" : $"{"",9}";
            }
            catch (NotSupportedException exception)
            {
                line += $"  {exception.Message}";
            }

            Console.WriteLine(line);

            string Torch(string function) =>
                workload.Name == "dense F16" && torch.TryGetValue((workload.PeerName, function), out double milliseconds) ? $"{milliseconds:0.0000}" : "";
        }
    }
}
