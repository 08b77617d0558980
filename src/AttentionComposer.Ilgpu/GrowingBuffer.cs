using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>A buffer that is replaced by a larger one when more is asked of it; its contents are not kept.</summary>
sealed class GrowingBuffer<T>(Accelerator accelerator, AcceleratorStream stream) : IDisposable
    where T : unmanaged
{
    MemoryBuffer1D<T, Stride1D.Dense>? _buffer;

    /// <summary>The first <paramref name="length"/> elements; at least one.</summary>
    public ArrayView<T> View(long length)
    {
        if (_buffer is null || _buffer.Length < length)
        {
            stream.Synchronize(); // queued work still uses the old one
            _buffer?.Dispose();
            _buffer = null;
            _buffer = accelerator.Allocate1D<T>(length);
        }

        return _buffer.AsContiguous().SubView(0, length);
    }

    public void Dispose() => _buffer?.Dispose();
}

/// <summary>A captured table on the device, copied there when it differs from what is there.</summary>
sealed class DeviceTable<T>(Accelerator accelerator, AcceleratorStream stream) : IDisposable
    where T : unmanaged
{
    readonly GrowingBuffer<T> _buffer = new(accelerator, stream);
    T[] _present = [];

    /// <summary>The table; one element of no meaning if it is empty, since no view may be.</summary>
    public ArrayView<T> View => _buffer.View(Math.Max(1, _present.Length));

    public void Update(ReadOnlySpan<T> elements)
    {
        if (elements.SequenceEqual(_present))
            return;
        _present = elements.ToArray();
        View.CopyFromCPU<T, ArrayView<T>>(stream, _present);
    }

    public void Dispose() => _buffer.Dispose();
}
