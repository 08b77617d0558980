using System.Runtime.InteropServices;

namespace AttentionComposer.Benchmarks;

/// <summary>
/// Keeps the process on a fixed set of cores, so that the limits, the kernels and the peers compete for the same ones.
/// Linux only; elsewhere the threads go where the system puts them.
/// </summary>
static unsafe partial class ProcessorAffinity
{
    const int MaskBytes = 128;

    /// <summary>
    /// Keeps the calling thread, and every thread it starts from now on, to the first <paramref name="count"/> cores that the
    /// process may use (<c>taskset -c</c> before the command chooses others).
    /// </summary>
    /// <returns>The cores, in order; empty where pinning is not to be had.</returns>
    public static int[] KeepTo(int count)
    {
        int[] allowed = Allowed();
        if (allowed.Length < count)
            return [];
        int[] cores = allowed[..count];
        return Set(cores) ? cores : [];
    }

    /// <summary>Pins the calling thread to one core.</summary>
    public static void Pin(int core) => Set([core]);

    static int[] Allowed()
    {
        if (!OperatingSystem.IsLinux())
            return [];
        Span<byte> mask = stackalloc byte[MaskBytes];
        mask.Clear();
        fixed (byte* bits = mask)
        {
            if (GetAffinity(0, MaskBytes, bits) != 0)
                return [];
        }
        var cores = new List<int>();
        for (int core = 0; core < MaskBytes * 8; core++)
        {
            if ((mask[core / 8] >> (core % 8) & 1) != 0)
                cores.Add(core);
        }
        return [.. cores];
    }

    static bool Set(ReadOnlySpan<int> cores)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        Span<byte> mask = stackalloc byte[MaskBytes];
        mask.Clear();
        foreach (int core in cores)
            mask[core / 8] |= (byte)(1 << (core % 8));
        fixed (byte* bits = mask)
            return SetAffinity(0, MaskBytes, bits) == 0;
    }

    // Process id 0 is the calling thread.
    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinityRaw(int thread, nuint bytes, byte* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint bytes, byte* mask);

    // glibc's wrapper returns 0, musl's the number of bytes.
    static int GetAffinity(int thread, nuint bytes, byte* mask) => GetAffinityRaw(thread, bytes, mask) >= 0 ? 0 : -1;
}
