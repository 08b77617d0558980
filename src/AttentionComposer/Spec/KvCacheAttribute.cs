namespace AttentionComposer;

/// <summary>How the cache stores keys and values. Arithmetic is in float32 whatever the format.</summary>
public enum KvFormat
{
    /// <summary>IEEE binary32: 4 bytes a scalar, exact.</summary>
    Float32,

    /// <summary>IEEE binary16: 2 bytes a scalar, 11 significant bits, magnitudes up to 65504.</summary>
    Float16,

    /// <summary>bfloat16: 2 bytes a scalar, 8 significant bits, the range of float32.</summary>
    BFloat16,

    /// <summary>
    /// 8-bit integers and one float32 scale a row, which is one head's key or value at one position: 1 byte a scalar and 4 a row. Symmetric: the scale is the
    /// row's largest magnitude over 127, and a scalar is off by at most half of it. A row that holds NaN or infinity is NaN throughout.
    /// </summary>
    Int8,
}

/// <summary>Chooses how the pipeline's caches store keys and values; <see cref="KvFormat.Float32"/> without it.</summary>
/// <param name="format">The storage format.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class KvCacheAttribute(KvFormat format) : Attribute
{
    /// <summary>The storage format.</summary>
    public KvFormat Format { get; } = format;
}
