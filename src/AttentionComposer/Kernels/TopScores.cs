using System.ComponentModel;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AttentionComposer.Kernels;

/// <summary>
/// The best of many scores, without sorting them: a score that reaches the running threshold is noted, and when the notes are full
/// they shrink to the best, which raises the threshold. Of equal scores the higher indices stay.
/// </summary>
/// <remarks>
/// A survey before the offers finds a good threshold: it takes the largest of every few scores, the peaks, some times as many as are kept. As many scores as
/// peaks reach a limit, at least, so the peaks' own limit is one for all scores, and few more reach it than are kept. Each note is a branch that nobody
/// foresees: without the survey these were most of the choice's time. Indices are offered in ascending order and stay so.
/// </remarks>
ref struct TopScores
{
    /// <summary>Notes that are worth having for this many scores to keep.</summary>
    public static int Capacity(int keep) => 2 * keep + 256;

    const int PeaksPerKept = 4;
    const int MaxPeakScores = 64;

    readonly Span<float> _scores;
    readonly Span<int> _indices;
    readonly Span<float> _peaks;
    readonly int _keep;
    readonly int _peakScores;
    float _threshold;
    int _peakCount;
    int _count;

    /// <summary>Starts without a survey.</summary>
    public TopScores(Span<float> scores, Span<int> indices, int keep, float least)
        : this(scores, indices, peaks: default, keep, candidates: 0, least)
    {
    }

    /// <summary>Starts with the survey still to come.</summary>
    /// <param name="scores">Room for <see cref="Capacity"/> notes.</param>
    /// <param name="indices">Room for as many.</param>
    /// <param name="peaks">Room for <see cref="PeakCapacity"/> peaks.</param>
    /// <param name="keep">Scores to keep.</param>
    /// <param name="candidates">Scores to come.</param>
    /// <param name="least">A score below it is never kept.</param>
    public TopScores(Span<float> scores, Span<int> indices, Span<float> peaks, int keep, int candidates, float least)
    {
        _scores = scores;
        _indices = indices;
        _peaks = peaks;
        _keep = keep;
        _peakScores = PeakScores(keep, candidates);
        _threshold = least;
    }

    /// <summary>Room for the peaks of at most so many scores.</summary>
    public static int PeakCapacity(int keep, int candidates) => Math.Max(2 * PeaksPerKept * keep, candidates / MaxPeakScores);

    /// <summary>Looks at neighbouring candidates before any is offered; those that fill no peak are left out.</summary>
    public void Survey(ReadOnlySpan<float> scores)
    {
        if (_keep == 0)
            return;
        ref float first = ref MemoryMarshal.GetReference(scores);
        int step = 8 * _peakScores;
        for (int i = 0; i <= scores.Length - step; i += step)
        {
            Vector256<float> peaks = Vector256.LoadUnsafe(ref first, (nuint)i);
            for (int k = 8; k < step; k += 8)
                peaks = Vector256.MaxNative(peaks, Vector256.LoadUnsafe(ref first, (nuint)(i + k)));
            peaks.CopyTo(_peaks[_peakCount..]);
            _peakCount += 8;
        }
    }

    /// <summary>Offers neighbouring candidates; their indices follow those of earlier offers.</summary>
    public void Offer(ReadOnlySpan<float> scores, int firstIndex)
    {
        if (_keep == 0)
            return;
        if (_peakCount >= _keep)
            _threshold = MathF.Max(_threshold, Limit(_peaks[.._peakCount], _keep));
        _peakCount = 0;

        ref float first = ref MemoryMarshal.GetReference(scores);
        int i = 0;
        for (; i <= scores.Length - 32; i += 32)
        {
            // A shrink within the block raises the threshold; what then falls below it is dropped by the next one.
            Vector256<float> threshold = Vector256.Create(_threshold);
            Vector256<float> reached0 = Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i), threshold);
            Vector256<float> reached1 = Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i + 8), threshold);
            Vector256<float> reached2 = Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i + 16), threshold);
            Vector256<float> reached3 = Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i + 24), threshold);
            if ((reached0 | reached1 | (reached2 | reached3)).ExtractMostSignificantBits() == 0)
                continue;

            uint reached = reached0.ExtractMostSignificantBits() | (reached1.ExtractMostSignificantBits() << 8)
                | (reached2.ExtractMostSignificantBits() << 16) | (reached3.ExtractMostSignificantBits() << 24);
            for (; reached != 0; reached &= reached - 1)
            {
                int lane = BitOperations.TrailingZeroCount(reached);
                Note(Unsafe.Add(ref first, i + lane), firstIndex + i + lane);
            }
        }

        for (; i < scores.Length; i++)
        {
            if (scores[i] >= _threshold)
                Note(scores[i], firstIndex + i);
        }
    }

    /// <summary>The indices of the best scores, ascending.</summary>
    public ReadOnlySpan<int> Best()
    {
        Shrink();
        return _indices[.._count];
    }

    /// <summary>
    /// A limit that the <paramref name="rank"/> largest of some numbers reach and no smaller ones: the rank-th largest, counted from 1, or a number between it
    /// and the next. Bisection on the bits of floats, whose order is that of integers.
    /// </summary>
    public static float Limit(ReadOnlySpan<float> values, int rank)
    {
        Vector256<float> smallest = Vector256.Create(float.PositiveInfinity), largest = Vector256.Create(float.NegativeInfinity);
        ref float first = ref MemoryMarshal.GetReference(values);
        int i = 0;
        for (; i <= values.Length - 8; i += 8)
        {
            Vector256<float> value = Vector256.LoadUnsafe(ref first, (nuint)i);
            smallest = Vector256.MinNative(smallest, value);
            largest = Vector256.MaxNative(largest, value);
        }

        float least = -Lanes.Max(-smallest), most = Lanes.Max(largest);
        for (; i < values.Length; i++)
        {
            least = MathF.Min(least, values[i]);
            most = MathF.Max(most, values[i]);
        }

        // At least rank numbers reach low, fewer reach high + 1.
        int low = Order(least), high = Order(most);
        while (low < high)
        {
            int middle = (int)(((long)low + high + 1) >> 1);
            int count = CountFrom(values, OfOrder(middle));
            if (count == rank)
                return OfOrder(middle);
            if (count > rank)
                low = middle;
            else
                high = middle - 1;
        }

        return OfOrder(low);
    }

    void Note(float score, int index)
    {
        if (_count == _scores.Length)
            Shrink();
        _scores[_count] = score;
        _indices[_count++] = index;
    }

    void Shrink()
    {
        if (_count <= _keep)
            return;

        _threshold = Limit(_scores[.._count], _keep);
        int excess = CountFrom(_scores[.._count], _threshold) - _keep; // equal scores that are too many: the first of them go
        int kept = 0;
        for (int i = 0; i < _count; i++)
        {
            // Without a branch, which nobody could predict.
            float score = _scores[i];
            _scores[kept] = score;
            _indices[kept] = _indices[i];
            int equal = score == _threshold ? 1 : 0, spare = excess > 0 ? 1 : 0;
            excess -= equal;
            kept += (score >= _threshold ? 1 : 0) - (equal & spare);
        }

        _count = kept;
    }

    static int CountFrom(ReadOnlySpan<float> values, float limit)
    {
        ref float first = ref MemoryMarshal.GetReference(values);
        Vector256<int> counts = Vector256<int>.Zero;
        int i = 0;
        for (; i <= values.Length - 8; i += 8)
            counts -= Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i), Vector256.Create(limit)).AsInt32();
        int count = Vector256.Sum(counts);
        for (; i < values.Length; i++)
            count += values[i] >= limit ? 1 : 0;
        return count;
    }

    // A power of two, so that peaks fill a chunk.
    static int PeakScores(int keep, int candidates) =>
        1 << BitOperations.Log2((uint)Math.Clamp(candidates / (PeaksPerKept * Math.Max(1, keep)), 1, MaxPeakScores));

    static int Order(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits ^ ((bits >> 31) & int.MaxValue);
    }

    static float OfOrder(int order) => BitConverter.Int32BitsToSingle(order ^ ((order >> 31) & int.MaxValue));
}
