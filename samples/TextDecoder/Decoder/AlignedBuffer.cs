using System.Runtime.InteropServices;

namespace TextDecoder.Decoder;

/// <summary>
/// Zeroed memory that begins on a cache line and does not move. A wide vector load that straddles two lines costs two, and arrays
/// end at 2³¹ elements.
/// </summary>
sealed unsafe class AlignedBuffer<T> where T : unmanaged
{
    const nuint CacheLine = 64;

    public AlignedBuffer(long length)
    {
        nuint bytes = checked((nuint)length * (nuint)sizeof(T));
        Length = length;
        Pointer = (T*)NativeMemory.AlignedAlloc(Math.Max(bytes, 1), CacheLine);
        NativeMemory.Clear(Pointer, bytes);
        GC.AddMemoryPressure(Math.Max((long)bytes, 1));
    }

    /// <summary>Whoever computes with the pointer keeps the buffer alive.</summary>
    public T* Pointer { get; }

    public long Length { get; }

    public Span<T> Span => new(Pointer, checked((int)Length));

    public Span<T> Slice(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return new(Pointer + start, length);
    }

    ~AlignedBuffer()
    {
        NativeMemory.AlignedFree(Pointer);
        GC.RemoveMemoryPressure(Math.Max(Length * sizeof(T), 1));
    }
}
