using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace AttentionComposer.Kernels;

/// <summary>A piece of parallel work: items that may run in any order and on any thread.</summary>
interface IParallelWork
{
    /// <summary>Runs one item.</summary>
    /// <param name="item">0 … items - 1.</param>
    /// <param name="worker">0 … degree - 1; no two items run at once under one number.</param>
    void Run(int item, int worker);
}

/// <summary>
/// The process's threads for kernels. A decode step takes tens of microseconds, so idle threads spin for a moment before they
/// park; one pool serves the whole process because a spinning thread without a free core delays everybody by milliseconds.
/// </summary>
/// <remarks>
/// One job runs at a time. A caller that finds the pool busy runs its job on its own thread: that never waits, and the
/// processors are in use already. Nothing here allocates or locks once the threads exist, except to wake parked threads.
/// </remarks>
sealed class WorkerPool
{
    // Spins of about 10 ns: idle threads wait this long for the next layer's call before they park.
    const int SpinsBeforePark = 4000;

    readonly Worker[] _workers;
    IParallelWork? _work;
    ExceptionDispatchInfo? _failure;
    Padded _ticket;     // job number, number of items, next item: one word, so that a claim is of one job for certain
    Padded _finished;   // items done
    int _busy;
    int _degree;

    WorkerPool(int threads)
    {
        _workers = new Worker[threads];
        for (int i = 0; i < threads; i++)
        {
            int number = i + 1;
            _workers[i] = new Worker();
            new Thread(() => Loop(number)) { IsBackground = true, Name = $"attention {number}" }.Start();
        }
    }

    /// <summary>The process's pool: one thread less than processors, since callers work too.</summary>
    public static WorkerPool Shared { get; } = new(Environment.ProcessorCount - 1);

    /// <summary>Numbers that <see cref="IParallelWork.Run"/> may see as its worker: one for each thread and the caller.</summary>
    public int MaxWorkers => _workers.Length + 1;

    /// <summary>Runs all items and returns when they are done; an item's exception is thrown here once the others have ended.</summary>
    /// <param name="work">The work.</param>
    /// <param name="items">Number of items, below 2^24: see <see cref="Ticket"/>.</param>
    /// <param name="degree">The most threads to use, the caller included.</param>
    public void Run(IParallelWork work, int items, int degree)
    {
        degree = Math.Min(Math.Min(degree, items), MaxWorkers);
        if (degree <= 1 || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            for (int item = 0; item < items; item++)
                work.Run(item, worker: 0);
            return;
        }

        _work = work;
        _failure = null;
        _degree = degree;
        Volatile.Write(ref _finished.Value, 0);
        long ticket = Ticket.Next(Volatile.Read(ref _ticket.Value), items);
        Interlocked.Exchange(ref _ticket.Value, ticket);
        for (int i = 0; i < degree - 1; i++)
            _workers[i].WakeIfParked();

        RunItems(ticket, worker: 0);

        SpinWait spin = default;
        while (Volatile.Read(ref _finished.Value) < items)
            spin.SpinOnce(sleep1Threshold: -1);

        ExceptionDispatchInfo? failure = _failure;
        _work = null;
        Volatile.Write(ref _busy, 0);
        failure?.Throw();
    }

    void Loop(int number)
    {
        long seen = 0;
        while (true)
        {
            seen = WaitForJob(_workers[number - 1], seen);
            if (number < Volatile.Read(ref _degree))
                RunItems(seen, number);
        }
    }

    long WaitForJob(Worker worker, long seen)
    {
        while (true)
        {
            for (int spins = 0; spins < SpinsBeforePark; spins++)
            {
                long ticket = Volatile.Read(ref _ticket.Value);
                if (Ticket.Job(ticket) != Ticket.Job(seen))
                    return ticket;
                Thread.SpinWait(1);
            }

            // Announce first, look again after: a job that starts in between either sees the announcement or is seen here.
            worker.AnnouncePark();
            if (Ticket.Job(Interlocked.Read(ref _ticket.Value)) == Ticket.Job(seen))
                worker.Park();
            else
                worker.CancelPark();
        }
    }

    void RunItems(long job, int worker)
    {
        while (TryClaim(job, out int item))
        {
            try
            {
                _work!.Run(item, worker);
            }
            catch (Exception e)
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }

            Interlocked.Increment(ref _finished.Value);
        }
    }

    // A late thread must not take an item of the next job, which may not have room for its number: hence compare and exchange.
    bool TryClaim(long job, out int item)
    {
        while (true)
        {
            long ticket = Volatile.Read(ref _ticket.Value);
            item = Ticket.Item(ticket);
            if (Ticket.Job(ticket) != Ticket.Job(job) || item >= Ticket.Items(ticket))
                return false;
            if (Interlocked.CompareExchange(ref _ticket.Value, ticket + 1, ticket) == ticket)
                return true;
        }
    }

    /// <summary>One thread's place to sleep.</summary>
    sealed class Worker
    {
        readonly SemaphoreSlim _wake = new(0);
        int _parked;

        public void AnnouncePark() => Interlocked.Exchange(ref _parked, 1);

        public void Park() => _wake.Wait();

        public void CancelPark()
        {
            // Whoever took the announcement back has released the semaphore or is about to.
            if (Interlocked.Exchange(ref _parked, 0) == 0)
                _wake.Wait();
        }

        public void WakeIfParked()
        {
            if (Volatile.Read(ref _parked) == 1 && Interlocked.Exchange(ref _parked, 0) == 1)
                _wake.Release();
        }
    }

    /// <summary>Packs a job number (16 bits), its number of items (24) and its next item (24) into one word.</summary>
    static class Ticket
    {
        const int Bits = 24;
        const long Mask = (1L << Bits) - 1;

        public static long Next(long ticket, int items) => ((Job(ticket) + 1) << (2 * Bits)) | ((long)items << Bits);

        public static long Job(long ticket) => (long)((ulong)ticket >> (2 * Bits));

        public static int Items(long ticket) => (int)((ticket >> Bits) & Mask);

        public static int Item(long ticket) => (int)(ticket & Mask);
    }

    /// <summary>A word on cache lines of its own, so that threads that write one counter do not slow readers of another.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    struct Padded
    {
        [FieldOffset(128)]
        public long Value;
    }
}
