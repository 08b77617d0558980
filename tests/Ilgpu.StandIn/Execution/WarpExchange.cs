using System.Runtime.InteropServices;

namespace ILGPU.Execution;

/// <summary>What the lanes of one warp give each other.</summary>
sealed class WarpExchange(GroupRun group, int lanes)
{
    const int SlotBytes = 16;

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

        // Two sets of slots in turn: whoever writes for the next exchange has passed this one's rendezvous, and with it all lanes have read the one before.
        int turn = _turns[lane]++ & 1;
        MemoryMarshal.Write(Slot(turn, lane), value);
        _rendezvous.Pass(place);
        return MemoryMarshal.Read<T>(Slot(turn, source));
    }

    Span<byte> Slot(int turn, int lane) => _slots.AsSpan((turn * GroupRun.WarpSize + lane) * SlotBytes, SlotBytes);
}
