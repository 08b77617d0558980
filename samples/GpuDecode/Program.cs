using System.Diagnostics;
using AttentionComposer;
using AttentionComposer.Ilgpu;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

// Without a card: GpuDecode --cpu.
bool onCpu = args.Contains("--cpu");
using Context context = Context.Create(builder => _ = onCpu ? builder.ForAttention().CPU(new CPUDevice(32, 8, 1)) : builder.ForAttention().Cuda());
using Accelerator accelerator = context.GetPreferredDevice(preferCPU: onCpu).CreateAccelerator(context);
(int sequences, int prompt, int steps) = onCpu ? (2, 60, 4) : (16, 8000, 192);

// The class below, with the kernels that the generator wrote beside its SIMD ones.
using DeviceAttention attention = new Local().OnDevice(accelerator);
using DeviceKvCache cache = attention.CreateCache(prompt + steps, sequences);
AttentionShape shape = attention.Shape;
Console.WriteLine($"{attention.Plan}\non {accelerator.Name}: {sequences} sequences, {cache.SizeInBytes >> 20} MiB of keys and values");

// The prompts: views are [sequences, tokens, heads, 128]. In a decoder the projections before would have left them on the device.
using Tensors prompts = new(accelerator, shape, sequences, prompt, seed: 1);
var watch = Stopwatch.StartNew();
attention.Attend(cache, prompts.Queries, prompts.Keys, prompts.Values, prompts.Output);
attention.Synchronize();
Console.WriteLine($"prefill: {sequences * prompt / watch.Elapsed.TotalSeconds:N0} tokens/s");

// A step of each sequence at a time; nothing waits until the last one is queued.
using Tensors token = new(accelerator, shape, sequences, 1, seed: 2);
watch.Restart();
for (int step = 0; step < steps; step++)
    attention.Attend(cache, token.Queries, token.Keys, token.Values, token.Output);
attention.Synchronize();
Console.WriteLine($"decode:  {sequences * steps / watch.Elapsed.TotalSeconds:N0} tokens/s over {cache.Lengths[0]} positions");

// The same in float64 on the CPU, for the last token of the first sequence.
float[] keys = [.. prompts.HostKeys.Take(prompt * shape.KeyValueWidth), .. Enumerable.Repeat(token.HostKeys.Take(shape.KeyValueWidth), steps).SelectMany(x => x)];
float[] values = [.. prompts.HostValues.Take(prompt * shape.KeyValueWidth), .. Enumerable.Repeat(token.HostValues.Take(shape.KeyValueWidth), steps).SelectMany(x => x)];
var expected = new double[shape.QueryWidth];
ReferenceAttention.Of(attention.Plan).Attend(token.HostQueries.AsSpan(0, shape.QueryWidth), keys, values, expected);
float[] output = new float[shape.QueryWidth];
token.Output.SubView(0, output.Length).CopyToCPU<float, ArrayView<float>>(accelerator.DefaultStream, output);
double difference = output.Zip(expected, (a, b) => Math.Abs(a - b)).Max();
Console.WriteLine($"within {difference:0e0} of the reference");
return difference < 1e-4 ? 0 : 1;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SlidingWindow(4096), Sinks(4), SoftCap(50f)]
[KvCache(KvFormat.Float16)]
sealed partial class Local;

/// <summary>Random tensors of some tokens, on both sides.</summary>
sealed class Tensors : IDisposable
{
    readonly MemoryBuffer1D<float, Stride1D.Dense>[] _buffers;

    public Tensors(Accelerator accelerator, AttentionShape shape, int sequences, int tokens, int seed)
    {
        var random = new Random(seed);
        HostQueries = Draw(shape.QueryWidth);
        HostKeys = Draw(shape.KeyValueWidth);
        HostValues = Draw(shape.KeyValueWidth);
        _buffers = [.. new[] { HostQueries, HostKeys, HostValues, HostQueries }.Select(Upload)];

        // Halves hold these exactly, as they do what a model in half precision computes.
        float[] Draw(int width) => [.. Enumerable.Range(0, sequences * tokens * width).Select(_ => random.Next(-64, 65) / 64f)];

        MemoryBuffer1D<float, Stride1D.Dense> Upload(float[] scalars)
        {
            MemoryBuffer1D<float, Stride1D.Dense> buffer = accelerator.Allocate1D<float>(scalars.Length);
            buffer.AsContiguous().CopyFromCPU<float, ArrayView<float>>(accelerator.DefaultStream, scalars);
            return buffer;
        }
    }

    public float[] HostQueries { get; }

    public float[] HostKeys { get; }

    public float[] HostValues { get; }

    public ArrayView<float> Queries => _buffers[0].AsContiguous();

    public ArrayView<float> Keys => _buffers[1].AsContiguous();

    public ArrayView<float> Values => _buffers[2].AsContiguous();

    public ArrayView<float> Output => _buffers[3].AsContiguous();

    public void Dispose()
    {
        foreach (MemoryBuffer1D<float, Stride1D.Dense> buffer in _buffers)
            buffer.Dispose();
    }
}
