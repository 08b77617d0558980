using AttentionComposer.Ilgpu.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>What a cache keeps of the weights that its keys have received: <see cref="DeviceEviction"/>, and what the host knows of it.</summary>
sealed class EvictionMemory : IDisposable
{
    readonly MemoryBuffer1D<float, Stride1D.Dense> _scores, _saved;
    readonly MemoryBuffer1D<int, Stride1D.Dense> _evictedBy, _list, _counts, _listed, _numbers, _positions;

    public EvictionMemory(Accelerator accelerator, AttentionShape shape, int sequences, int rows)
    {
        long heads = (long)sequences * shape.KeyValueHeads;
        (_scores, _saved) = (accelerator.Allocate1D<float>(heads * rows), accelerator.Allocate1D<float>(heads * EvictionKernel.Undoable * rows));
        (_evictedBy, _list) = (accelerator.Allocate1D<int>(heads * rows), accelerator.Allocate1D<int>(heads * rows));
        (_counts, _listed) = (accelerator.Allocate1D<int>(heads), accelerator.Allocate1D<int>(heads));
        (_numbers, _positions) = (accelerator.Allocate1D<int>(sequences), accelerator.Allocate1D<int>(sequences * EvictionKernel.Undoable));
        States = new EvictionState[sequences];
        for (int i = 0; i < sequences; i++)
            States[i] = new();
    }

    /// <summary>One state a sequence.</summary>
    public EvictionState[] States { get; }

    public long LengthInBytes => _scores.LengthInBytes + _saved.LengthInBytes + _evictedBy.LengthInBytes + _list.LengthInBytes;

    /// <summary>That of some sequences.</summary>
    public DeviceEviction Of(int first, int sequences, int rows) => new()
    {
        Scores = Part(_scores, first, sequences),
        EvictedBy = Part(_evictedBy, first, sequences),
        List = Part(_list, first, sequences),
        Counts = Part(_counts, first, sequences),
        Listed = Part(_listed, first, sequences),
        Saved = Part(_saved, first, sequences),
        Numbers = Part(_numbers, first, sequences),
        Positions = Part(_positions, first, sequences),
        Capacity = rows,
    };

    public void Dispose()
    {
        foreach (IDisposable buffer in (IDisposable[])[_scores, _saved, _evictedBy, _list, _counts, _listed, _numbers, _positions])
            buffer.Dispose();
    }

    ArrayView<T> Part<T>(MemoryBuffer1D<T, Stride1D.Dense> buffer, int first, int sequences)
        where T : unmanaged
    {
        long sequence = buffer.Length / States.Length;
        return buffer.AsContiguous().SubView(first * sequence, sequences * sequence);
    }
}
