using System.Runtime.InteropServices;

namespace ILGPU.Execution;

/// <summary>What the lanes of one warp give each other.</summary>
sealed class WarpExchange(GroupRun group, int lanes)
{
    public const int SlotBytes = 32;

    readonly Rendezvous _rendezvous = new(group, lanes);
    readonly byte[] _slots = new byte[2 * GroupRun.WarpSize * SlotBytes];
    readonly int[] _turns = new int[GroupRun.WarpSize];

    public void Barrier() => _rendezvous.Pass("Warp.Barrier");

    public void Wake() => _rendezvous.Wake();

    /// <summary>Gives <paramref name="value"/> to the warp and takes the one of the lane <paramref name="source"/>.</summary>
    public T Exchange<T>(int lane, T value, int source, string place)
        where T : unmanaged
    {
        if ((uint)source >= (uint)lanes)
            throw new InvalidOperationException($"Lane {lane} reads from lane {source}; the warp has {lanes} lanes.");
        return MemoryMarshal.Read<T>(ExchangeAll(lane, value, place)[(source * SlotBytes)..]);
    }

    /// <summary>Gives <paramref name="value"/> to the warp and takes those of all lanes, each in a slot of <see cref="SlotBytes"/>.</summary>
    public ReadOnlySpan<byte> ExchangeAll<T>(int lane, T value, string place)
        where T : unmanaged
    {
        // Two sets of slots in turn: whoever writes for the next exchange has passed this one's rendezvous, and with it all lanes have read the one before.
        int set = (_turns[lane]++ & 1) * GroupRun.WarpSize * SlotBytes;
        MemoryMarshal.Write(_slots.AsSpan(set + lane * SlotBytes, SlotBytes), value);
        _rendezvous.Pass(place);
        return _slots.AsSpan(set, GroupRun.WarpSize * SlotBytes);
    }
}
