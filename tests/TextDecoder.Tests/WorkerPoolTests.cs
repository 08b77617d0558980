using TextDecoder.Decoder;

namespace TextDecoder.Tests;

public class WorkerPoolTests
{
    const long Much = long.MaxValue;

    [Fact]
    public void Every_item_runs_once_and_workers_do_not_share_a_number()
    {
        using var workers = new WorkerPool(4);
        var running = new int[4];
        for (int round = 0; round < 2000; round++)
        {
            int items = round % 9;
            var runs = new int[items];
            workers.Run(items, Much, (item, worker) =>
            {
                Assert.Equal(1, Interlocked.Increment(ref running[worker]));
                Interlocked.Increment(ref runs[item]);
                Interlocked.Decrement(ref running[worker]);
            });
            Assert.All(runs, count => Assert.Equal(1, count));
            if (round % 500 == 0)
                Thread.Sleep(2); // lets the threads fall asleep
        }
    }

    [Fact]
    public void A_failure_reaches_the_caller_and_the_pool_goes_on()
    {
        using var workers = new WorkerPool(3);
        var error = Assert.Throws<InvalidOperationException>(() => workers.Run(8, Much, (item, _) =>
        {
            if (item == 5)
                throw new FormatException("five");
        }));
        Assert.IsType<FormatException>(error.InnerException);
        int count = 0;
        workers.Run(8, Much, (_, _) => Interlocked.Increment(ref count));
        Assert.Equal(8, count);
    }
}
