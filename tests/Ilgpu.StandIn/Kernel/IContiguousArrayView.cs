namespace ILGPU;

/// <summary>A view whose elements lie one behind the other.</summary>
public interface IContiguousArrayView
{
    internal Span<byte> Bytes { get; }
}

/// <summary>A view of elements of one type that lie one behind the other.</summary>
public interface IContiguousArrayView<T> : IContiguousArrayView
    where T : unmanaged;
