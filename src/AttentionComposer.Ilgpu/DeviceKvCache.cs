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

    internal DeviceKvCache(Accelerator accelerator, DeviceCacheKind kind, int capacity, int sequences, ReadOnlySpan<int> labels)
        : this(new Storage(accelerator, kind, capacity, sequences, labels), 0, sequences)
    {
    }

    DeviceKvCache(Storage storage, int first, int sequences) => (_storage, _first, Sequences) = (storage, first, sequences);

    /// <summary>Head counts and head size of the pipeline that made the cache.</summary>
    public AttentionShape Shape => Kind.Shape;

    /// <summary>How keys and values are stored.</summary>
    public KvFormat Format => Kind.Format;

    /// <summary>The largest number of positions of a sequence.</summary>
    public int Capacity => _storage.Capacity;

    /// <summary>Number of sequences.</summary>
    public int Sequences { get; }

    /// <summary>Positions of each sequence.</summary>
    public ReadOnlySpan<int> Lengths => _storage.Lengths.AsSpan(_first, Sequences);

    /// <summary>
    /// Where each sequence's context ends, for pipelines with <see cref="StarAttribute"/>: positions below are context. Until it is set, everything is. Other pipelines do not use it.
    /// </summary>
    public ReadOnlySpan<int> ContextLengths => (int[])[.. Enumerable.Range(0, Sequences).Select(ContextLengthOf)];

    /// <summary>Bytes that the keys and values of these sequences, and what a selection keeps beside them, take on the device.</summary>
    public long SizeInBytes => _storage.Disposed ? 0 : Sequences * _storage.SequenceBytes;

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

    /// <summary>Ends each sequence's context here: what is appended from now on sees all of it.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public void EndContext()
    {
        ThrowIfDisposed();
        Lengths.CopyTo(_storage.ContextLengths.AsSpan(_first, Sequences));
    }

    /// <summary>Ends each sequence's context at a position.</summary>
    /// <param name="length">The context's positions, at most those of the shortest sequence.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative or above a sequence's length.</exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public void EndContextAt(int length)
    {
        ThrowIfDisposed();
        CheckLength(length);
        _storage.ContextLengths.AsSpan(_first, Sequences).Fill(length);
    }

    /// <summary>Forgets, in each sequence, all positions from <paramref name="length"/> on, as after rejected speculation.</summary>
    /// <param name="length">The new length, at most that of the shortest sequence.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative or above a sequence's length.</exception>
    /// <exception cref="InvalidOperationException">
    /// What queries from that length on did to the scores of <see cref="HeavyHittersAttribute"/> is too long ago to be taken back.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public void Truncate(int length)
    {
        ThrowIfDisposed();
        CheckLength(length);
        foreach (ref EvictionState state in EvictionStates)
        {
            if (!state.CanGoBackTo(length))
                throw new InvalidOperationException(
                    $"The scores of keys cannot go back to {length} positions: only what the newest {EvictionKernel.Undoable} queries did can be taken back, and no call of more. " +
                    "Clear the cache and attend again, or truncate to 0.");
        }

        SetLengths(length);
    }

    /// <summary>Forgets everything, the ends of contexts included; memory is kept.</summary>
    /// <exception cref="ObjectDisposedException">The cache is disposed.</exception>
    public void Clear()
    {
        ThrowIfDisposed();
        SetLengths(0);
        _storage.ContextLengths.AsSpan(_first, Sequences).Fill(int.MaxValue);
    }

    /// <summary>Frees the memory. Later calls with this cache, or with a part of it, are refused. Disposing of a part does nothing.</summary>
    public void Dispose()
    {
        if (Sequences == _storage.Lengths.Length)
            _storage.Dispose();
    }

    internal Accelerator Accelerator => _storage.Accelerator;

    internal DeviceCacheKind Kind => _storage.Kind;

    /// <summary>16-byte chunks in a row.</summary>
    internal int RowChunks => _storage.RowChunks;

    /// <summary>Rows of a head: at least one, since no view may be empty.</summary>
    internal int Rows => _storage.Rows;

    internal ArrayView<Chunk> Keys => PartOf(_storage.Keys);

    internal ArrayView<Chunk> Values => PartOf(_storage.Values);

    /// <summary>The keys, or the bounds of their pages, channel by channel: <see cref="DeviceSelection.Columns"/>. Without either, memory of no meaning, since no view may be empty.</summary>
    internal ArrayView<Chunk> Columns => PartOf(_storage.Columns ?? _storage.Keys);

    /// <summary>Which channels the columns of keys are: <see cref="ColumnCall.Channels"/>.</summary>
    internal ArrayView<int> ColumnChannels => _storage.ColumnChannels!.AsContiguous();

    /// <summary>The channels of labels, <c>[KeyValueHeads, LabelRank]</c>; empty without.</summary>
    internal ReadOnlySpan<int> Labels => _storage.Labels;

    /// <summary>Chunks of a column.</summary>
    internal int ColumnChunks => _storage.ColumnChunks;

    /// <summary>Sums of the values in whole blocks of positions: <see cref="RemainderCall.BlockSums"/>.</summary>
    internal ArrayView<float> BlockSums => PartOf(_storage.BlockSums!);

    /// <summary>Blocks of positions of a head.</summary>
    internal int Blocks => _storage.Blocks;

    /// <summary>The weights that keys have received, on the device.</summary>
    internal DeviceEviction Eviction => _storage.Eviction!.Of(_first, Sequences, Rows);

    /// <summary>What the host knows of them, a sequence each; empty where nothing is evicted.</summary>
    internal Span<EvictionState> EvictionStates => _storage.Eviction is { } eviction ? eviction.States.AsSpan(_first, Sequences) : default;

    /// <summary>How many positions of each sequence the bounds of pages know.</summary>
    internal Span<int> BoundedLengths => _storage.BoundedLengths.AsSpan(_first, Sequences);

    internal int ContextLengthOf(int sequence) => Math.Min(_storage.ContextLengths[_first + sequence], Lengths[sequence]);

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

    /// <summary>Forgets the newest positions of each sequence, and what their queries did, as when a call is refused halfway.</summary>
    /// <param name="tokens">Positions of each sequence.</param>
    /// <param name="before">The sequences' states from before the call.</param>
    internal void TakeBack(int tokens, ReadOnlySpan<EvictionState> before)
    {
        Grow(-tokens);
        for (int i = 0; i < before.Length; i++)
            EvictionStates[i].TakeBackTo(before[i], Lengths[i], Lengths[i] + tokens);
        ForgetBounds();
        _storage.LengthsChanged = true;
    }

    void CheckLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        foreach (int present in Lengths)
            ArgumentOutOfRangeException.ThrowIfGreaterThan(length, present);
    }

    void SetLengths(int length)
    {
        for (int i = 0; i < EvictionStates.Length; i++)
            EvictionStates[i].Truncate(length, Lengths[i]);
        _storage.Lengths.AsSpan(_first, Sequences).Fill(length);
        ForgetBounds();
        _storage.LengthsChanged = true;
    }

    // A page that has lost keys is bounded afresh.
    void ForgetBounds()
    {
        Span<int> bounded = BoundedLengths;
        for (int i = 0; i < bounded.Length; i++)
            if (Lengths[i] < bounded[i])
                bounded[i] = Lengths[i] / Kind.PageSize * Kind.PageSize;
    }

    ArrayView<T> PartOf<T>(MemoryBuffer1D<T, Stride1D.Dense> buffer)
        where T : unmanaged
    {
        long sequence = buffer.Length / _storage.Lengths.Length;
        return buffer.AsContiguous().SubView(_first * sequence, Sequences * sequence);
    }

    void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_storage.Disposed, this);

    /// <summary>What a cache and its parts have in common.</summary>
    sealed class Storage : IDisposable
    {
        public Storage(Accelerator accelerator, DeviceCacheKind kind, int capacity, int sequences, ReadOnlySpan<int> labels)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(capacity);
            ArgumentOutOfRangeException.ThrowIfLessThan(sequences, 1);
            (Accelerator, Kind, Capacity) = (accelerator, kind, capacity);
            Rows = Math.Max(1, capacity);
            Lengths = new int[sequences];
            BoundedLengths = new int[sequences];
            ContextLengths = new int[sequences];
            Array.Fill(ContextLengths, int.MaxValue);
            LengthsChanged = true;
            Labels = labels.ToArray();

            long heads = (long)sequences * kind.Shape.KeyValueHeads;
            RowChunks = Chunks(kind.Shape.HeadDim, kind.ChunkScalars);
            Keys = accelerator.Allocate1D<Chunk>(heads * Rows * RowChunks);
            Values = accelerator.Allocate1D<Chunk>(heads * Rows * RowChunks);
            DeviceLengths = accelerator.Allocate1D<int>(sequences);
            if (kind.KeyColumns)
            {
                ColumnChunks = Chunks(Rows, kind.ChunkScalars);
                Columns = accelerator.Allocate1D<Chunk>(heads * kind.Columns * ColumnChunks);
                int[] channels = labels.IsEmpty ? [.. Enumerable.Range(0, kind.Shape.KeyValueWidth).Select(i => i % kind.Shape.HeadDim)] : Labels;
                ColumnChannels = accelerator.Allocate1D<int>(channels.Length);
                ColumnChannels.AsContiguous().CopyFromCPU<int, ArrayView<int>>(accelerator.DefaultStream, channels);
                accelerator.DefaultStream.Synchronize(); // calls may be queued on other streams
            }

            if (kind.PageSize > 0)
            {
                ColumnChunks = Chunks(Chunks(Rows, kind.PageSize), PageKernel.ChunkPages);
                Columns = accelerator.Allocate1D<Chunk>(heads * kind.Shape.HeadDim * 2 * ColumnChunks);
            }

            if (kind.KeptKeys > 0)
                Eviction = new(accelerator, kind.Shape, sequences, Rows);
            if (kind.ValueMean)
            {
                Blocks = Chunks(Rows, RemainderKernel.BlockPositions);
                BlockSums = accelerator.Allocate1D<float>(heads * Blocks * kind.Shape.HeadDim);
            }
        }

        public Accelerator Accelerator { get; }

        public DeviceCacheKind Kind { get; }

        public int Capacity { get; }

        public int Rows { get; }

        public int RowChunks { get; }

        public int ColumnChunks { get; }

        public int Blocks { get; }

        public long SequenceBytes =>
            (Keys.LengthInBytes + Values.LengthInBytes + (Columns?.LengthInBytes ?? 0) + (BlockSums?.LengthInBytes ?? 0) + (Eviction?.LengthInBytes ?? 0)) / Lengths.Length;

        public MemoryBuffer1D<Chunk, Stride1D.Dense> Keys { get; }

        public MemoryBuffer1D<Chunk, Stride1D.Dense> Values { get; }

        public MemoryBuffer1D<Chunk, Stride1D.Dense>? Columns { get; }

        public MemoryBuffer1D<int, Stride1D.Dense>? ColumnChannels { get; }

        public MemoryBuffer1D<float, Stride1D.Dense>? BlockSums { get; }

        public int[] Labels { get; }
        public EvictionMemory? Eviction { get; }

        public int[] Lengths { get; }

        public int[] BoundedLengths { get; }

        public int[] ContextLengths { get; }

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
            Columns?.Dispose();
            ColumnChannels?.Dispose();
            BlockSums?.Dispose();
            Eviction?.Dispose();
        }

        static int Chunks(int scalars, int chunk) => (scalars + chunk - 1) / chunk;
    }
}
