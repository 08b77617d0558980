using System.Runtime.InteropServices;

namespace AttentionComposer.Benchmarks;

/// <summary>Native memory on 2 MiB pages where the system grants them: with 4 KiB pages a read limit is lower.</summary>
sealed unsafe partial class HugePageBuffer : IDisposable
{
    const nuint PageSize = 2 << 20;
    const int AdviseHugePages = 14;

    public HugePageBuffer(long floats)
    {
        Length = floats;
        nuint bytes = (nuint)(floats * sizeof(float));
        Pointer = (float*)NativeMemory.AlignedAlloc(bytes, PageSize);
        // Advice: where it is refused the memory works all the same.
        if (OperatingSystem.IsLinux())
            _ = Advise(Pointer, bytes, AdviseHugePages);
    }

    public float* Pointer { get; private set; }

    public long Length { get; }

    public ReadOnlySpan<float> Slice(long start, int length) => new(Pointer + start, length);

    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
