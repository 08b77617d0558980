using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;

namespace AttentionComposer.Ilgpu;

/// <summary>
/// What the host knows of one sequence whose keys are evicted: which queries the device has counted, whether something is gone, and what is to be taken back before the next call. Scores and
/// lists are on the device.
/// </summary>
struct EvictionState
{
    PositionRing _positions;
    int _undoable;          // queries that can be taken back
    int _fixed;             // the last position of a query that cannot
    int _firstEviction;     // the number of the first query that evicted
    int _listed;            // see DeviceEviction.Listed
    int _mostLeft;          // positions below it that are left, at most

    [System.Runtime.CompilerServices.InlineArray(EvictionKernel.Undoable)]
    struct PositionRing
    {
        int _first;
    }

    public EvictionState() => Clear(previous: 0);

    /// <summary>The number of the newest query; 0 before the first.</summary>
    public int Newest { get; private set; }

    /// <summary>What the device does not know yet of truncations; null when it knows all.</summary>
    public Truncation? Pending { get; set; }

    /// <summary>Whether some position is gone; all heads evict alike.</summary>
    public readonly bool HasEvicted => _firstEviction <= Newest;

    /// <summary>Queries to take back, the newest first.</summary>
    /// <param name="First">The number of the oldest.</param>
    /// <param name="Newest">The number of the newest.</param>
    /// <param name="Previous">Positions from before.</param>
    /// <param name="Length">Positions that remain.</param>
    public readonly record struct Truncation(int First, int Newest, int Previous, int Length);

    /// <summary>Counts a query that can be taken back.</summary>
    public void Begin(int position)
    {
        Newest++;
        ref int slot = ref _positions[Newest % EvictionKernel.Undoable];
        if (_undoable == EvictionKernel.Undoable)
            _fixed = Math.Max(_fixed, slot);
        else
            _undoable++;
        slot = position;
    }

    /// <summary>Counts so many queries at once that they cannot be taken back.</summary>
    /// <param name="last">The last one's position.</param>
    public void BeginMany(int last)
    {
        Newest++;
        _undoable = 0;
        _fixed = last;
    }

    /// <summary>Counts a query that evicts.</summary>
    /// <returns>How many candidates it has at most.</returns>
    public int BeginStep(int position, SelectionTraits selection)
    {
        Begin(position);
        int candidates = _mostLeft + Math.Max(0, position + 1 - _listed);
        bool passes = selection.Window > 0 && (long)position - selection.Window >= selection.Sinks;
        if (!HasEvicted && (passes || position + 1L > selection.Keep))
            _firstEviction = Newest;
        _listed = Math.Max(_listed, position + 1);
        _mostLeft = HasEvicted ? Math.Min(candidates, selection.Keep) + Math.Max(0, _listed - position - 1) : _listed;
        return candidates;
    }

    /// <summary>Whether what queries from this position on have done can be taken back.</summary>
    public readonly bool CanGoBackTo(int length) => length == 0 || length > _fixed;

    /// <summary>Goes back to a length.</summary>
    public void Truncate(int length, int previous)
    {
        if (length == 0)
        {
            Clear(previous);
            return;
        }

        int first = Newest + 1;
        for (int query = Newest; query > Newest - _undoable; query--)
        {
            if (_positions[query % EvictionKernel.Undoable] >= length)
                first = query;
        }

        TakeBack(first, length, previous);
    }

    /// <summary>Takes back what a call that was refused halfway has done, given the state from before it.</summary>
    public void TakeBackTo(in EvictionState before, int length, int previous)
    {
        if (_undoable > 0 || Newest == before.Newest)
        {
            TakeBack(before.Newest + 1, length, previous);
            return;
        }

        // The device has added nothing for a dense call that was refused.
        int newest = Newest;
        this = before;
        Pending = new(newest + 1, newest, previous, length);
    }

    void TakeBack(int first, int length, int previous)
    {
        Pending = Pending is { } present
            ? new(Math.Min(present.First, first), present.Newest, present.Previous, Math.Min(present.Length, length))
            : new(first, Newest, previous, length);
        _undoable -= Newest + 1 - first;
        Newest = first - 1;
        if (_firstEviction > Newest)
            _firstEviction = int.MaxValue;
        _listed = _mostLeft = Math.Min(_listed, length);
    }

    void Clear(int previous)
    {
        (Newest, _undoable, _fixed, _firstEviction, _listed, _mostLeft) = (0, 0, -1, int.MaxValue, 0, 0);
        Pending = new(First: 1, Newest: 0, previous, Length: 0);
    }
}
