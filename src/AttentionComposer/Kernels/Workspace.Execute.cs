using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <remarks>
/// A call becomes tiles (tokens × key/value head), and a tile with few queries and many keys is split along its keys. How a
/// call is cut depends on its sizes alone, never on the number of threads, and splits merge in a fixed order: results are
/// the same bit for bit however many threads work and in whichever order they finish.
/// </remarks>
sealed unsafe partial class Workspace : IParallelWork
{
    const int RowMultiple = 8;              // kernels compute rows in tiles of up to 8
    const int TargetItems = 128;            // enough to balance some dozens of threads
    const int MinKeysPerSplit = 512;        // below it the start of a split costs more than it gains
    const long InlineScalars = 1 << 14;     // key scalars below which waking threads costs more than the work

    readonly List<Sequence> _sequences = [];
    readonly WriteHeads _append = new();
    IFusedKernels? _kernels;
    object? _captured;
    int _stateFloats;   // one tile's unfinished result: sums, maxima, weights
    long _selectionFloats;
    int _stateRows;
    int _vectorBits;

    /// <summary>One cache and the queries over it.</summary>
    struct Sequence
    {
        public RowCache Cache;
        public float* Queries;
        public float* Output;
        public float* LogSumExp;
        public int Tokens;
        public int FirstQuery;
        public KeyBounds Sees;
        public int Batch;
        public Phase Phase;
        public int TileTokens;
        public int Splits;
        public int FirstItem;
        public int FirstTile;
    }

    enum Phase
    {
        Decode,
        Prefill,
        Careful,
        Select,
    }

    /// <summary>Adds a cache and its queries, which are its last positions, to the call.</summary>
    /// <remarks>With Star Attention these are several sequences, one for each piece of the call.</remarks>
    public void Add(KernelTraits traits, RowCache cache, float* queries, int tokens, float* output, float* logSumExp, int batch = 0)
    {
        int first = cache.Length - tokens;
        if (traits.Block == 0)
        {
            Add(cache, queries, tokens, output, logSumExp, first, KeyBounds.None, batch);
            return;
        }

        // The pieces at the end see the most keys and go first, as tiles do.
        for (int end = cache.Length, start; end > first; end = start)
        {
            (start, KeyBounds sees) = KeyBounds.OfStar(traits, cache, first, end);
            long skipped = start - first;
            Add(cache, queries + skipped * traits.Shape.QueryWidth, end - start, output + skipped * traits.Shape.QueryWidth,
                logSumExp == null ? null : logSumExp + skipped * traits.Shape.QueryHeads, start, sees, batch);
        }
    }

    /// <summary>Adds a cache and queries at any positions, which see keys within bounds.</summary>
    public void Add(RowCache cache, float* queries, int tokens, float* output, float* logSumExp, int firstQuery, KeyBounds sees, int batch = 0) =>
        _sequences.Add(new Sequence
        {
            Cache = cache,
            Queries = queries,
            Output = output,
            LogSumExp = logSumExp,
            Tokens = tokens,
            FirstQuery = firstQuery,
            Sees = sees,
            Batch = batch,
        });

    /// <summary>Runs what was added.</summary>
    /// <param name="kernels">The pipeline.</param>
    /// <param name="captured">What its functions read.</param>
    public void Execute(IFusedKernels kernels, object? captured)
    {
        try
        {
            KernelTraits traits = kernels.Traits;
            _kernels = kernels;
            _captured = captured;
            _vectorBits = AttentionOptions.VectorBits;
            (int items, int tiles, long keyScalars) = Cut(traits);
            int degree = keyScalars < InlineScalars ? 1 : Math.Min(AttentionOptions.MaxDegreeOfParallelism, items);

            Reserve(Math.Min(degree, WorkerPool.Shared.MaxWorkers), traits.ScratchFloats + _stateFloats + _selectionFloats, (long)items * _stateFloats, tiles);
            new Span<int>(_pending!.Pointer, tiles).Clear();
            WorkerPool.Shared.Run(this, items, degree);
        }
        finally
        {
            _sequences.Clear();
            _kernels = null;
            _captured = null;
        }
    }

    /// <summary>Stores many rows, one key/value head at a time on each thread.</summary>
    public void Append(RowCache cache, float* keys, float* values, int tokens)
    {
        _append.Set(cache, keys, values, tokens);
        WorkerPool.Shared.Run(_append, cache.Shape.KeyValueHeads, AttentionOptions.MaxDegreeOfParallelism);
        cache.Commit(tokens);
        _append.Set(null, null, null, 0);
    }

    (int Items, int Tiles, long KeyScalars) Cut(KernelTraits traits)
    {
        Span<KeyRange> bothSides = stackalloc KeyRange[2 * traits.RangeCount];
        int heads = traits.Shape.KeyValueHeads;
        int items = 0, tiles = 0, widestTile = 1;
        long keyScalars = 0;
        _selectionFloats = 0;
        foreach (ref Sequence sequence in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_sequences))
        {
            int lastQuery = sequence.FirstQuery + sequence.Tokens - 1;
            Span<KeyRange> ranges = VisibleKeys(sequence, sequence.FirstQuery, lastQuery, bothSides);
            int keys = Candidates.VisibleKeys(ranges);
            sequence.Phase = PhaseOf(sequence, traits, keys);
            sequence.TileTokens = sequence.Phase == Phase.Prefill ? traits.PrefillTokens : Math.Min(sequence.Tokens, traits.DecodeTokens);
            sequence.TileTokens = Math.Max(1, sequence.TileTokens);
            widestTile = Math.Max(widestTile, sequence.TileTokens);

            int tokenTiles = (sequence.Tokens + sequence.TileTokens - 1) / sequence.TileTokens;
            if (sequence.Phase == Phase.Select)
            {
                SelectionTraits selection = traits.Selection!;
                _selectionFloats = Math.Max(
                    _selectionFloats,
                    selection.Evicts ? Survivors.ScratchFloats(selection, lastQuery) : Candidates.ScratchFloats(selection, traits.Shape, keys, ranges.Length));
            }

            sequence.Splits = sequence.Phase is Phase.Careful or Phase.Select
                ? 1
                : Math.Max(1, Math.Min(keys / MinKeysPerSplit, TargetItems / Math.Max(1, tokenTiles * heads)));
            sequence.FirstItem = items;
            sequence.FirstTile = tiles;
            tiles += tokenTiles * heads;
            items += tokenTiles * heads * sequence.Splits;
            keyScalars += (long)keys * traits.Shape.KeyValueWidth * sequence.Tokens;
        }

        int stride = traits.Shape.RowStride;
        int rows = widestTile * Math.Max(traits.DecodeRows, traits.Shape.GroupSize);
        _stateRows = (rows + RowMultiple - 1) / RowMultiple * RowMultiple;
        _stateFloats = _stateRows * (stride + 2);
        _stateFloats = (_stateFloats + 15) / 16 * 16;
        return (items, tiles, keyScalars);
    }

    static Phase PhaseOf(in Sequence sequence, KernelTraits traits, int keys)
    {
        // A budget that holds every key chooses nothing; only keys that keep scores, or a test that watches, want to know of it.
        bool selects = sequence.Tokens == 1 && traits.Selection is { } selection
            && (keys > selection.KeepKeys || selection.Evicts || sequence.Cache.Trace is not null);
        return selects ? Phase.Select
            : sequence.Cache.HoldsNonFinite ? Phase.Careful
            : sequence.Tokens <= traits.DecodeTokens ? Phase.Decode
            : Phase.Prefill;
    }

    void IParallelWork.Run(int item, int worker)
    {
        KernelTraits traits = _kernels!.Traits;
        ref Sequence sequence = ref System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_sequences)[SequenceOf(item)];
        int group = traits.Shape.GroupSize;
        int local = item - sequence.FirstItem;
        int split = local % sequence.Splits;
        int tile = local / sequence.Splits;

        // Neighbouring items share a head, so that its keys and values are read from memory once. Under a causal mask the last
        // tokens see the most keys: they go first, so that no thread is left with them at the end.
        int tokenTiles = (sequence.Tokens + sequence.TileTokens - 1) / sequence.TileTokens;
        int head = tile / tokenTiles;
        int firstToken = (tokenTiles - 1 - tile % tokenTiles) * sequence.TileTokens;
        int tokens = Math.Min(sequence.TileTokens, sequence.Tokens - firstToken);
        int firstQuery = sequence.FirstQuery + firstToken;

        Span<KeyRange> bothSides = stackalloc KeyRange[2 * traits.RangeCount];
        Span<KeyRange> ranges = VisibleKeys(sequence, firstQuery, firstQuery + tokens - 1, bothSides);
        Clip(ranges, split, sequence.Splits);

        float* scratch = Scratch(worker);
        float* state = sequence.Splits == 1 ? scratch + traits.ScratchFloats : State(item);
        long stateRow = _stateFloats / _stateRows;
        float* maxima = state + (long)_stateRows * (stateRow - 2);
        float* weights = maxima + _stateRows;
        float* queries = sequence.Queries + (long)firstToken * traits.Shape.QueryWidth + head * group * traits.Shape.HeadDim;
        int rowsPerToken = RowsPerToken(sequence, traits);
        var call = new KernelCall(
            ref *queries, sequence.Cache, head, ref *scratch, ref *state, ref *maxima, ref *weights,
            ranges, tokens, rowsPerToken, firstQuery, _vectorBits, sequence.Batch, _captured);

        // Every split of a tile looks at the same queries, so all of them take the same kernel.
        bool careful = sequence.Cache.HoldsNonFinite || !AllFinite(queries, tokens, traits);
        if (sequence.Phase == Phase.Select)
            Select(call, sequence.Cache, scratch, careful);
        else if (careful)
            _kernels.Careful(call);
        else if (sequence.Phase == Phase.Decode)
            _kernels.Decode(call);
        else
            _kernels.Prefill(call);

        if (sequence.Splits == 1 || LastOfTile(sequence.FirstTile + tile, sequence.Splits))
            Finish(sequence, traits, sequence.Splits == 1 ? state : State(item - split), firstToken, tokens, head);
    }

    void Select(in KernelCall call, RowCache cache, float* scratch, bool careful)
    {
        KernelTraits traits = _kernels!.Traits;
        var memory = new Span<float>(scratch + traits.ScratchFloats + _stateFloats, checked((int)_selectionFloats));
        var selection = new SelectionCall(call, traits.Selection!, cache, _kernels.SinkLogits(_captured), memory);
        if (careful)
            ((ISelectionKernels)_kernels).SelectCarefully(selection);
        else
            ((ISelectionKernels)_kernels).Select(selection);
    }

    /// <summary>The key ranges that some of the queries see, within the sequence's bounds.</summary>
    Span<KeyRange> VisibleKeys(in Sequence sequence, int firstQuery, int lastQuery, Span<KeyRange> ranges)
    {
        int count = _kernels!.Traits.RangeCount;
        _kernels.VisibleKeys(firstQuery, lastQuery, sequence.Cache.Length, sequence.Batch, _captured, ranges[..count]);
        return sequence.Sees.Restrict(ranges, count);
    }

    // Whichever thread ends a tile's last split merges them all, while the states are still in cache.
    bool LastOfTile(int tile, int splits) => Interlocked.Increment(ref ((int*)_pending!.Pointer)[tile]) == splits;

    float* State(int item) => (float*)_states!.Pointer + (long)item * _stateFloats;

    int SequenceOf(int item)
    {
        Span<Sequence> sequences = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_sequences);
        int low = 0, high = sequences.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (sequences[middle].FirstItem <= item)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    /// <summary>Keeps the part of the ranges that one of several equal splits visits, counted along the ranges.</summary>
    static void Clip(Span<KeyRange> ranges, int split, int splits)
    {
        if (splits == 1)
            return;

        long keys = 0;
        foreach (KeyRange range in ranges)
            keys += range.Count;
        int begin = (int)(keys * split / splits), end = (int)(keys * (split + 1) / splits), passed = 0;
        foreach (ref KeyRange range in ranges)
        {
            int count = range.Count;
            int low = range.Low + Math.Clamp(begin - passed, 0, count);
            int high = range.Low + Math.Clamp(end - passed, 0, count);
            range = range with { Low = low, High = high };
            passed += count;
        }
    }

    /// <summary>
    /// Merges a tile's splits and divides by the weights: with the largest maximum m, <c>Σ 2^(m_s - m) sums_s / Σ 2^(m_s - m) weights_s</c>.
    /// </summary>
    void Finish(in Sequence sequence, KernelTraits traits, float* states, int firstToken, int tokens, int head)
    {
        int dim = traits.Shape.HeadDim, group = traits.Shape.GroupSize, splits = sequence.Splits;
        int stride = traits.Shape.RowStride;
        int rowsPerToken = RowsPerToken(sequence, traits);
        ReadOnlySpan<float> sinkLogits = _kernels!.SinkLogits(_captured);
        for (int index = 0; index < tokens * group; index++)
        {
            int row = index / group * rowsPerToken + index % group;
            float* maxima = states + (long)_stateRows * stride + row;
            float maximum = float.NegativeInfinity;
            for (int split = 0; split < splits; split++)
                maximum = Math.Max(maximum, maxima[(long)split * _stateFloats]);

            long outputRow = (long)(firstToken + index / group) * traits.Shape.QueryHeads + head * group + index % group;
            var output = new Span<float>(sequence.Output + outputRow * dim, dim);
            if (float.IsNegativeInfinity(maximum))
            {
                output.Clear();
                if (sequence.LogSumExp != null)
                    sequence.LogSumExp[outputRow] = float.NegativeInfinity;
                continue;
            }

            float total = 0;
            if (!sinkLogits.IsEmpty)
            {
                float sink = sinkLogits[head * group + index % group] * MathF.Log2(MathF.E);
                maximum = Math.Max(maximum, sink);
                total = Factor(sink, maximum);
            }

            for (int split = 0; split < splits; split++)
            {
                float factor = Factor(maxima[(long)split * _stateFloats], maximum);
                total += factor * maxima[(long)split * _stateFloats + _stateRows];
            }

            float divisor = traits.SumsWeights ? float.Exp2(-maximum) : total;
            for (int split = 0; split < splits; split++)
            {
                float factor = Factor(maxima[(long)split * _stateFloats], maximum);
                var sums = new ReadOnlySpan<float>(states + (long)split * _stateFloats + (long)row * stride, dim);
                if (split == 0)
                    TensorPrimitives.Multiply(sums, factor / divisor, output);
                else if (factor != 0)
                    TensorPrimitives.MultiplyAdd(sums, factor / divisor, output, output);
            }

            if (sequence.LogSumExp != null)
                sequence.LogSumExp[outputRow] = (maximum + MathF.Log2(total)) * (1 / MathF.Log2(MathF.E));
        }
    }

    // A split that no query of the row sees has a maximum of -infinity and a factor of exactly 0.
    static float Factor(float maximum, float largest) => maximum == largest ? 1 : float.Exp2(maximum - largest);

    static int RowsPerToken(in Sequence sequence, KernelTraits traits) =>
        sequence.Phase is Phase.Decode or Phase.Select ? traits.DecodeRows : traits.Shape.GroupSize;

    /// <summary>
    /// Whether the queries of one group of heads are finite as the kernels scale them: a sum of products with 0 is 0 exactly when every factor is.
    /// </summary>
    static bool AllFinite(float* queries, int tokens, KernelTraits traits)
    {
        AttentionShape shape = traits.Shape;
        Vector256<float> zeros = Vector256<float>.Zero;
        for (int token = 0; token < tokens; token++)
        {
            float* row = queries + (long)token * shape.QueryWidth;
            for (int i = 0; i < shape.GroupSize * shape.HeadDim; i += Vector256<float>.Count)
                zeros += Vector256.Load(row + i) * traits.QueryFactor * 0f;
        }

        return Vector256.Sum(zeros) == 0;
    }

    /// <summary>The parallel part of an append.</summary>
    sealed class WriteHeads : IParallelWork
    {
        RowCache? _cache;
        float* _keys;
        float* _values;
        int _tokens;

        public void Set(RowCache? cache, float* keys, float* values, int tokens)
        {
            _cache = cache;
            _keys = keys;
            _values = values;
            _tokens = tokens;
        }

        public void Run(int item, int worker) => _cache!.StoreHead(_keys, _values, _tokens, item);
    }
}
