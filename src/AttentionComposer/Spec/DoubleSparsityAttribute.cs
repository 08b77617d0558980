namespace AttentionComposer;

/// <summary>
/// Scores all keys by a few channels that calibration has chosen once and for all, and attends over the best in full (Double Sparsity, Yang et al.,
/// arXiv 2408.07092). The channels are in a field marked <see cref="LabelChannelsAttribute"/>; <see cref="DoubleSparsity.Calibrate"/> finds them.
/// </summary>
/// <remarks>
/// <para>Acts on calls of one token; longer ones run dense. With I the channels of a key/value head:</para>
/// <code>
/// z'[j]  = Scale · ⟨q[I], k[j, I]⟩        then the pipeline's score stages and masks
/// J      = the TopK keys with the best z', summed over the group
/// output = attention over J with whole keys
/// </code>
/// <para>The cache keeps these channels of the keys a second time, channel by channel: the label cache.</para>
/// </remarks>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class DoubleSparsityAttribute : Attribute
{
    /// <summary>Channels of a label; at least 1, of which HeadDim at most are used.</summary>
    public int Rank { get; set; } = 16;

    /// <summary>Keys that are attended to; at least 1.</summary>
    public int TopK { get; set; } = 128;

    /// <summary>Whether each query head chooses its own keys, as the released code does; the group chooses together otherwise.</summary>
    public bool PerHead { get; set; }
}

/// <summary>
/// Marks an <c>int[]</c> field with the label channels of <see cref="DoubleSparsityAttribute"/>: <c>[KeyValueHeads, Rank]</c>, each from 0 to HeadDim - 1
/// and at most once in a head.
/// </summary>
/// <remarks>A cache is made for the channels that the field holds then; calls with others are refused.</remarks>
[AttributeUsage(AttributeTargets.Field, Inherited = false)]
public sealed class LabelChannelsAttribute : Attribute;
