using System.Runtime.InteropServices;

namespace ILGPU.Runtime;

/// <summary>Memory of a device. It starts full of NaN bits: a device clears nothing.</summary>
public abstract unsafe class MemoryBuffer : AcceleratorObject
{
    const int Alignment = 256; // as cuMemAlloc

    byte* _address;

    private protected MemoryBuffer(Accelerator? accelerator, long length, int elementSize)
        : base(accelerator)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        (Length, ElementSize) = (length, elementSize);
        _address = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(LengthInBytes, 1), Alignment);
        NativeMemory.Fill(_address, (nuint)LengthInBytes, 0xff);
    }

    public long Length { get; }

    public int ElementSize { get; }

    public long LengthInBytes => Length * ElementSize;

    internal byte* Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_address is null, this);
            return _address;
        }
    }

    private protected override void Dispose(bool disposing)
    {
        if (_address is null)
            return;
        if (Accelerator is not null)
            Accelerator.Synchronize(); // as cuMemFree
        NativeMemory.AlignedFree(_address);
        _address = null;
    }
}

/// <summary>A buffer of elements of one type, one behind the other.</summary>
public class MemoryBuffer1D<T, TStride> : MemoryBuffer
    where T : unmanaged
    where TStride : struct
{
    internal MemoryBuffer1D(Accelerator? accelerator, long length)
        : base(accelerator, length, Interop.SizeOf<T>())
    {
    }

    public ArrayView<T> AsContiguous() => new(this, 0, Length);
}
