using System.Runtime.InteropServices;

namespace AttentionComposer.Caches;

/// <summary>
/// Memory outside the managed heap, aligned for vectors and, when large, for huge pages: a decode step walks the whole cache,
/// and with 4 KiB pages it spends much of its time in address translation. Fresh memory is not cleared.
/// </summary>
sealed unsafe partial class NativeBuffer : IDisposable
{
    const nuint HugePage = 2 << 20;
    const int AdviseHugePage = 14; // MADV_HUGEPAGE

    public NativeBuffer(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        SizeInBytes = bytes;
        if (bytes == 0)
            return;

        nuint alignment = bytes >= (long)HugePage ? HugePage : 64;
        nuint padded = ((nuint)bytes + alignment - 1) / alignment * alignment;
        Pointer = (byte*)NativeMemory.AlignedAlloc(padded, alignment);
        if (alignment == HugePage && OperatingSystem.IsLinux())
            _ = Advise(Pointer, padded, AdviseHugePage); // advice: where the kernel declines it, pages are small and all else is the same
        GC.AddMemoryPressure(bytes);
    }

    ~NativeBuffer() => Free();

    public byte* Pointer { get; private set; }

    public long SizeInBytes { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    void Free()
    {
        if (Pointer == null)
            return;
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
        GC.RemoveMemoryPressure(SizeInBytes);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
