namespace TextDecoder.Decoder;

/// <summary>One row of numbers for each token of a chunk, [tokens, width].</summary>
/// <param name="tokens">The most tokens.</param>
/// <param name="width">Numbers in a row.</param>
sealed unsafe class TokenRows(int tokens, int width)
{
    readonly AlignedBuffer<float> _numbers = new(checked(tokens * width));

    public int Tokens => tokens;

    public int Width => width;

    /// <summary>A token's row.</summary>
    public Span<float> this[int token] => _numbers.Slice(token * width, width);

    /// <summary>The rows of the first tokens.</summary>
    public Span<float> First(int count) => _numbers.Slice(0, count * width);

    /// <summary>A token's row, for as long as this object is referenced from somewhere.</summary>
    public float* Pointer(int token) => _numbers.Pointer + (token * width);
}
