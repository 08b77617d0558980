namespace AttentionComposer;

/// <summary>
/// Multiplies the dot products by <paramref name="value"/> in place of the default <c>1/sqrt(HeadDim)</c>.
/// 0 is allowed and gives every visible key the same weight.
/// </summary>
/// <param name="value">The softmax scale; finite.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ScaleAttribute(float value) : Attribute
{
    /// <summary>The softmax scale.</summary>
    public float Value { get; } = value;
}

/// <summary>
/// Caps the scaled scores smoothly: <c>cap · tanh(score / cap)</c> (Gemma 2, arXiv 2408.00118, section 2).
/// </summary>
/// <param name="cap">The bound of the capped scores; finite and above 0.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class SoftCapAttribute(float cap) : Attribute
{
    /// <summary>The bound of the capped scores.</summary>
    public float Cap { get; } = cap;
}

/// <summary>
/// Adds <c>-slope(head) · |query - key|</c> to the scores (ALiBi, arXiv 2108.12409). For a power of two of heads
/// <c>slope(h) = 2^(-8(h+1)/heads)</c>; other counts take the slopes of the next lower power of two and then every other
/// slope of the next higher one.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class AlibiAttribute : Attribute;
