namespace AttentionComposer.Caches;

/// <summary>Memory for something that a cache keeps in every slot of every head: <c>[heads, slots, bytes]</c>.</summary>
/// <param name="heads">Number of heads.</param>
/// <param name="slots">Slots of a head.</param>
/// <param name="slotBytes">Bytes of a slot; 0 where a cache keeps nothing.</param>
/// <param name="padding">Slots behind each head's last one that a kernel may read and does not use.</param>
sealed unsafe class SlotMemory(int heads, int slots, int slotBytes, int padding = 0) : IDisposable
{
    readonly NativeBuffer _bytes = new((long)heads * (slots + padding) * slotBytes);

    /// <summary>Slots behind each head's last one.</summary>
    public int Padding { get; } = padding;

    /// <summary>Bytes of a slot.</summary>
    public int SlotBytes { get; } = slotBytes;

    /// <summary>Bytes from one head to the next.</summary>
    public long HeadBytes { get; } = (long)(slots + padding) * slotBytes;

    public long SizeInBytes => _bytes.SizeInBytes;

    /// <summary>The first slot of a head.</summary>
    public byte* Of(int head) => _bytes.Pointer + head * HeadBytes;

    /// <summary>One slot.</summary>
    public byte* At(int head, int slot) => Of(head) + (long)slot * SlotBytes;

    public void Dispose() => _bytes.Dispose();
}
