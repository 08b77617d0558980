namespace AttentionComposer.Tests;

public class AttentionThreadsTests
{
    [Fact]
    public void Every_item_runs_once_and_workers_do_not_share_a_number()
    {
        var running = new int[AttentionThreads.MaxWorkers];
        for (int round = 0; round < 2000; round++)
        {
            int items = round % 9;
            var runs = new int[items];
            AttentionThreads.Run(items, (item, worker) =>
            {
                Assert.Equal(1, Interlocked.Increment(ref running[worker]));
                Interlocked.Increment(ref runs[item]);
                Interlocked.Decrement(ref running[worker]);
            });
            Assert.All(runs, count => Assert.Equal(1, count));
            if (round % 500 == 0)
                Thread.Sleep(2); // lets the threads park
        }
    }

    [Fact]
    public void A_failure_reaches_the_caller_and_the_threads_go_on()
    {
        Assert.Throws<FormatException>(() => AttentionThreads.Run(8, (item, _) =>
        {
            if (item == 5)
                throw new FormatException("five");
        }));
        int count = 0;
        AttentionThreads.Run(8, (_, _) => Interlocked.Increment(ref count));
        Assert.Equal(8, count);
    }

    [Fact]
    public void Work_within_an_item_runs_on_its_thread()
    {
        int count = 0;
        AttentionThreads.Run(4, (_, _) =>
        {
            int thread = Environment.CurrentManagedThreadId;
            AttentionThreads.Run(5, (_, worker) =>
            {
                Assert.Equal((thread, 0), (Environment.CurrentManagedThreadId, worker));
                Interlocked.Increment(ref count);
            });
        });
        Assert.Equal(20, count);
    }

    [Fact]
    public void Callers_on_many_threads_do_not_disturb_each_other()
    {
        Parallel.For(0, 8, caller =>
        {
            var running = new int[AttentionThreads.MaxWorkers];
            for (int round = 0; round < 200; round++)
            {
                int count = 0;
                AttentionThreads.Run(16, (_, worker) =>
                {
                    Assert.Equal(1, Interlocked.Increment(ref running[worker]));
                    Interlocked.Increment(ref count);
                    Interlocked.Decrement(ref running[worker]);
                });
                Assert.Equal(16, count);
            }
        });
    }

    [Fact]
    public void A_call_allocates_nothing()
    {
        int count = 0;
        Action<int, int> body = (_, _) => Interlocked.Increment(ref count);
        AttentionThreads.Run(8, body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            AttentionThreads.Run(8, body);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(808, count);
    }

    [Fact]
    public void Bad_arguments_are_named()
    {
        Assert.Equal("items", Assert.Throws<ArgumentOutOfRangeException>(() => AttentionThreads.Run(-1, (_, _) => { })).ParamName);
        Assert.Equal("items", Assert.Throws<ArgumentOutOfRangeException>(() => AttentionThreads.Run(1 << 24, (_, _) => { })).ParamName);
        Assert.Equal("body", Assert.Throws<ArgumentNullException>(() => AttentionThreads.Run(1, null!)).ParamName);
    }
}
