using AttentionComposer.Kernels;

namespace AttentionComposer;

/// <summary>
/// The threads that kernels run on, for what a decoder does between two attention calls. They wait for work by spinning for a moment, so that
/// a second set of threads would take the processors from them.
/// </summary>
public static class AttentionThreads
{
    // The largest number of items of one job: see WorkerPool.
    const int MaxItems = (1 << 24) - 1;

    // The calling thread's wrapper, so that no call allocates after a thread's first; null while a call has it.
    [ThreadStatic]
    static Body? t_idle;

    /// <summary>Numbers that <see cref="Run"/> may give its items as a worker: the process's processors, the calling thread included.</summary>
    public static int MaxWorkers => WorkerPool.Shared.MaxWorkers;

    /// <summary>
    /// Runs items in any order, on the calling thread and as many others as <see cref="AttentionOptions.MaxDegreeOfParallelism"/> allows, and
    /// returns when all are done. While another call has the threads, all items run on the calling one.
    /// </summary>
    /// <param name="items">Number of items: 0 to 16,777,215. An item should take a few microseconds at least.</param>
    /// <param name="body">Gets an item, and a worker: a number below <see cref="MaxWorkers"/> that no other running item of this call has.
    /// If it throws, the call throws the exception once the other items have ended.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="items"/> is out of its range.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    public static void Run(int items, Action<int, int> body)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(items);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(items, MaxItems);
        ArgumentNullException.ThrowIfNull(body);
        Body work = t_idle ?? new Body();
        t_idle = null;
        work.Action = body;
        try
        {
            WorkerPool.Shared.Run(work, items, AttentionOptions.MaxDegreeOfParallelism);
        }
        finally
        {
            work.Action = null!;
            t_idle = work;
        }
    }

    sealed class Body : IParallelWork
    {
        public Action<int, int> Action = null!;

        public void Run(int item, int worker) => Action(item, worker);
    }
}
