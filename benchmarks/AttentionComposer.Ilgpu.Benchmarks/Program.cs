using System.CommandLine;
using System.Globalization;
using AttentionComposer.Ilgpu;
using AttentionComposer.Ilgpu.Benchmarks;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

var cpu = new Option<bool>("--cpu") { Description = "Small sizes on the CPU, to see that everything runs." };
var checks = new Option<int?>("--checks") { Description = "Check every nth case before anything is timed; 0 checks none. Default: 1, on the CPU 25." };
checks.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int?>() < 0)
        result.AddError("--checks is a number from 0 on.");
});
var classes = new Option<string>("--classes") { Description = "Check only classes of tests whose names contain this, and time nothing.", DefaultValueFactory = _ => "" };

var root = new RootCommand("Checks attention kernels on a card, then times them beside a copy, and beside torch where python3 has it.") { cpu, checks, classes };
root.SetAction(parsed =>
{
    CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
    bool onCpu = parsed.GetValue(cpu);
    using Context context = Context.Create(builder => _ = onCpu ? builder.ForAttention().CPU(new CPUDevice(32, 8, 1)) : builder.ForAttention().Cuda());
    using Accelerator accelerator = context.GetPreferredDevice(preferCPU: onCpu).CreateAccelerator(context);
    if (!onCpu && accelerator.AcceleratorType == AcceleratorType.CPU)
    {
        Console.Error.WriteLine("ILGPU finds no card (is libcuda.so.1 there?). --cpu runs small sizes on the CPU.");
        return 1;
    }

    Console.WriteLine($"{accelerator.Name}, {accelerator.NumMultiprocessors} multiprocessors");
    string only = parsed.GetValue(classes)!;
    int every = parsed.GetValue(checks) ?? (onCpu ? 25 : 1);
    if (every > 0 && !DeviceChecks.Run(accelerator, every, only))
        return 1;
    if (only.Length == 0)
        Timings.Print(accelerator, onCpu);
    return 0;
});
return root.Parse(args).Invoke();
