using AttentionComposer.Ilgpu.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>The keys and values of several sequences in one layer, in a device's memory. Made by <see cref="DeviceAttention.CreateCache"/>.</summary>
/// <remarks>
/// Keys and values are <c>[sequences, KeyValueHeads, capacity, row]</c> each, a row being the head size in the cache's format, rounded up to 16 bytes. The capacity is the same for all
/// sequences; lengths may differ: <see cref="Part"/> appends to some of them.
/// </remarks>
public sealed class DeviceKvCache : IDisposable
{
    readonly Storage _storage;
    readonly int _first;

    internal DeviceKvCache(Accelerator accelerator, AttentionShape shape, KvFormat format, int capacity, int sequences)
        : this(new Storage(accelerator, shape, format, capacity, sequences), 0, sequences)
    {
    }

    DeviceKvCache(Storage storage, int first, int sequences) => (_storage, _first, Sequences) = (storage, first, sequences);

    /// <summary>Head counts and head size of the pipeline that made the cache.</summary>
    public AttentionShape Shape => _storage.Shape;

    /// <summary>How keys and values are stored.</summary>
    public KvFormat Format => _storage.Format;

    /// <summary>The largest number of positions of a sequence.</summary>
    public int Capacity => _storage.Capacity;

    /// <summary>Number of sequences.</summary>
    public int Sequences { get; }

    /// <summary>Positions of each sequence.</summary>
    public ReadOnlySpan<int> Lengths => _storage.Lengths.AsSpan(_first, Sequences);

    /// <summary>Bytes that the keys and values of these sequences take on the device.</summary>
    public long SizeInBytes => _storage.Disposed ? 0 : 2 * (long)Sequences * _storage.SequenceChunks * Storage.ChunkBytes;

    /// <summary>Some of the sequences as a cache of their own, in the same memory, which stays with the whole cache.</summary>
    /// <param name="first">The first sequence.</param>
    /// <param name="sequences">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no such sequences.</exception>
    public DeviceKvCache Part(int first, int sequences = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(sequences, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sequences, Sequences - first);
        return new DeviceKvCache(_storage, _first + first, sequences);
    }

    /// <summary>Forgets, in each sequence, all positions from <paramref name="length"/> on, as after rejected speculation.</summary>
    /// <param name="length">The new length, at most that of the shortest sequence.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative or above a sequence's length.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public void Truncate(int length)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        foreach (int present in Lengths)
            ArgumentOutOfRangeException.ThrowIfGreaterThan(length, present);
        SetLengths(length);
    }

    /// <summary>Forgets everything; memory is kept.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public void Clear()
    {
        ThrowIfDisposed();
        SetLengths(0);
    }

    /// <summary>Frees the memory. Later calls with this cache, or with a part of it, are refused. Disposing of a part does nothing.</summary>
    public void Dispose()
    {
        if (Sequences == _storage.Lengths.Length)
            _storage.Dispose();
    }

    internal Accelerator Accelerator => _storage.Accelerator;

    /// <summary>16-byte chunks in a row.</summary>
    internal int RowChunks => _storage.RowChunks;

    /// <summary>Rows of a head: at least one, since no view may be empty.</summary>
    internal int Rows => _storage.Rows;

    internal ArrayView<Chunk> Keys => PartOf(_storage.Keys);

    internal ArrayView<Chunk> Values => PartOf(_storage.Values);

    internal ReadOnlySpan<int> CheckedLengths
    {
        get
        {
            ThrowIfDisposed();
            return Lengths;
        }
    }

    /// <summary>The sequences' lengths on the device, as work that is queued on the stream from now on finds them.</summary>
    internal ArrayView<int> DeviceLengths(AcceleratorStream stream)
    {
        if (_storage.LengthsChanged)
        {
            _storage.DeviceLengths.AsContiguous().CopyFromCPU<int, ArrayView<int>>(stream, _storage.Lengths);
            _storage.LengthsChanged = false;
        }

        return _storage.DeviceLengths.AsContiguous().SubView(_first, Sequences);
    }

    /// <summary>Counts positions that the device counts too.</summary>
    internal void Grow(int tokens)
    {
        foreach (ref int length in _storage.Lengths.AsSpan(_first, Sequences))
            length += tokens;
    }

    /// <summary>Forgets the newest positions of each sequence.</summary>
    internal void TakeBack(int tokens)
    {
        Grow(-tokens);
        _storage.LengthsChanged = true;
    }

    void SetLengths(int length)
    {
        _storage.Lengths.AsSpan(_first, Sequences).Fill(length);
        _storage.LengthsChanged = true;
    }

    ArrayView<Chunk> PartOf(MemoryBuffer1D<Chunk, Stride1D.Dense> buffer) =>
        buffer.AsContiguous().SubView(_first * _storage.SequenceChunks, Sequences * _storage.SequenceChunks);

    void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_storage.Disposed, this);

    /// <summary>What a cache and its parts have in common.</summary>
    sealed class Storage : IDisposable
    {
        public const int ChunkBytes = 16;

        public Storage(Accelerator accelerator, AttentionShape shape, KvFormat format, int capacity, int sequences)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(capacity);
            ArgumentOutOfRangeException.ThrowIfLessThan(sequences, 1);
            (Accelerator, Shape, Format, Capacity) = (accelerator, shape, format, capacity);
            Rows = Math.Max(1, capacity);
            RowChunks = (shape.HeadDim * (format == KvFormat.Float32 ? 4 : 2) + ChunkBytes - 1) / ChunkBytes;
            SequenceChunks = (long)shape.KeyValueHeads * Rows * RowChunks;
            Lengths = new int[sequences];
            LengthsChanged = true;
            Keys = accelerator.Allocate1D<Chunk>(sequences * SequenceChunks);
            Values = accelerator.Allocate1D<Chunk>(sequences * SequenceChunks);
            DeviceLengths = accelerator.Allocate1D<int>(sequences);
        }

        public Accelerator Accelerator { get; }

        public AttentionShape Shape { get; }

        public KvFormat Format { get; }

        public int Capacity { get; }

        public int Rows { get; }

        public int RowChunks { get; }

        public long SequenceChunks { get; }

        public MemoryBuffer1D<Chunk, Stride1D.Dense> Keys { get; }

        public MemoryBuffer1D<Chunk, Stride1D.Dense> Values { get; }

        public int[] Lengths { get; }

        public MemoryBuffer1D<int, Stride1D.Dense> DeviceLengths { get; }

        /// <summary>Whether the host has changed lengths of which the device does not know.</summary>
        public bool LengthsChanged { get; set; }

        public bool Disposed { get; private set; }

        public void Dispose()
        {
            Disposed = true;
            Keys.Dispose();
            Values.Dispose();
            DeviceLengths.Dispose();
        }
    }
}
