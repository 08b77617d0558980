using ILGPU;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>Where the scores of candidates are: each interval takes whole chunks of slots (<see cref="DeviceSelection"/>).</summary>
static class CandidateSlots
{
    /// <summary>Slots of an interval.</summary>
    public static int Count(int low, int high, int chunkKeys) => high <= low ? 0 : ((high + chunkKeys - 1) / chunkKeys - low / chunkKeys) * chunkKeys;

    /// <summary>The candidate of a slot.</summary>
    public static int PositionOf(ArrayView<int> intervals, int count, int chunkKeys, int slot)
    {
        int position = 0;
        for (int i = 0; i < count; i++)
        {
            int low = intervals[2 * i], slots = Count(low, intervals[2 * i + 1], chunkKeys);
            position = slot >= 0 && slot < slots ? low / chunkKeys * chunkKeys + slot : position;
            slot -= slots;
        }

        return position;
    }

    /// <summary>The slot of a candidate.</summary>
    public static int SlotOf(ArrayView<int> intervals, int count, int chunkKeys, int position)
    {
        int before = 0, slot = 0;
        for (int i = 0; i < count; i++)
        {
            int low = intervals[2 * i], high = intervals[2 * i + 1];
            slot = position >= low && position < high ? before + position - low / chunkKeys * chunkKeys : slot;
            before += Count(low, high, chunkKeys);
        }

        return slot;
    }
}
