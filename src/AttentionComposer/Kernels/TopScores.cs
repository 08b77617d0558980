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
/// Scores in random order cost one comparison each and some <c>keep · ln(scores / keep)</c> notes. Indices are offered in ascending
/// order and stay so.
/// </remarks>
ref struct TopScores
{
    /// <summary>Notes that are worth having for this many scores to keep.</summary>
    public static int Capacity(int keep) => 2 * keep + 256;

    readonly Span<float> _scores;
    readonly Span<int> _indices;
    readonly int _keep;
    float _threshold;
    int _count;

    /// <param name="scores">Room for <see cref="Capacity"/> notes.</param>
    /// <param name="indices">Room for as many.</param>
    /// <param name="keep">Scores to keep.</param>
    /// <param name="least">A score below it is never kept.</param>
    public TopScores(Span<float> scores, Span<int> indices, int keep, float least)
    {
        _scores = scores;
        _indices = indices;
        _keep = keep;
        _threshold = least;
    }

    /// <summary>
    /// Starts from what some of the candidates, to be offered later, say alone: as many as there are to keep among them are no worse than the limit.
    /// </summary>
    public void StartFrom(ReadOnlySpan<float> scores)
    {
        if (_keep > 0 && scores.Length >= _keep)
            _threshold = MathF.Max(_threshold, Largest(scores, _keep));
    }

    /// <summary>Offers neighbouring candidates; their indices follow those of earlier offers.</summary>
    public void Offer(ReadOnlySpan<float> scores, int firstIndex)
    {
        if (_keep == 0)
            return;
        ref float first = ref MemoryMarshal.GetReference(scores);
        int i = 0;
        for (; i <= scores.Length - 16; i += 16)
        {
            // A shrink within the block raises the threshold; what then falls below it is dropped by the next one.
            Vector256<float> threshold = Vector256.Create(_threshold);
            Vector256<float> low = Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i), threshold);
            Vector256<float> high = Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i + 8), threshold);
            uint reached = low.ExtractMostSignificantBits() | (high.ExtractMostSignificantBits() << 8);
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
    /// The <paramref name="rank"/>-th largest of some finite numbers, counted from 1: bisection on the bits of floats, whose order is
    /// that of integers.
    /// </summary>
    public static float Largest(ReadOnlySpan<float> values, int rank)
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

        // low reaches the rank, high + 1 does not
        int low = Order(least), high = Order(most);
        while (low < high)
        {
            int middle = (int)(((long)low + high + 1) >> 1);
            if (CountFrom(values, OfOrder(middle)) >= rank)
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

        _threshold = Largest(_scores[.._count], _keep);
        int excess = CountFrom(_scores[.._count], _threshold) - _keep; // equal scores that are too many: the first of them go
        int kept = 0;
        for (int i = 0; i < _count; i++)
        {
            float score = _scores[i];
            if (score < _threshold || (score == _threshold && excess-- > 0))
                continue;
            _scores[kept] = score;
            _indices[kept++] = _indices[i];
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

    static int Order(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits ^ ((bits >> 31) & int.MaxValue);
    }

    static float OfOrder(int order) => BitConverter.Int32BitsToSingle(order ^ ((order >> 31) & int.MaxValue));
}
