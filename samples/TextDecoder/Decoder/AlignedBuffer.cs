using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TextDecoder.Decoder;

/// <summary>Zeroed memory that begins on a cache line and does not move: a wide vector load that straddles two lines costs two.</summary>
sealed unsafe class AlignedBuffer<T> where T : unmanaged
{
    const int CacheLine = 64;

    readonly T[] _array;
    readonly int _start;

    /// <param name="length">Number of elements, at most <see cref="MaxLength"/>.</param>
    public AlignedBuffer(int length)
    {
        _array = GC.AllocateArray<T>(length + (CacheLine / sizeof(T)), pinned: true);
        var address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_array));
        _start = (int)((CacheLine - (address % CacheLine)) % CacheLine) / sizeof(T);
        Length = length;
        Pointer = (T*)address + _start;
    }

    /// <summary>The longest buffer, which is one array.</summary>
    public static int MaxLength => Array.MaxLength - CacheLine;

    /// <summary>The first element, for as long as the buffer is referenced from somewhere.</summary>
    public T* Pointer { get; }

    public int Length { get; }

    public Span<T> Span => _array.AsSpan(_start, Length);

    public Span<T> Slice(int start, int length) => Span.Slice(start, length);
}
