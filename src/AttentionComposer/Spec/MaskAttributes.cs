namespace AttentionComposer;

/// <summary>A query at position <c>p</c> sees the keys at positions <c>0 … p</c>.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class CausalAttribute : Attribute;

/// <summary>
/// A query at position <c>p</c> sees the newest <paramref name="size"/> keys, its own included: <c>p - key &lt; size</c>.
/// Needs <see cref="CausalAttribute"/>.
/// </summary>
/// <remarks>flash-attn's <c>window_size = (left, 0)</c> keeps <c>left + 1</c> keys; this counts them all.</remarks>
/// <param name="size">Number of visible keys, at least 1.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class SlidingWindowAttribute(int size) : Attribute
{
    /// <summary>Number of visible keys, the current one included.</summary>
    public int Size { get; } = size;
}

/// <summary>
/// The first <paramref name="count"/> keys of the sequence stay visible beside the window (attention sinks; StreamingLLM,
/// arXiv 2309.17453). Needs <see cref="SlidingWindowAttribute"/>.
/// </summary>
/// <param name="count">Number of keys that are never masked out by the window, at least 1.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class SinksAttribute(int count) : Attribute
{
    /// <summary>Number of keys at the start of the sequence that stay visible.</summary>
    public int Count { get; } = count;
}
