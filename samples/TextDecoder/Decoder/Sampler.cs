using System.Numerics.Tensors;

namespace TextDecoder.Decoder;

/// <summary>Chooses the next token.</summary>
/// <remarks>
/// Temperature 0 takes the likeliest token. Otherwise logits are divided by the temperature, and a token is drawn from the
/// nucleus: the fewest likeliest tokens whose probabilities reach top-p (arXiv 1904.09751).
/// </remarks>
sealed class Sampler
{
    readonly float _temperature;
    readonly float _topP;
    readonly Random _random;
    float[] _probabilities = [];
    int[] _candidates = [];

    /// <param name="temperature">0 or more.</param>
    /// <param name="topP">Above 0, at most 1.</param>
    /// <param name="seed">The same seed draws the same tokens.</param>
    public Sampler(float temperature, float topP, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(temperature);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(topP);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(topP, 1);
        (_temperature, _topP, _random) = (temperature, topP, new Random(seed));
    }

    /// <summary>The token to go on with.</summary>
    /// <param name="logits">[vocabulary].</param>
    public int Sample(ReadOnlySpan<float> logits)
    {
        if (_temperature == 0)
            return TensorPrimitives.IndexOfMax(logits);

        if (_probabilities.Length != logits.Length)
            (_probabilities, _candidates) = (new float[logits.Length], new int[logits.Length]);

        // The largest logit leaves first: exp then stays in range at any temperature.
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), _probabilities);
        TensorPrimitives.Divide(_probabilities, _temperature, _probabilities);
        TensorPrimitives.Exp(_probabilities, _probabilities);
        float total = TensorPrimitives.Sum<float>(_probabilities);

        int count = SortCandidates(total * (1 - _topP) / logits.Length);
        float nucleus = 0;
        int size = 0;
        while (size < count && (size == 0 || nucleus < _topP * total))
            nucleus += _probabilities[size++];

        float point = _random.NextSingle() * nucleus;
        for (int i = 0; i < size - 1; i++)
        {
            point -= _probabilities[i];
            if (point < 0)
                return _candidates[i];
        }

        return size > 0 ? _candidates[size - 1] : TensorPrimitives.IndexOfMax(logits);
    }

    /// <summary>
    /// Moves the likelier tokens to the front, the likeliest first, and counts them. Tokens below <paramref name="least"/> cannot be
    /// in the nucleus: all of them together weigh less than what it leaves out.
    /// </summary>
    int SortCandidates(float least)
    {
        int count = 0;
        for (int token = 0; token < _probabilities.Length; token++)
        {
            float probability = _probabilities[token];
            if (probability < least)
                continue;
            _probabilities[count] = probability;
            _candidates[count++] = token;
        }

        MemoryExtensions.Sort(_probabilities.AsSpan(0, count), _candidates.AsSpan(0, count), Descending);
        return count;
    }

    static readonly Comparison<float> Descending = (a, b) => b.CompareTo(a);
}
