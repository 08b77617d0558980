using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using AttentionComposer.Ilgpu.Kernels;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>A kernel as the driver gets it.</summary>
sealed partial class Ptx(string name, string text)
{
    const int MostSpills = 128; // bytes: a few variables of the whole kernel, not of its loop

    /// <summary>Compiles a kernel that is explicitly grouped.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="groups">Groups of threads that a multiprocessor should hold at once, where they bound the registers.</param>
    public static Ptx Of(MethodInfo kernel, int? groups = null)
    {
        using Context context = Context.Create(builder => builder.ForAttention());
        using var backend = new PTXBackend(
            context, new CudaCapabilityContext(CudaArchitecture.SM_90), CudaArchitecture.SM_90, CudaInstructionSet.ISA_78, null);
        var compiled = (PTXCompiledKernel)backend.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(kernel), groups is null ? default : new KernelSpecialization(DeviceTraits.GroupThreads, groups));
        return new Ptx($"{kernel.DeclaringType!.Name}.{kernel.Name}", compiled.PTXAssembly);
    }

    /// <summary>How often an instruction occurs, for instance <c>ld.global.v4</c>.</summary>
    public int Count(string instruction) => Regex.Count(text, $@"^\s*(@!?%p\d+\s+)?{Regex.Escape(instruction)}\b", RegexOptions.Multiline);

    /// <summary>No local memory, no calls.</summary>
    public void CheckStaysInRegisters()
    {
        Assert.False(LocalMemory().IsMatch(text), $"{name} uses local memory:\n{text}");
        CheckCalls();
    }

    /// <summary>No calls.</summary>
    public void CheckCalls() => Assert.False(Call().IsMatch(text), $"{name} calls functions:\n{text}");

    /// <summary>NVIDIA's assembler has registers for everything, where it is there: on the path, or as the environment variable PTXAS says.</summary>
    public void CheckSpills()
    {
        if (Assembler is null)
            return;
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            using var process = Process.Start(new ProcessStartInfo(Assembler, ["-arch=sm_90", "-v", file, "-o", "/dev/null"]) { RedirectStandardError = true })!;
            string report = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Match spills = Spills().Match(report);
            Assert.True(process.ExitCode == 0 && spills.Success, $"ptxas refuses {name}:\n{report}");
            Assert.True(int.Parse(spills.Groups[1].Value, CultureInfo.InvariantCulture) <= MostSpills, $"{name} spills registers:\n{report}");
        }
        finally
        {
            File.Delete(file);
        }
    }

    static string? Assembler { get; } = Environment.GetEnvironmentVariable("PTXAS")
        ?? Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "ptxas")).FirstOrDefault(File.Exists);

    [GeneratedRegex(@"(\d+) bytes spill stores")]
    private static partial Regex Spills();

    /// <summary>Every load and store names its address space: generic ones are slower.</summary>
    public void CheckAddressSpaces() => Assert.False(GenericAccess().IsMatch(text), $"{name} accesses memory by generic addresses:\n{text}");

    [GeneratedRegex(@"^\s*\.local\b|\b(ld|st)\.local\b", RegexOptions.Multiline)]
    private static partial Regex LocalMemory();

    [GeneratedRegex(@"^\s*(@!?%p\d+\s+)?call\b", RegexOptions.Multiline)]
    private static partial Regex Call();

    [GeneratedRegex(@"^\s*(@!?%p\d+\s+)?(ld|st)\.(v[24]\.)?[bfsu]\d+\b", RegexOptions.Multiline)]
    private static partial Regex GenericAccess();
}
