using System.Diagnostics;

namespace AttentionComposer.Benchmarks;

/// <summary>
/// Threads that start one piece of work at the same instant. They sleep between pieces: the library's own pool spins for a
/// while after each call, and a second spinning pool on the same cores would take them from it.
/// </summary>
/// <remarks>
/// The clock starts when all members are awake and met at a barrier, and stops when the last has finished, so waking them
/// costs the limit nothing. The caller only waits; otherwise it would share a core with a pinned member.
/// </remarks>
sealed class ThreadTeam : IDisposable
{
    readonly Thread[] _threads;
    readonly SemaphoreSlim _wake = new(0);
    readonly ManualResetEventSlim _finished = new(false);
    Action<int> _work = _ => { };
    int _arrived;
    long _started, _ended;
    bool _disposed;

    public ThreadTeam(int size, int[] cores)
    {
        _threads = new Thread[size];
        for (int i = 0; i < size; i++)
        {
            int member = i;
            _threads[i] = new Thread(() => Serve(member, cores)) { IsBackground = true, Name = $"limit {i}" };
            _threads[i].Start();
        }
    }

    public int Size => _threads.Length;

    /// <summary>Runs <paramref name="work"/> once on each member.</summary>
    /// <returns>Seconds between the first start and the last end.</returns>
    public double Time(Action<int> work)
    {
        _work = work;
        _arrived = 0;
        _finished.Reset();
        _wake.Release(Size);
        _finished.Wait();
        return Stopwatch.GetElapsedTime(_started, _ended).TotalSeconds;
    }

    void Serve(int member, int[] cores)
    {
        if (cores.Length > 0)
            ProcessorAffinity.Pin(cores[member % cores.Length]);
        while (true)
        {
            _wake.Wait();
            if (_disposed)
                return;
            Meet(Size);
            if (member == 0)
                _started = Stopwatch.GetTimestamp();
            _work(member);
            if (Interlocked.Increment(ref _arrived) == 2 * Size)
            {
                _ended = Stopwatch.GetTimestamp();
                _finished.Set();
            }
        }
    }

    void Meet(int expected)
    {
        Interlocked.Increment(ref _arrived);
        var spin = new SpinWait();
        while (Volatile.Read(ref _arrived) < expected)
            spin.SpinOnce(sleep1Threshold: -1);
    }

    public void Dispose()
    {
        _disposed = true;
        _wake.Release(Size);
        foreach (Thread thread in _threads)
            thread.Join();
        _wake.Dispose();
        _finished.Dispose();
    }
}
