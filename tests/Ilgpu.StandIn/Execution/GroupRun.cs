using ILGPU.Runtime;

namespace ILGPU.Execution;

/// <summary>
/// One launch of a kernel: its groups run one after another, each on as many threads as the group has. A thread that leaves its views, or that waits for threads
/// that will not come, fails the launch; the GPU would return nonsense, or hang.
/// </summary>
sealed class GroupRun
{
    public const int WarpSize = 32;
    public const int MaxGroupSize = 256; // a card has 1024; that many threads take long on a few processors
    public const int MaxSharedMemory = 48 * 1024;

    readonly Action _kernel;
    readonly string _name;
    readonly Rendezvous _barrier;
    readonly Rendezvous _end;
    readonly WarpExchange[] _warps;
    readonly List<MemoryBuffer> _shared = [];
    readonly bool[] _answers = new bool[3];
    readonly int _groups;
    int _sharedBytes;
    int _standing; // threads that wait, or that are at the kernel's end
    Exception? _failure;
    int _group;

    public GroupRun(string name, Action kernel, KernelConfig config)
    {
        (_name, _kernel, GridDim, GroupDim) = (name, kernel, config.GridDim, config.GroupDim);
        Size = GroupDim.X * GroupDim.Y * GroupDim.Z;
        if (Size is < 1 or > MaxGroupSize || GridDim.X < 1 || GridDim.Y < 1 || GridDim.Z < 1 || GridDim.Y > ushort.MaxValue || GridDim.Z > ushort.MaxValue)
            throw new NotSupportedException($"{name} cannot run as a grid of {GridDim} groups of {GroupDim} threads.");
        _groups = checked(GridDim.X * GridDim.Y * GridDim.Z);
        _barrier = new Rendezvous(this, Size);
        _end = new Rendezvous(this, Size);
        _warps = [.. Enumerable.Range(0, (Size + WarpSize - 1) / WarpSize)
            .Select(warp => new WarpExchange(this, Math.Min(WarpSize, Size - warp * WarpSize)))];
    }

    public Index3D GridDim { get; }

    public Index3D GroupDim { get; }

    /// <summary>Threads in a group.</summary>
    public int Size { get; }

    /// <summary>The group that runs now.</summary>
    public Index3D GridIdx => new(_group % GridDim.X, _group / GridDim.X % GridDim.Y, _group / GridDim.X / GridDim.Y);

    public bool Failed => Volatile.Read(ref _failure) is not null;

    public WarpExchange WarpOf(int thread) => _warps[thread / WarpSize];

    /// <summary>What one of the group's threads does.</summary>
    public void RunThread(int index)
    {
        var thread = new KernelThread(this, index);
        KernelThread.Enter(thread);
        try
        {
            for (int group = 0; group < _groups; group++)
            {
                thread.BeginGroup();
                _kernel();
                _end.Pass("the kernel's end");
                if (index == 0)
                    NextGroup();
                _end.Pass("the kernel's end");
            }
        }
        catch (GroupFailedException)
        {
            // Another thread tells why.
        }
        catch (Exception exception)
        {
            Fail(exception, index);
        }
        finally
        {
            KernelThread.Enter(null);
        }
    }

    /// <summary>Frees what the launch held, and throws if it failed.</summary>
    public void Complete()
    {
        FreeShared();
        if (_failure is not null)
            throw _failure;
    }

    public void Barrier() => _barrier.Pass("Group.Barrier");

    /// <summary>Whether the predicate holds for any thread in the group's <paramref name="turn"/>th such question.</summary>
    public bool BarrierOr(int turn, bool predicate)
    {
        // Three answers in turn: nobody still reads the next one, which was read two barriers ago.
        Volatile.Write(ref _answers[(turn + 1) % 3], false);
        if (predicate)
            Volatile.Write(ref _answers[turn % 3], true);
        _barrier.Pass("Group.BarrierOr");
        return Volatile.Read(ref _answers[turn % 3]);
    }

    /// <summary>The group's shared memory that its threads ask for as their <paramref name="order"/>th.</summary>
    public ArrayView<T> Shared<T>(int order, int length)
        where T : unmanaged
    {
        lock (_shared)
        {
            if (order == _shared.Count)
            {
                int bytes = length * Interop.SizeOf<T>();
                _sharedBytes += bytes;
                if (_sharedBytes > MaxSharedMemory)
                    throw new NotSupportedException($"A group's shared memory ends at {MaxSharedMemory} bytes; {_name} asks for {_sharedBytes}.");
                _shared.Add(new MemoryBuffer1D<T, Stride1D.Dense>(null, length));
            }

            if (_shared[order] is not MemoryBuffer1D<T, Stride1D.Dense> shared || shared.Length != length)
                throw new InvalidOperationException(
                    $"Threads of one group ask for different shared memory in the same place: one of them for {length} elements of {typeof(T).Name}.");
            return shared.AsContiguous();
        }
    }

    /// <summary>Counts a thread that begins to wait. The last one that could have gone on finds that nobody does.</summary>
    public void Pause(string place)
    {
        if (Interlocked.Increment(ref _standing) == Size)
            throw new InvalidOperationException(
                $"Its threads wait for each other at different places: one at {place}, others elsewhere or past their end. Every thread of a group has to reach each barrier, and " +
                "every lane of a warp each shuffle.");
    }

    /// <summary>Counts threads that go on.</summary>
    public void Resume(int threads) => Interlocked.Add(ref _standing, -threads);

    public void ThrowIfFailed()
    {
        if (Failed)
            throw new GroupFailedException();
    }

    void Fail(Exception exception, int thread)
    {
        var failure = new KernelException($"Thread {thread} of group {GridIdx} of the kernel {_name}: {exception.Message}", exception);
        Interlocked.CompareExchange(ref _failure, failure, null);
        _barrier.Wake();
        _end.Wake();
        foreach (WarpExchange warp in _warps)
            warp.Wake();
    }

    void NextGroup()
    {
        FreeShared();
        _group++;
    }

    void FreeShared()
    {
        foreach (MemoryBuffer buffer in _shared)
            buffer.Dispose();
        _shared.Clear();
        _sharedBytes = 0;
    }

    /// <summary>Ends the threads of a group in which another one has failed.</summary>
    sealed class GroupFailedException : Exception;
}
