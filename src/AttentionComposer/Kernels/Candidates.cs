using System.ComponentModel;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>
/// The candidates of one selection, chunk by chunk: a kernel writes their scores and weighs them; afterwards the newest and the best are chosen.
/// </summary>
/// <remarks>
/// Weights are <c>2^(score - m)</c> with m the row's largest score so far, which is noted for each chunk: so the softmax over all candidates costs one
/// exponential each, and choosing only multiplies.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public ref struct Candidates
{
    /// <summary>Candidates in one chunk, at most: the scores of a group's heads stay in the first cache.</summary>
    public const int ChunkKeys = 1024;

    // Kernels read the list of chosen keys in tiles and prefetch a block ahead.
    const int ListPadding = 96;

    const int RangeFloats = 4; // a key range's size

    readonly SelectionCall _selection;
    readonly Span<float> _scores;       // [chunks or 1, Rows, ChunkKeys]
    readonly Span<float> _groupScores;  // [chunks or 1, ChunkKeys]
    readonly Span<int> _firstKeys;      // [chunks]
    readonly Span<int> _counts;         // [chunks]
    readonly Span<float> _chunkMaxima;  // [chunks, Rows]
    readonly Span<float> _maxima;       // [Rows]
    readonly Span<float> _sums;         // [Rows]
    readonly Span<float> _mass;         // [Rows]
    readonly Span<float> _bestScores;
    readonly Span<int> _bestIndices;
    readonly Span<int> _positions;
    readonly Span<int> _slots;
    readonly Span<KeyRange> _ranges;
    readonly Span<float> _kept;         // [group, sums, maximum, weight] where heads choose apart
    int _chunks;
    int _row;                           // the head that chooses, where heads choose apart

    /// <summary>Starts without candidates.</summary>
    public Candidates(in SelectionCall selection)
    {
        _selection = selection;
        SelectionTraits traits = selection.Traits;
        int chunks = Chunks(VisibleKeys(selection.Call.Ranges), selection.Call.Ranges.Length);
        Span<float> rest = selection.Scratch;
        _scores = Take(ref rest, ScoreFloats(traits, chunks));
        _groupScores = Take(ref rest, GroupScoreFloats(traits, chunks));
        _firstKeys = Integers(Take(ref rest, chunks));
        _counts = Integers(Take(ref rest, chunks));
        _chunkMaxima = Take(ref rest, chunks * traits.Rows);
        _maxima = Take(ref rest, traits.Rows);
        _sums = Take(ref rest, traits.Rows);
        _mass = Take(ref rest, traits.Rows);
        _bestScores = Take(ref rest, TopScores.Capacity(traits.Keep))[..TopScores.Capacity(traits.Keep)];
        _bestIndices = Integers(Take(ref rest, TopScores.Capacity(traits.Keep)))[..TopScores.Capacity(traits.Keep)];
        _positions = Integers(Take(ref rest, (int)traits.KeepKeys + ListPadding));
        _slots = Integers(Take(ref rest, (int)traits.KeepKeys + ListPadding));
        _ranges = MemoryMarshal.Cast<float, KeyRange>(Take(ref rest, RangeFloats * (int)traits.KeepKeys));
        Channels = Integers(Take(ref rest, PaddedRank(traits.Rank)));
        ChannelQueries = Take(ref rest, traits.Rows * PaddedRank(traits.Rank));
        _kept = Take(ref rest, KeptFloats(traits, selection.Cache.Kind.RowStride, selection.Cache.Shape.GroupSize));
        _maxima.Fill(float.NegativeInfinity);
        _sums.Clear();
        _mass.Fill(1);
    }

    /// <summary>The channels that a scorer reads, padded to a multiple of 8 with the last one.</summary>
    public Span<int> Channels { get; }

    /// <summary>The queries in these channels, times a row's factor: <c>[Rows, PaddedRank]</c>, 0 in the padding.</summary>
    public Span<float> ChannelQueries { get; }

    /// <summary>The chosen keys' number.</summary>
    public int Count { get; private set; }

    /// <summary>The chosen keys' positions, ascending.</summary>
    public readonly ref int Positions => ref MemoryMarshal.GetReference(_positions);

    /// <summary>The chosen keys' slots in the cache, in the order of the positions; the last one repeats behind them.</summary>
    public readonly ref int Slots => ref MemoryMarshal.GetReference(_slots);

    /// <summary>Each row's largest score so far.</summary>
    public readonly ref float Maxima => ref MemoryMarshal.GetReference(_maxima);

    /// <summary>Each row's sum of weights so far, relative to its largest score.</summary>
    public readonly ref float Sums => ref MemoryMarshal.GetReference(_sums);

    /// <summary>The rows' largest scores as of the present chunk.</summary>
    public readonly ref float ChunkMaxima => ref _chunkMaxima[(_chunks - 1) * _selection.Traits.Rows];

    /// <summary>The present chunk's scores, summed over the group.</summary>
    public readonly ref float GroupScores => ref _groupScores[(_selection.Traits.ByProbability || _selection.Traits.PerHead ? 0 : _chunks - 1) * ChunkKeys];

    /// <summary>Scratch memory for the candidates among so many visible keys, in floats.</summary>
    internal static long ScratchFloats(SelectionTraits traits, AttentionShape shape, int visibleKeys, int ranges)
    {
        int chunks = Chunks(visibleKeys, ranges);
        return Padded(ScoreFloats(traits, chunks)) + Padded(GroupScoreFloats(traits, chunks)) + 2 * Padded(chunks) + Padded(chunks * traits.Rows)
            + 3 * Padded(traits.Rows) + 2 * Padded(TopScores.Capacity(traits.Keep)) + 2 * Padded((int)traits.KeepKeys + ListPadding)
            + Padded(KeptFloats(traits, shape.RowStride, shape.GroupSize)) + Padded(RangeFloats * (int)traits.KeepKeys) + Padded(PaddedRank(traits.Rank)) + Padded(traits.Rows * PaddedRank(traits.Rank));
    }

    internal static int VisibleKeys(ReadOnlySpan<KeyRange> ranges)
    {
        int count = 0;
        foreach (KeyRange range in ranges)
            count += range.Count;
        return count;
    }

    /// <summary>Starts a chunk.</summary>
    /// <param name="firstKey">Position of its first key.</param>
    /// <param name="count">Number of keys, at most <see cref="ChunkKeys"/>.</param>
    /// <returns>Where its scores go: <c>[Rows, ChunkKeys]</c>.</returns>
    public ref float Begin(int firstKey, int count)
    {
        _firstKeys[_chunks] = firstKey;
        _counts[_chunks] = count;
        ref float scores = ref Scores(_chunks++);
        if (_selection.Traits.Rank != 0) // a scorer by channels adds up
        {
            for (int row = 0; row < _selection.Traits.Rows; row++)
                MemoryMarshal.CreateSpan(ref Unsafe.Add(ref scores, row * ChunkKeys), Padded(count)).Clear();
        }

        return ref scores;
    }

    /// <summary>A row's score by the chosen channels, for one key.</summary>
    public readonly float ChannelDot(int row, ref byte key, KvFormat format)
    {
        float sum = 0;
        for (int i = 0; i < _selection.Traits.Rank; i++)
            sum += ChannelQueries[row * PaddedRank(_selection.Traits.Rank) + i] * RowFormat.Read(ref key, Channels[i], format);
        return sum;
    }

    /// <summary>What a kernel does with the present chunk's scores, as a plain loop: an infinite or undefined score is the best one.</summary>
    public readonly void WeighCarefully()
    {
        const float Best = 1e30f;

        int chunk = _chunks - 1, count = _counts[chunk];
        ref float groupScores = ref GroupScores;
        for (int row = 0; row < _selection.Cache.Shape.GroupSize; row++)
        {
            ref float scores = ref Unsafe.Add(ref Scores(chunk), row * ChunkKeys);
            float previous = _maxima[row], maximum = previous;
            bool chooses = HasFiniteQuery(row);
            for (int i = 0; i < count; i++)
            {
                ref float score = ref Unsafe.Add(ref scores, i);
                if (!chooses && score != float.NegativeInfinity)
                    score = 0;
                if (!(score < Best))
                    score = Best;
                maximum = Math.Max(maximum, score);
                if (_selection.Traits is { ByProbability: false, PerHead: false })
                    Unsafe.Add(ref groupScores, i) = score + (row == 0 ? 0 : Unsafe.Add(ref groupScores, i));
            }

            if (!_selection.Traits.Softmax)
                continue;
            float pivot = float.IsNegativeInfinity(maximum) ? 0 : maximum, sum = 0;
            for (int i = 0; i < (count + 7) / 8 * 8; i++)
            {
                ref float weight = ref Unsafe.Add(ref scores, i);
                weight = i < count ? float.Exp2(weight - pivot) : 0;
                sum += weight;
            }

            _sums[row] = _sums[row] * float.Exp2(previous - pivot) + sum;
            _maxima[row] = _chunkMaxima[chunk * _selection.Traits.Rows + row] = maximum;
        }
    }

    // A query with NaN or infinity cannot choose; the others of its group go on without it.
    readonly bool HasFiniteQuery(int row)
    {
        float zero = 0;
        for (int i = 0; i < _selection.Cache.Shape.HeadDim; i++)
            zero += 0 * Unsafe.Add(ref Unsafe.AsRef(in _selection.Call.Queries), row * _selection.Cache.Shape.HeadDim + i);
        return zero == 0;
    }

    /// <summary>A page's bound for a row's query.</summary>
    public readonly float PageBound(int row, int page)
    {
        int stride = _selection.Cache.Kind.RowStride;
        ref float bounds = ref Unsafe.Add(ref _selection.Pages, (nint)page * 2 * stride);
        ref float query = ref Unsafe.Add(ref Unsafe.AsRef(in _selection.Call.Queries), row * _selection.Cache.Shape.HeadDim);
        float sum = 0;
        for (int i = 0; i < _selection.Cache.Shape.HeadDim; i++)
        {
            float q = Unsafe.Add(ref query, i);
            sum += Math.Max(q * Unsafe.Add(ref bounds, i), q * Unsafe.Add(ref bounds, stride + i));
        }

        return sum;
    }

    /// <summary>The call over the chosen keys alone.</summary>
    public readonly KernelCall Chosen()
    {
        for (int i = 0; i < Count; i++)
            _ranges[i] = new KeyRange(_positions[i], _positions[i] + 1, _positions[i], _positions[i] + 1);
        return _selection.Call.Over(_ranges[..Count]);
    }

    /// <summary>Chooses: the newest first, then the best. Of equal ones the newer is better.</summary>
    public void Choose()
    {
        SelectionTraits traits = _selection.Traits;
        int candidates = 0;
        for (int chunk = 0; chunk < _chunks; chunk++)
            candidates += _counts[chunk];
        int forced = Math.Min(Math.Min(traits.Forced, traits.Keep), candidates);

        // Weights of exactly 0 are of keys too far behind the best to matter, but they are visible and may fill the budget.
        var best = new TopScores(_bestScores, _bestIndices, traits.Keep - forced, traits.ByProbability ? 0 : float.MinValue);
        for (int chunk = 0, left = candidates - forced; chunk < _chunks && left > 0; left -= _counts[chunk++])
            best.Offer(GroupScoresOf(chunk)[..Math.Min(left, _counts[chunk])], chunk * ChunkKeys);

        Count = 0;
        if (traits.Remainder != Remainder.Renormalised)
            _mass.Clear();
        foreach (int index in best.Best())
            Add(index / ChunkKeys, index % ChunkKeys);
        int before = candidates - forced;
        for (int chunk = 0; chunk < _chunks; before -= _counts[chunk++])
        {
            for (int i = Math.Max(0, before); i < _counts[chunk]; i++)
                Add(chunk, i);
        }

        _slots.Slice(Count, ListPadding).Fill(Count == 0 ? 0 : _slots[Count - 1]);
        if (_selection.Trace is { } trace)
            Record(trace);
    }

    /// <summary>Chooses for one head of the group by its own scores.</summary>
    public void Choose(int row)
    {
        _row = row;
        Choose();
    }

    /// <summary>Puts one head's result aside: the next head's choice overwrites all rows.</summary>
    public readonly void PutAside()
    {
        KernelCall call = _selection.Call;
        int stride = _selection.Cache.Kind.RowStride;
        Span<float> kept = _kept.Slice(_row * (stride + 2), stride + 2);
        MemoryMarshal.CreateSpan(ref Unsafe.Add(ref call.Sums, _row * stride), stride).CopyTo(kept);
        kept[stride] = Unsafe.Add(ref call.Maxima, _row);
        kept[stride + 1] = Unsafe.Add(ref call.Weights, _row);
    }

    /// <summary>Puts the heads' results back in their places.</summary>
    public readonly void PutBack()
    {
        KernelCall call = _selection.Call;
        int stride = _selection.Cache.Kind.RowStride;
        for (int row = 0; row < _selection.Cache.Shape.GroupSize; row++)
        {
            Span<float> kept = _kept.Slice(row * (stride + 2), stride + 2);
            kept[..stride].CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref call.Sums, row * stride), stride));
            Unsafe.Add(ref call.Maxima, row) = kept[stride];
            Unsafe.Add(ref call.Weights, row) = kept[stride + 1];
        }
    }

    /// <summary>
    /// Scales a row's sums by the mass α of what was chosen, and gives the rest to a mean of values, if any: <c>α · sums + (1 - α) · weights · mean</c>, which
    /// the driver's division by the weights turns into <c>α · y + (1 - α) · mean</c>.
    /// </summary>
    public readonly void Reallocate()
    {
        KernelCall call = _selection.Call;
        RowCache cache = _selection.Cache;
        Span<float> mean = stackalloc float[cache.Shape.HeadDim];
        mean.Clear();
        if (_selection.Traits.Remainder == Remainder.Mean)
            cache.ValueSums!.Mean(cache, call.KeyValueHead, call.Ranges, except: default, mean);
        else if (_selection.Traits.Remainder == Remainder.Spread)
            cache.ValueSums!.Mean(cache, call.KeyValueHead, call.Ranges, except: _positions[..Count], mean);

        for (int row = 0; row < cache.Shape.GroupSize; row++)
        {
            float alpha = float.Clamp(_mass[row], 0, 1), weight = (1 - alpha) * Unsafe.Add(ref call.Weights, row);
            Span<float> sums = MemoryMarshal.CreateSpan(ref Unsafe.Add(ref call.Sums, row * cache.Kind.RowStride), mean.Length);
            TensorPrimitives.Multiply(sums, alpha, sums);
            TensorPrimitives.MultiplyAdd(mean, weight, sums, sums);
        }
    }

    void Add(int chunk, int index)
    {
        int candidate = _firstKeys[chunk] + index, size = _selection.Traits.PageSize;
        if (size > 0)
        {
            foreach (KeyRange range in _selection.Call.Ranges)
                for (int position = Math.Max(range.Low, candidate * size); position < Math.Min(range.High, (candidate + 1) * size); position++)
                    AddPosition(position);
            return;
        }

        AddPosition(candidate);
        if (_selection.Traits.Remainder == Remainder.Renormalised)
            return;
        for (int row = 0; row < _selection.Cache.Shape.GroupSize; row++)
            _mass[row] += Scores(chunk, row)[index] * Factor(chunk, row);
    }

    void AddPosition(int position)
    {
        _positions[Count] = position;
        _slots[Count++] = _selection.Call.Layout.Slot(position);
    }

    // From weights relative to the chunk's maximum to probabilities.
    readonly float Factor(int chunk, int row) =>
        VectorMath.Exp2(Vector128.Create(_chunkMaxima[chunk * _maxima.Length + row] - _maxima[row])).ToScalar() / _sums[row];

    readonly ReadOnlySpan<float> GroupScoresOf(int chunk)
    {
        if (_selection.Traits.PerHead)
            return Scores(chunk, _row);
        if (!_selection.Traits.ByProbability)
            return _groupScores.Slice(chunk * ChunkKeys, ChunkKeys);

        Span<float> sum = _groupScores[..ChunkKeys];
        int padded = (_counts[chunk] + 7) / 8 * 8;
        for (int row = 0; row < _selection.Cache.Shape.GroupSize; row++)
        {
            ref float weights = ref MemoryMarshal.GetReference(Scores(chunk, row));
            Vector256<float> factor = Vector256.Create(Factor(chunk, row));
            for (int i = 0; i < padded; i += 8)
            {
                Vector256<float> others = row == 0 ? Vector256<float>.Zero : Vector256.LoadUnsafe(ref sum[0], (nuint)i);
                Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref weights, (nuint)i), factor, others).StoreUnsafe(ref sum[0], (nuint)i);
            }
        }

        return sum;
    }

    readonly ref float Scores(int chunk) =>
        ref _scores[(_selection.Traits.Softmax || _selection.Traits.PerHead ? chunk : 0) * _selection.Traits.Rows * ChunkKeys];

    readonly Span<float> Scores(int chunk, int row) =>
        _scores.Slice((chunk * _selection.Traits.Rows + row) * ChunkKeys, ChunkKeys);

    readonly void Record(SelectionTrace trace)
    {
        SelectionTraits traits = _selection.Traits;
        CacheKind kind = _selection.Cache.Kind;
        int head = _selection.Call.KeyValueHead, group = kind.Shape.GroupSize;
        for (int row = 0; row < group; row++)
        {
            if (traits.PerHead && row != _row)
                continue;
            trace.Positions[head * group + row] = _positions[..Count].ToArray();
            trace.Mass[head * group + row] = _mass[row];
        }

        trace.Channels[head] = traits.FixedChannels ? _selection.Cache.Columns!.ChannelsOf(head).ToArray() : Channels[..traits.Rank].ToArray();
        long candidates = 0;
        for (int chunk = 0; chunk < _chunks; chunk++)
            candidates += _counts[chunk];
        int scalars = traits.Rank > 0 ? traits.Rank : traits.PageSize > 0 ? 2 * kind.Shape.HeadDim : kind.Shape.HeadDim;
        if (!traits.PerHead || _row == 0)
            Interlocked.Add(ref trace.ScorerBytes, candidates * scalars * (traits.PageSize > 0 ? sizeof(float) : kind.ScalarSize));
        Interlocked.Add(ref trace.ChosenBytes, 2L * Count * kind.Shape.HeadDim * kind.ScalarSize);
    }

    static int Chunks(int visibleKeys, int ranges) => visibleKeys / ChunkKeys + 3 * ranges + 1; // a range ends chunks, and so do the ends of a ring

    static int ScoreFloats(SelectionTraits traits, int chunks) => (traits.Softmax || traits.PerHead ? chunks : 1) * traits.Rows * ChunkKeys;

    static int GroupScoreFloats(SelectionTraits traits, int chunks) => (traits.ByProbability || traits.PerHead ? 1 : chunks) * ChunkKeys;

    static int KeptFloats(SelectionTraits traits, int stride, int group) => traits.PerHead ? group * (stride + 2) : 0;

    internal static int PaddedRank(int rank) => (rank + 7) / 8 * 8;

    static int Padded(int floats) => (floats + 15) / 16 * 16;

    static Span<float> Take(scoped ref Span<float> rest, int floats)
    {
        Span<float> taken = rest[..floats];
        rest = rest[Padded(floats)..];
        return taken;
    }

    static Span<int> Integers(Span<float> memory) => MemoryMarshal.Cast<float, int>(memory);
}
