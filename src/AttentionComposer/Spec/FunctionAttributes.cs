namespace AttentionComposer;

/// <summary>
/// Marks a method that replaces a score. The generator reads its body and fuses it, vectorised, into the pipeline's kernels.
/// </summary>
/// <remarks>
/// <para>The method returns <c>float</c> and takes any of these parameters, known by their names: <c>float score</c>, <c>int batch</c> (the
/// cache's index in a batched call, otherwise 0), <c>int head</c> (the query head), <c>int keyValueHead</c>, <c>int query</c> and
/// <c>int key</c> (absolute positions). It runs behind the scale, the soft cap and ALiBi, in natural units.</para>
/// <para>A score of negative infinity hides the key. A score is never asked for a key that a mask hides.</para>
/// </remarks>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class ScoreAttribute : Attribute
{
    /// <summary>Its place among several score functions: lower ones run first. Two functions must not have the same place.</summary>
    public int Order { get; set; }
}

/// <summary>
/// Marks a method that says whether a query sees a key. It returns <c>bool</c> and takes any of <c>int batch</c>, <c>int head</c>,
/// <c>int keyValueHead</c>, <c>int query</c> and <c>int key</c>.
/// </summary>
/// <remarks>
/// Several masks, those of attributes included, must all hold. No mask is built in memory: what is linear in the positions becomes
/// intervals of keys, and the rest is tested per tile, so that blocks without a visible key are skipped.
/// </remarks>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class MaskAttribute : Attribute;

/// <summary>
/// Marks a <c>float[]</c> field of one logit a query head that joins the softmax's denominator without having a value (learned sinks,
/// as in gpt-oss). The log-sum-exp includes it; a row that sees no key keeps output 0 and negative infinity.
/// </summary>
[AttributeUsage(AttributeTargets.Field, Inherited = false)]
public sealed class SinkLogitsAttribute : Attribute;

/// <summary>How scores become weights.</summary>
public enum Normalization
{
    /// <summary><c>exp(s) / Σ exp(s)</c>.</summary>
    Softmax,

    /// <summary><c>exp(s) / (1 + Σ exp(s))</c>: a row may attend to nothing.</summary>
    SoftmaxOne,

    /// <summary><c>1 / (1 + exp(-s))</c>, each key by itself (arXiv 2409.04431). A bias such as -ln n belongs into a score function.</summary>
    Sigmoid,

    /// <summary><c>max(s, 0)</c>, each key by itself (arXiv 2309.08586). A factor such as 1/n belongs into a score function.</summary>
    Relu,
}

/// <summary>
/// Chooses how scores become weights; <see cref="Normalization.Softmax"/> without it. In every case the log-sum-exp is the natural
/// logarithm of what the row's weights add up to before they are divided by anything.
/// </summary>
/// <param name="normalization">The rule.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class NormalizerAttribute(Normalization normalization) : Attribute
{
    /// <summary>The rule.</summary>
    public Normalization Normalization { get; } = normalization;
}
