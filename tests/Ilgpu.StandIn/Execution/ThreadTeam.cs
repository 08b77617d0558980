namespace ILGPU.Execution;

/// <summary>The threads that run groups: started when a group first needs them, and kept.</summary>
sealed class ThreadTeam
{
    const int StackBytes = 512 * 1024;

    readonly Lock _lock = new();
    readonly List<SemaphoreSlim> _starts = [];
    readonly SemaphoreSlim _done = new(0);
    GroupRun? _run;
    int _running;

    /// <summary>One team for all accelerators: several would only share the same processors.</summary>
    public static ThreadTeam Shared { get; } = new();

    /// <summary>Runs all groups of a launch; returns or throws when the last one has ended.</summary>
    public void Run(GroupRun run)
    {
        lock (_lock)
        {
            while (_starts.Count < run.Size)
                Start(_starts.Count);
            _run = run;
            _running = run.Size;
            for (int i = 0; i < run.Size; i++)
                _starts[i].Release();
            _done.Wait();
            run.Complete();
        }
    }

    void Start(int index)
    {
        var start = new SemaphoreSlim(0);
        _starts.Add(start);
        new Thread(() => Work(index, start), StackBytes) { IsBackground = true, Name = $"kernel thread {index}" }.Start();
    }

    void Work(int index, SemaphoreSlim start)
    {
        while (true)
        {
            start.Wait();
            _run!.RunThread(index);
            if (Interlocked.Decrement(ref _running) == 0)
                _done.Release();
        }
    }
}
