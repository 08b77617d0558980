using System.Runtime.InteropServices;

namespace ILGPU.Runtime;

/// <summary>Copies between the host and a device.</summary>
public static class ArrayViewExtensions
{
    /// <summary>Copies into the view, and waits.</summary>
    public static void CopyFromCPU<T, TView>(this TView target, AcceleratorStream stream, in ReadOnlySpan<T> span)
        where TView : IContiguousArrayView<T>
        where T : unmanaged
    {
        stream.Synchronize();
        MemoryMarshal.AsBytes(span).CopyTo(target.Bytes);
    }

    /// <summary>Copies out of the view's beginning, and waits.</summary>
    public static void CopyToCPU<T, TView>(this TView source, AcceleratorStream stream, in Span<T> span)
        where TView : IContiguousArrayView<T>
        where T : unmanaged
    {
        stream.Synchronize();
        Span<byte> bytes = MemoryMarshal.AsBytes(span);
        source.Bytes[..bytes.Length].CopyTo(bytes);
    }

    /// <summary>Sets all bytes to 0.</summary>
    public static void MemSetToZero<TView>(this TView view, AcceleratorStream stream)
        where TView : IContiguousArrayView => stream.Enqueue(() => view.Bytes.Clear());
}
