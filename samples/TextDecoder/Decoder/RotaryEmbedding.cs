namespace TextDecoder.Decoder;

/// <summary>
/// Rotary positions (RoPE, arXiv 2104.09864): the pair (d, d + HeadDim/2) of every query and key head is turned by
/// <c>position · frequency(d)</c>, so that a score depends on the distance of its two positions.
/// </summary>
sealed class RotaryEmbedding
{
    readonly double[] _frequencies;
    readonly float[] _cosines;
    readonly float[] _sines;

    /// <param name="frequencies">Radians a position, for each of the HeadDim / 2 pairs.</param>
    /// <param name="tokens">The most tokens that one <see cref="MoveTo"/> covers.</param>
    public RotaryEmbedding(double[] frequencies, int tokens)
    {
        _frequencies = frequencies;
        _cosines = new float[tokens * frequencies.Length];
        _sines = new float[tokens * frequencies.Length];
    }

    /// <summary><c>theta^(-2d / headDim)</c>.</summary>
    public static double[] Frequencies(int headDim, double theta)
    {
        var frequencies = new double[headDim / 2];
        for (int d = 0; d < frequencies.Length; d++)
            frequencies[d] = Math.Pow(theta, -2.0 * d / headDim);
        return frequencies;
    }

    /// <summary>
    /// Llama 3.1's way to a longer context: fast rotations stay, slow ones slow down by <paramref name="factor"/>, and between two
    /// wavelengths, given as shares of the original context, the one passes into the other.
    /// </summary>
    public static void ScaleLlama3(
        Span<double> frequencies, double factor, double lowFactor, double highFactor, double originalContext)
    {
        foreach (ref double frequency in frequencies)
        {
            double turns = originalContext * frequency / (2 * Math.PI); // in the original context
            double kept = Math.Clamp((turns - lowFactor) / (highFactor - lowFactor), 0, 1);
            frequency *= kept + ((1 - kept) / factor);
        }
    }

    /// <summary>Prepares for tokens at the positions from <paramref name="position"/> on: one table for all heads and layers.</summary>
    public void MoveTo(int position, int tokens)
    {
        for (int t = 0; t < tokens; t++)
        {
            for (int d = 0; d < _frequencies.Length; d++)
            {
                // In float64, since a float32 angle of a few thousand radians is off by 1e-4.
                var (sine, cosine) = Math.SinCos((position + t) * _frequencies[d]);
                _sines[(t * _frequencies.Length) + d] = (float)sine;
                _cosines[(t * _frequencies.Length) + d] = (float)cosine;
            }
        }
    }

    /// <summary>Turns all heads of one token.</summary>
    /// <param name="heads">[heads, HeadDim].</param>
    /// <param name="token">Counted from the position of <see cref="MoveTo"/>.</param>
    public void Rotate(Span<float> heads, int token)
    {
        int half = _frequencies.Length;
        ReadOnlySpan<float> cosines = _cosines.AsSpan(token * half, half);
        ReadOnlySpan<float> sines = _sines.AsSpan(token * half, half);
        for (; !heads.IsEmpty; heads = heads[(2 * half)..])
        {
            var first = heads[..half];
            var second = heads[half..(2 * half)];
            for (int d = 0; d < half; d++)
            {
                float a = first[d], b = second[d];
                first[d] = (a * cosines[d]) - (b * sines[d]);
                second[d] = (a * sines[d]) + (b * cosines[d]);
            }
        }
    }
}
