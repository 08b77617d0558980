namespace AttentionComposer;

/// <summary>
/// Makes a partial class an attention pipeline: the generator fuses the class's attributes into one kernel per phase
/// and implements <see cref="IAttention"/> with them.
/// </summary>
/// <remarks>
/// Query head <c>h</c> reads key/value head <c>h / (QueryHeads / KeyValueHeads)</c>, so <see cref="KeyValueHeads"/> must divide
/// <see cref="QueryHeads"/>: equal counts are multi-head attention, one key/value head is multi-query attention.
/// </remarks>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class AttentionAttribute : Attribute
{
    /// <summary>Size of one head: a multiple of 8 from 32 to 256.</summary>
    public int HeadDim { get; set; }

    /// <summary>Number of query heads.</summary>
    public int QueryHeads { get; set; }

    /// <summary>Number of key/value heads; a divisor of <see cref="QueryHeads"/>.</summary>
    public int KeyValueHeads { get; set; }
}
