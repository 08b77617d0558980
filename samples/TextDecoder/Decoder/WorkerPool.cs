namespace TextDecoder.Decoder;

/// <summary>
/// The decoder's threads: runs the items of one job after the other, on the calling thread and on its own.
/// </summary>
/// <remarks>
/// <see cref="Parallel"/> would do, but it allocates at every call and takes 0.1 ms to wake after a pause, and a token is many calls.
/// Idle threads look for work for a few microseconds, the time between two matrix products, and then sleep: the attention kernels
/// have threads of their own, which a busy waiter would keep from the processors.
/// </remarks>
sealed class WorkerPool : IDisposable
{
    const int LooksBeforeSleep = 300;

    // A thread passes over so many bytes in the time that another takes to wake.
    const long SmallWork = 1 << 20;

    readonly Lock _jobs = new();
    readonly object _sleep = new();
    readonly Thread[] _threads;
    Action<int, int> _body = static (_, _) => { };

    // The job's number above, items that nobody has taken yet below: in one word, so that a thread that is late for
    // one job can never take an item of the next under the old one's body.
    long _open;
    int _done;
    int _sleeping;
    bool _stopping;
    Exception? _failure;

    /// <param name="threads">Threads that work at once, the calling one included.</param>
    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _threads = new Thread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Loop(worker)) { IsBackground = true, Name = $"decoder {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Threads that work at once, the calling one included.</summary>
    public int Threads => _threads.Length + 1;

    /// <summary>Calls <paramref name="body"/> for each item, in any order, and returns when all are done.</summary>
    /// <param name="items">Number of items.</param>
    /// <param name="work">About how many bytes all of them pass over: what is done soon is done on the calling thread.</param>
    /// <param name="body">Gets an item, and a number below <see cref="Threads"/> that no other running item has.</param>
    public void Run(int items, long work, Action<int, int> body)
    {
        if (_threads.Length == 0 || items <= 1 || work < SmallWork)
        {
            for (int item = 0; item < items; item++)
                body(item, 0);
            return;
        }

        lock (_jobs)
        {
            _body = body;
            _failure = null;
            Volatile.Write(ref _done, 0);
            Interlocked.Exchange(ref _open, (((_open >> 32) + 1) << 32) | (uint)items);
            if (Volatile.Read(ref _sleeping) > 0)
                lock (_sleep)
                    Monitor.PulseAll(_sleep);

            TakeItems(worker: 0);
            SpinWait wait = default;
            while (Volatile.Read(ref _done) < items)
                wait.SpinOnce(sleep1Threshold: -1);
            if (_failure is { } failure)
                throw new InvalidOperationException("A part of the work failed.", failure);
        }
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        lock (_sleep)
        {
            _stopping = true;
            Monitor.PulseAll(_sleep);
        }

        foreach (var thread in _threads)
            thread.Join();
    }

    void Loop(int worker)
    {
        while (WaitForItems())
            TakeItems(worker);
    }

    bool WaitForItems()
    {
        for (int looks = 0; looks < LooksBeforeSleep; looks++)
        {
            if (HasItems())
                return true;
            Thread.SpinWait(1);
        }

        lock (_sleep)
        {
            // Announce, then look again: Run opens a job, then looks for sleepers, so one of the two sees the other.
            Interlocked.Increment(ref _sleeping);
            while (!HasItems() && !_stopping)
                Monitor.Wait(_sleep);
            Interlocked.Decrement(ref _sleeping);
            return !_stopping;
        }
    }

    bool HasItems() => (uint)Volatile.Read(ref _open) != 0;

    void TakeItems(int worker)
    {
        while (true)
        {
            long open = Volatile.Read(ref _open);
            if ((uint)open == 0)
                return;
            var body = Volatile.Read(ref _body);
            if (Interlocked.CompareExchange(ref _open, open - 1, open) != open)
                continue;

            try
            {
                body((int)(uint)open - 1, worker);
            }
            catch (Exception failure)
            {
                _failure = failure;
            }

            Interlocked.Increment(ref _done);
        }
    }
}
