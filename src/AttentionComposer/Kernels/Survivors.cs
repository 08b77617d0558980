using System.ComponentModel;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>
/// The keys that one token's eviction leaves to one key/value head (H2O, arXiv 2306.14048), and the weights that the token gives them, which its kernel
/// leaves block by block relative to the largest logit so far.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly ref struct Survivors
{
    /// <summary>Keys in a block of weights: the kernels' own.</summary>
    public const int BlockKeys = 64;

    // Kernels read the list of keys in tiles and prefetch a block ahead.
    const int ListPadding = 96;

    const int RangeFloats = 4; // a key range's size

    readonly SelectionCall _selection;
    readonly Span<int> _positions;
    readonly Span<int> _slots;
    readonly Span<float> _weights;      // [blocks, Rows, BlockKeys]
    readonly Span<float> _maxima;       // [blocks, Rows]
    readonly Span<float> _received;     // [keys]
    readonly Span<KeyRange> _ranges;

    /// <summary>Evicts.</summary>
    public Survivors(in SelectionCall selection)
    {
        _selection = selection;
        SelectionTraits traits = selection.Traits;
        KernelCall call = selection.Call;
        int most = MostOf(traits, call.FirstQuery), blocks = Blocks(most);
        Span<float> rest = selection.Scratch;
        _positions = MemoryMarshal.Cast<float, int>(Take(ref rest, most + ListPadding));
        _slots = MemoryMarshal.Cast<float, int>(Take(ref rest, most + ListPadding));
        _weights = Take(ref rest, blocks * traits.Rows * BlockKeys);
        _maxima = Take(ref rest, blocks * traits.Rows);
        _received = Take(ref rest, blocks * BlockKeys);
        _ranges = MemoryMarshal.Cast<float, KeyRange>(Take(ref rest, RangeFloats * most));

        AccumulatedScores scores = selection.Cache.Scores!;
        ReadOnlySpan<int> kept = scores.Evict(call.KeyValueHead, call.FirstQuery, traits, rest);
        Count = kept.Length;
        kept.CopyTo(_positions);
        for (int i = 0; i < Count; i++)
            _slots[i] = call.Layout.Slot(kept[i]);
        _positions[Count..].Fill(Count == 0 ? 0 : _positions[Count - 1]);
        _slots[Count..].Fill(Count == 0 ? 0 : _slots[Count - 1]);
        if (selection.Trace is { } trace)
            Record(trace);
    }

    /// <summary>The keys' number.</summary>
    public int Count { get; }

    /// <summary>The keys' positions, ascending; the last one repeats behind them.</summary>
    public ref int Positions => ref MemoryMarshal.GetReference(_positions);

    /// <summary>The keys' slots in the cache, in the order of the positions; the last one repeats behind them.</summary>
    public ref int Slots => ref MemoryMarshal.GetReference(_slots);

    /// <summary>Where the weights of a block of keys go: <c>[Rows, BlockKeys]</c>.</summary>
    /// <param name="first">The block's first key.</param>
    public ref float Weights(int first) => ref _weights[first * _selection.Traits.Rows];

    /// <summary>Notes the rows' largest logits as of a block, which its weights are relative to.</summary>
    /// <param name="first">The block's first key.</param>
    public void NoteMaxima(int first) =>
        MemoryMarshal.CreateReadOnlySpan(ref _selection.Call.Maxima, _selection.Traits.Rows).CopyTo(_maxima[(first / BlockKeys * _selection.Traits.Rows)..]);

    /// <summary>The call over these keys alone.</summary>
    public KernelCall Chosen() => Over(0, Count);

    /// <summary>The call over one of the keys; its largest logits are the key's.</summary>
    public KernelCall Only(int index) => Over(index, 1);

    /// <summary>Notes the logits that a call over one key has left.</summary>
    public void NoteLogits(int index)
    {
        for (int row = 0; row < _selection.Cache.Shape.GroupSize; row++)
            Unsafe.Add(ref Weights(index / BlockKeys * BlockKeys), row * BlockKeys + index % BlockKeys) = Unsafe.Add(ref _selection.Call.Maxima, row);
    }

    /// <summary>Turns noted logits into weights, once a call over all keys has left the largest.</summary>
    public void WeighLogits()
    {
        for (int first = 0; first < Count; first += BlockKeys)
        {
            NoteMaxima(first);
            for (int row = 0; row < _selection.Cache.Shape.GroupSize; row++)
            {
                float maximum = Unsafe.Add(ref _selection.Call.Maxima, row);
                Span<float> weights = MemoryMarshal.CreateSpan(ref Unsafe.Add(ref Weights(first), row * BlockKeys), Math.Min(BlockKeys, Count - first));
                foreach (ref float weight in weights)
                    weight = float.Exp2(weight - maximum);
            }
        }
    }

    /// <summary>
    /// Adds to each key's score the mean over the group of its softmax weights. A head whose weights are not numbers, or that sees no key, has no say.
    /// </summary>
    /// <param name="valueFactor">Factor that the kernel has on its weights.</param>
    public void Add(float valueFactor)
    {
        if (Count == 0)
            return;

        KernelCall call = _selection.Call;
        int group = _selection.Cache.Shape.GroupSize, rows = _selection.Traits.Rows;
        _received.Clear();
        for (int row = 0; row < group; row++)
        {
            float maximum = Unsafe.Add(ref call.Maxima, row), total = Unsafe.Add(ref call.Weights, row);
            if (total <= 0)
                continue;
            total += float.Exp2(_selection.SinkLogit(row) - maximum);
            if (!float.IsFinite(total))
                continue;
            for (int first = 0; first < Count; first += BlockKeys)
            {
                int count = Math.Min(BlockKeys, Count - first);
                Span<float> weights = MemoryMarshal.CreateSpan(ref Unsafe.Add(ref Weights(first), row * BlockKeys), count), received = _received.Slice(first, count);
                float factor = float.Exp2(_maxima[first / BlockKeys * rows + row] - maximum) / (total * group);
                TensorPrimitives.Multiply(weights, 1 / valueFactor, weights);
                TensorPrimitives.MultiplyAdd(weights, factor, received, received);
            }
        }

        _selection.Cache.Scores!.Add(call.KeyValueHead, _positions[..Count], _received[..Count]);
    }

    /// <summary>Scratch memory, in floats.</summary>
    internal static long ScratchFloats(SelectionTraits traits, int query)
    {
        int most = MostOf(traits, query), blocks = Blocks(most);
        return 2L * Padded(most + ListPadding) + Padded(blocks * traits.Rows * BlockKeys) + Padded(blocks * traits.Rows) + Padded(blocks * BlockKeys)
            + Padded(RangeFloats * most) + AccumulatedScores.RankingFloats(most);
    }

    // A window's positions at most; what a mask hides counts.
    static int MostOf(SelectionTraits traits, int query)
    {
        long candidates = Math.Max(0, query + 1L);
        return (int)Math.Min(traits.Keep, traits.Window == 0 ? candidates : Math.Min(candidates, (long)traits.Window + traits.Sinks));
    }

    KernelCall Over(int first, int count)
    {
        for (int i = first; i < first + count; i++)
            _ranges[i] = new KeyRange(_positions[i], _positions[i] + 1, _positions[i], _positions[i] + 1);
        return _selection.Call.Over(_ranges.Slice(first, count));
    }

    void Record(SelectionTrace trace)
    {
        CacheKind kind = _selection.Cache.Kind;
        int head = _selection.Call.KeyValueHead, group = kind.Shape.GroupSize;
        for (int row = 0; row < group; row++)
            trace.Positions[head * group + row] = _positions[..Count].ToArray();
        Interlocked.Add(ref trace.ScorerBytes, (long)Count * (sizeof(float) + sizeof(int)));
        Interlocked.Add(ref trace.ChosenBytes, 2 * Count * kind.BytesOf(kind.Shape.HeadDim));
    }

    static int Blocks(int keys) => (keys + BlockKeys - 1) / BlockKeys;

    static int Padded(int floats) => (floats + 15) / 16 * 16;

    static Span<float> Take(scoped ref Span<float> rest, int floats)
    {
        Span<float> taken = rest[..floats];
        rest = rest[Padded(floats)..];
        return taken;
    }
}
