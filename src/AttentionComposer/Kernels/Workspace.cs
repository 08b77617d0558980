using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <summary>
/// What one call needs beside its arguments: scratch memory for each thread and unfinished results of key splits. Rented for a
/// call and kept for the next one, so that calls do not allocate once sizes have settled.
/// </summary>
sealed unsafe partial class Workspace
{
    static readonly Workspace?[] s_idle = new Workspace?[64];

    readonly NativeBuffer?[] _scratch = new NativeBuffer?[WorkerPool.Shared.MaxWorkers];
    NativeBuffer? _states;
    NativeBuffer? _pending;

    public static Workspace Rent()
    {
        foreach (ref Workspace? slot in s_idle.AsSpan())
        {
            if (Volatile.Read(ref slot) is not null && Interlocked.Exchange(ref slot, null) is { } workspace)
                return workspace;
        }

        return new Workspace();
    }

    public void Return()
    {
        foreach (ref Workspace? slot in s_idle.AsSpan())
        {
            if (slot is null && Interlocked.CompareExchange(ref slot, this, null) is null)
                return;
        }
    }

    float* Scratch(int worker) => (float*)_scratch[worker]!.Pointer;

    void Reserve(int workers, long scratchFloats, long stateFloats, long tiles)
    {
        for (int worker = 0; worker < workers; worker++)
            Grow(ref _scratch[worker], scratchFloats * sizeof(float));
        Grow(ref _states, stateFloats * sizeof(float));
        Grow(ref _pending, tiles * sizeof(int));
    }

    static void Grow(ref NativeBuffer? buffer, long bytes)
    {
        if (buffer is not null && buffer.SizeInBytes >= bytes)
            return;
        buffer?.Dispose();
        buffer = new NativeBuffer(bytes + bytes / 4);
    }
}
