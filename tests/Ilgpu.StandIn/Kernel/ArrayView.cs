using System.Runtime.CompilerServices;
using ILGPU.Runtime;

namespace ILGPU;

/// <summary>A part of a buffer, read as elements of one type. Unlike ILGPU's, every access is checked.</summary>
public readonly struct ArrayView<T> : IContiguousArrayView<T>
    where T : unmanaged
{
    readonly MemoryBuffer? _buffer;
    readonly long _offset; // in bytes

    internal ArrayView(MemoryBuffer? buffer, long offset, long length)
    {
        if (offset % Alignment != 0)
            throw new ArgumentException($"A view of {typeof(T).Name} has to begin at a multiple of {Alignment} bytes, not at {offset}.");
        (_buffer, _offset, Length) = (buffer, offset, length);
    }

    public bool IsValid => _buffer is not null;

    public long Length { get; }

    public int IntLength => checked((int)Length);

    public ref T this[int index] => ref this[(long)index];

    public unsafe ref T this[long index]
    {
        get
        {
            if ((ulong)index >= (ulong)Length)
                throw new IndexOutOfRangeException($"Index {index} is outside of a view of {Length} elements of {typeof(T).Name}.");
            return ref *((T*)(Address + _offset) + index);
        }
    }

    public ArrayView<T> SubView(long index) => SubView(index, Length - index);

    public ArrayView<T> SubView(int index, int subViewLength) => SubView((long)index, (long)subViewLength);

    public ArrayView<T> SubView(long index, long subViewLength)
    {
        if (index < 0 || subViewLength < 0 || index + subViewLength > Length)
            throw new IndexOutOfRangeException($"[{index}, {index + subViewLength}) is outside of a view of {Length} elements of {typeof(T).Name}.");
        return new(_buffer, _offset + index * Interop.SizeOf<T>(), subViewLength);
    }

    /// <summary>The same memory as elements of another type; a rest that fills none is left out.</summary>
    public ArrayView<TOther> Cast<TOther>()
        where TOther : unmanaged => new(_buffer, _offset, Length * Interop.SizeOf<T>() / Interop.SizeOf<TOther>());

    unsafe Span<byte> IContiguousArrayView.Bytes => _buffer is null ? default : new(Address + _offset, checked((int)(Length * Interop.SizeOf<T>())));

    unsafe byte* Address => (_buffer ?? throw new NullReferenceException("The view has no memory.")).Address;

    // A GPU faults on a load that is not aligned to its size; loads are 16 bytes at most.
    static int Alignment => Math.Min(16, Unsafe.SizeOf<T>() & -Unsafe.SizeOf<T>());
}
