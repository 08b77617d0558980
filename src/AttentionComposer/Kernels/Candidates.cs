using System.ComponentModel;
using System.Diagnostics;
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
/// exponential each, and choosing only multiplies. Where candidates may be hidden, a hidden one has a score of negative infinity, and a weight of -0:
/// it adds nothing, and its sign tells it from one that is only far behind.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public ref struct Candidates
{
    /// <summary>Candidates in one chunk, at most: the scores of a group's heads stay in the first cache.</summary>
    public const int ChunkKeys = 1024;

    /// <summary>What a score that is not finite counts as.</summary>
    public const float Best = 1e30f;

    // Kernels read the list of chosen keys in tiles and prefetch a block ahead.
    const int ListPadding = 96;

    const int RangeFloats = 4; // a key range's size

    readonly SelectionCall _selection;
    readonly Span<float> _scores;       // [chunks or 1, Rows, ChunkKeys]
    readonly Span<float> _groupScores;  // [chunks, ChunkKeys]; 1 where heads choose apart
    readonly Span<int> _firstKeys;      // [chunks]
    readonly Span<int> _counts;         // [chunks]
    readonly Span<float> _chunkMaxima;  // [chunks, Rows]
    readonly Span<float> _maxima;       // [Rows]
    readonly Span<float> _sums;         // [Rows]
    readonly Span<float> _mass;         // [Rows]
    readonly Span<float> _bestScores;
    readonly Span<int> _bestIndices;
    readonly Span<float> _peaks;
    readonly Span<int> _positions;
    readonly Span<int> _slots;
    readonly Span<KeyRange> _ranges;
    readonly Span<float> _means;        // [2, group, HeadDim]: means of values, and sums of a chunk's
    readonly Span<float> _kept;         // [group, sums, maximum, weight] where heads choose apart
    int _chunks;
    int _row;                           // the head that chooses, where heads choose apart
    long _stageStart;                   // for the clock

    /// <summary>Starts without candidates.</summary>
    public Candidates(in SelectionCall selection)
    {
        _selection = selection;
        SelectionTraits traits = selection.Traits;
        int visibleKeys = VisibleKeys(selection.Call.Ranges), chunks = Chunks(visibleKeys, selection.Call.Ranges.Length);
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
        _peaks = Take(ref rest, PeakFloats(traits, visibleKeys));
        _positions = Integers(Take(ref rest, (int)traits.KeepKeys + ListPadding));
        _slots = Integers(Take(ref rest, (int)traits.KeepKeys + ListPadding));
        _ranges = MemoryMarshal.Cast<float, KeyRange>(Take(ref rest, RangeFloats * (int)traits.KeepKeys));
        Channels = Integers(Take(ref rest, PaddedRank(traits.Rank)));
        ChannelQueries = Take(ref rest, traits.Rows * PaddedRank(traits.Rank));
        _kept = Take(ref rest, KeptFloats(traits, selection.Cache.Kind.RowStride, selection.Cache.Shape.GroupSize));
        _means = Take(ref rest, MeanFloats(traits, selection.Cache.Shape));
        _maxima.Fill(float.NegativeInfinity);
        _sums.Clear();
        _mass.Fill(1);

        // A sink logit is the softmax's first key: one that is always chosen, and whose value is 0.
        for (int row = 0; row < selection.Cache.Shape.GroupSize; row++)
        {
            _maxima[row] = selection.SinkLogit(row);
            _sums[row] = Share(_maxima[row], _maxima[row]);
        }

        if (selection.Clock is not null)
            _stageStart = Stopwatch.GetTimestamp();
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
    public readonly ref float GroupScores => ref _groupScores[(_selection.Traits.PerHead ? 0 : _chunks - 1) * ChunkKeys];

    /// <summary>Scratch memory for the candidates among so many visible keys, in floats.</summary>
    internal static long ScratchFloats(SelectionTraits traits, AttentionShape shape, int visibleKeys, int ranges)
    {
        int chunks = Chunks(visibleKeys, ranges);
        return Padded(ScoreFloats(traits, chunks)) + Padded(GroupScoreFloats(traits, chunks)) + 2 * Padded(chunks) + Padded(chunks * traits.Rows)
            + 3 * Padded(traits.Rows) + 2 * Padded(TopScores.Capacity(traits.Keep)) + Padded(PeakFloats(traits, visibleKeys)) + 2 * Padded((int)traits.KeepKeys + ListPadding)
            + Padded(KeptFloats(traits, shape.RowStride, shape.GroupSize)) + Padded(MeanFloats(traits, shape)) + Padded(RangeFloats * (int)traits.KeepKeys) + Padded(PaddedRank(traits.Rank)) + Padded(traits.Rows * PaddedRank(traits.Rank));
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

    /// <summary>Tells the clock, if there is one, that a stage is over, or a chunk's part of it.</summary>
    public void End(SelectionStage stage) => _selection.Clock?.End(stage, ref _stageStart);

    /// <summary>A row's score by the chosen channels, for one key, whose scale is 1 in formats without.</summary>
    public readonly float ChannelDot(int row, ref byte key, KvFormat format, float scale = 1)
    {
        float sum = 0;
        for (int i = 0; i < _selection.Traits.Rank; i++)
            sum += ChannelQueries[row * PaddedRank(_selection.Traits.Rank) + i] * (RowFormat.Read(ref key, Channels[i], format) * scale);
        return sum;
    }

    /// <summary>What a kernel does with the present chunk's scores, as a plain loop: an infinite or undefined score is the best one.</summary>
    public readonly void WeighCarefully()
    {
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
                    Unsafe.Add(ref groupScores, i) = row == 0 ? score : Together(score, Unsafe.Add(ref groupScores, i));
            }

            if (!_selection.Traits.Softmax)
                continue;
            float pivot = float.IsNegativeInfinity(maximum) ? 0 : maximum, sum = 0;
            for (int i = 0; i < (count + 7) / 8 * 8; i++)
            {
                ref float weight = ref Unsafe.Add(ref scores, i);
                weight = i >= count || weight == float.NegativeInfinity ? -0f : float.Exp2(weight - pivot);
                sum += weight;
            }

            _sums[row] = _sums[row] * float.Exp2(previous - pivot) + sum;
            _maxima[row] = _chunkMaxima[chunk * _selection.Traits.Rows + row] = maximum;
        }
    }

    // A head that does not see a key has no say on it.
    static float Together(float x, float y) => float.IsNegativeInfinity(x) ? y : float.IsNegativeInfinity(y) ? x : x + y;

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
        int forced = Math.Min(traits.Forced, traits.Keep), newest = IndexOfNewest(forced);
        PrefetchNewest(newest);

        // Weights of exactly 0 are of keys too far behind the best to matter, but they are visible and may fill the budget.
        var best = new TopScores(_bestScores, _bestIndices, _peaks, traits.Keep - forced, newest, traits.ByProbability ? 0 : float.MinValue);
        for (int chunk = 0; chunk < _chunks && chunk * ChunkKeys < newest; chunk++)
        {
            if (traits is { ByProbability: true, PerHead: false })
                SumGroup(chunk);
            best.Survey(OfferedScores(chunk)[..Math.Min(newest - chunk * ChunkKeys, _counts[chunk])]);
        }

        for (int chunk = 0; chunk < _chunks && chunk * ChunkKeys < newest; chunk++)
            best.Offer(OfferedScores(chunk)[..Math.Min(newest - chunk * ChunkKeys, _counts[chunk])], chunk * ChunkKeys);

        Count = 0;
        for (int row = 0; row < _selection.Cache.Shape.GroupSize && traits.Remainder != Remainder.Renormalised; row++)
            _mass[row] = _sums[row] == 0 ? 0 : Share(_selection.SinkLogit(row), _maxima[row]) / _sums[row];
        foreach (int index in best.Best())
            Add(index / ChunkKeys, index % ChunkKeys);
        for (int chunk = newest / ChunkKeys; chunk < _chunks; chunk++)
        {
            for (int i = Math.Max(0, newest - chunk * ChunkKeys); i < _counts[chunk]; i++)
            {
                if (!IsHidden(chunk, i))
                    Add(chunk, i);
            }
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
    /// the driver's division by the weights turns into <c>α · y + (1 - α) · mean</c>. A sink logit counts as chosen, and its weight among the weights.
    /// </summary>
    public readonly void Reallocate()
    {
        KernelCall call = _selection.Call;
        RowCache cache = _selection.Cache;
        int dim = cache.Shape.HeadDim;
        bool hasMean = _selection.Traits.Remainder >= Remainder.Spread;
        if (hasMean)
            FindMeans();

        for (int row = 0; row < cache.Shape.GroupSize; row++)
        {
            ref float maximum = ref Unsafe.Add(ref call.Maxima, row);
            ref float weights = ref Unsafe.Add(ref call.Weights, row);
            float alpha = float.Clamp(_mass[row], 0, 1), sink = _selection.SinkLogit(row);
            Span<float> sums = MemoryMarshal.CreateSpan(ref Unsafe.Add(ref call.Sums, row * cache.Kind.RowStride), dim);
            TensorPrimitives.Multiply(sums, alpha, sums);
            if (!hasMean || float.IsNegativeInfinity(maximum))
                continue;
            if (sink > maximum)
            {
                // Relative to the larger of the two nothing overflows.
                float factor = Share(maximum, sink);
                TensorPrimitives.Multiply(sums, factor, sums);
                weights *= factor;
                maximum = sink;
            }

            TensorPrimitives.MultiplyAdd(_means.Slice(row * dim, dim), (1 - alpha) * (weights + Share(sink, maximum)), sums, sums);
        }
    }

    /// <summary>
    /// The mean of each row's visible values, or of those that were not chosen. The cache's running sum serves while a call sees all that it holds; otherwise
    /// the visible values are read and added up.
    /// </summary>
    readonly void FindMeans()
    {
        RowCache cache = _selection.Cache;
        int dim = cache.Shape.HeadDim, group = cache.Shape.GroupSize, head = _selection.Call.KeyValueHead;
        ReadOnlySpan<int> except = _selection.Traits.Remainder == Remainder.Spread ? _positions[..Count] : default;
        if (SeesAllSummed())
        {
            cache.ValueSums!.Mean(cache, head, _selection.Call.Ranges, except, _means[..dim]);
            for (int row = 1; row < group; row++)
                _means[..dim].CopyTo(_means.Slice(row * dim, dim));
            return;
        }

        Span<float> means = _means[..(group * dim)], sums = _means.Slice(group * dim, group * dim), value = stackalloc float[dim];
        Span<int> counts = stackalloc int[group];
        long reads = 0;
        means.Clear();
        counts.Clear();
        for (int chunk = 0; chunk < _chunks; chunk++)
        {
            sums.Clear(); // of a chunk: long sums of float32 would lose digits
            for (int i = 0; i < _counts[chunk]; i++)
            {
                if (IsHidden(chunk, i) || except.BinarySearch(_firstKeys[chunk] + i) >= 0)
                    continue;
                cache.ReadValue(head, _firstKeys[chunk] + i, value);
                reads++;
                for (int row = 0; row < group; row++)
                {
                    if (_selection.Traits.HidesCandidates && float.IsNegative(Scores(chunk, row)[i]))
                        continue;
                    TensorPrimitives.Add(sums.Slice(row * dim, dim), value, sums.Slice(row * dim, dim));
                    counts[row]++;
                }
            }

            TensorPrimitives.Add(means, sums, means);
        }

        for (int row = 0; row < group; row++)
            TensorPrimitives.Divide(means.Slice(row * dim, dim), Math.Max(1, counts[row]), means.Slice(row * dim, dim));
        if (_selection.Trace is { } trace)
            Interlocked.Add(ref trace.MeanBytes, reads * cache.Kind.BytesOf(dim));
    }

    /// <summary>Whether every row sees every position whose value is in the cache's running sum.</summary>
    readonly bool SeesAllSummed()
    {
        int seen = 0;
        for (int chunk = 0; chunk < _chunks; chunk++)
        {
            seen += _counts[chunk];
            for (int row = 0; row < _selection.Cache.Shape.GroupSize && _selection.Traits.HidesCandidates; row++)
            {
                if (float.IsNegative(TensorPrimitives.Min<float>(Scores(chunk, row)[.._counts[chunk]]))) // -0 is below 0
                    return false;
            }
        }

        return seen == ValueSums.Covered(_selection.Cache);
    }

    /// <summary>Where the newest candidates begin: so many, hidden ones not counted.</summary>
    readonly int IndexOfNewest(int count)
    {
        for (int chunk = _chunks - 1; chunk >= 0; chunk--)
        {
            for (int i = _counts[chunk] - 1; i >= 0; i--)
            {
                if (count == 0)
                    return chunk * ChunkKeys + i + 1;
                if (!IsHidden(chunk, i))
                    count--;
            }
        }

        return 0;
    }

    /// <summary>Whether no head that chooses sees a candidate.</summary>
    readonly bool IsHidden(int chunk, int index)
    {
        SelectionTraits traits = _selection.Traits;
        if (!traits.HidesCandidates)
            return false;
        if (!traits.ByProbability)
            return float.IsNegativeInfinity(traits.PerHead ? Scores(chunk, _row)[index] : _groupScores[chunk * ChunkKeys + index]);
        for (int row = 0; row < _selection.Cache.Shape.GroupSize; row++)
        {
            if (!float.IsNegative(Scores(chunk, row)[index]))
                return false;
        }

        return true;
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
        int slot = _selection.Call.Layout.Slot(position), rowBytes = _selection.Cache.Kind.RowBytes;
        _positions[Count] = position;
        _slots[Count++] = slot;

        // Chosen rows lie apart, which no hardware foresees; they come in while the others are noted.
        Prefetch.Lines(ref Unsafe.Add(ref _selection.Call.Keys, (nint)slot * rowBytes), rowBytes);
    }

    // Whichever are the best: the newest will be read, and may come in meanwhile.
    readonly void PrefetchNewest(int newest)
    {
        if (_chunks == 0 || _selection.Traits.PageSize > 0)
            return;
        int chunk = _chunks - 1, rowBytes = _selection.Cache.Kind.RowBytes;
        for (int i = Math.Max(0, newest - chunk * ChunkKeys); i < _counts[chunk]; i++)
        {
            nint row = (nint)_selection.Call.Layout.Slot(_firstKeys[chunk] + i) * rowBytes;
            Prefetch.Lines(ref Unsafe.Add(ref _selection.Call.Keys, row), rowBytes);
            Prefetch.Lines(ref Unsafe.Add(ref _selection.Call.Values, row), rowBytes);
        }
    }

    // From weights relative to the chunk's maximum to probabilities; 0 for a row that sees no key.
    readonly float Factor(int chunk, int row) =>
        _sums[row] == 0 ? 0 : Share(_chunkMaxima[chunk * _maxima.Length + row], _maxima[row]) / _sums[row];

    // 2^(score - maximum), for a score that may be negative infinity as well.
    static float Share(float score, float maximum) =>
        float.IsNegativeInfinity(score) ? 0 : VectorMath.Exp2(score - maximum);

    readonly ReadOnlySpan<float> OfferedScores(int chunk) =>
        _selection.Traits.PerHead ? Scores(chunk, _row) : _groupScores.Slice(chunk * ChunkKeys, ChunkKeys);

    /// <summary>
    /// Sums a chunk's probabilities over the group: four heads at a time; those that a group lacks repeat its last one, times 0. The sum of -0 and -0 alone is
    /// -0: of a candidate that no head sees.
    /// </summary>
    readonly void SumGroup(int chunk)
    {
        ref float sum = ref _groupScores[chunk * ChunkKeys];
        int padded = (_counts[chunk] + 7) / 8 * 8, last = _selection.Cache.Shape.GroupSize - 1;
        for (int row = 0; row <= last; row += 4)
        {
            ref float weights0 = ref Weights(chunk, row, out Vector256<float> factor0);
            ref float weights1 = ref Weights(chunk, row + 1, out Vector256<float> factor1);
            ref float weights2 = ref Weights(chunk, row + 2, out Vector256<float> factor2);
            ref float weights3 = ref Weights(chunk, row + 3, out Vector256<float> factor3);
            for (nuint i = 0; i < (nuint)padded; i += 8)
            {
                Vector256<float> some = Vector256.LoadUnsafe(ref weights0, i) * factor0, others = Vector256.LoadUnsafe(ref weights1, i) * factor1;
                some = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref weights2, i), factor2, some);
                others = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref weights3, i), factor3, others);
                Vector256<float> before = row == 0 ? Vector256.Create(-0f) : Vector256.LoadUnsafe(ref sum, i);
                (before + (some + others)).StoreUnsafe(ref sum, i);
            }
        }

        for (nuint i = 0; i < (nuint)padded && _selection.Traits.HidesCandidates; i += 8)
        {
            Vector256<float> score = Vector256.LoadUnsafe(ref sum, i), hidden = Vector256.Create(float.NegativeInfinity);
            Vector256.ConditionalSelect(Vector256.LessThan(score.AsInt32(), Vector256<int>.Zero).AsSingle(), hidden, score).StoreUnsafe(ref sum, i);
        }
    }

    readonly ref float Weights(int chunk, int row, out Vector256<float> factor)
    {
        int last = _selection.Cache.Shape.GroupSize - 1;
        factor = row > last ? Vector256<float>.Zero : Vector256.Create(Factor(chunk, row));
        return ref MemoryMarshal.GetReference(Scores(chunk, Math.Min(row, last)));
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
        long bytes = traits.PageSize > 0 ? 2L * kind.Shape.HeadDim * sizeof(float) : kind.BytesOf(traits.Rank > 0 ? traits.Rank : kind.Shape.HeadDim);
        if (!traits.PerHead || _row == 0)
            Interlocked.Add(ref trace.ScorerBytes, candidates * bytes);
        Interlocked.Add(ref trace.ChosenBytes, 2 * Count * kind.BytesOf(kind.Shape.HeadDim));
    }

    static int Chunks(int visibleKeys, int ranges) => visibleKeys / ChunkKeys + 3 * ranges + 1; // a range ends chunks, and so do the ends of a ring

    static int ScoreFloats(SelectionTraits traits, int chunks) => (traits.Softmax || traits.PerHead ? chunks : 1) * traits.Rows * ChunkKeys;

    static int GroupScoreFloats(SelectionTraits traits, int chunks) => (traits.PerHead ? 1 : chunks) * ChunkKeys;

    static int PeakFloats(SelectionTraits traits, int candidates) => TopScores.PeakCapacity(traits.Keep, candidates);

    static int MeanFloats(SelectionTraits traits, AttentionShape shape) => traits.Remainder >= Remainder.Spread ? 2 * shape.GroupSize * shape.HeadDim : 0;

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
