namespace AttentionComposer.Tests.Kernels;

/// <summary>A call allocates nothing once sizes have settled, on the calling thread or on any other.</summary>
public sealed class AllocationTests
{
    public static TheoryData<string> Names =>
    [
        nameof(Variants.CausalOf128F32), nameof(Variants.CausalOf128F16), nameof(Variants.EverythingOf32F32),
        nameof(Variants.WindowOf80BF16), nameof(Variants.FullSoftCapOf112F32), nameof(Variants.CausalOf128I8), nameof(Variants.WindowOf80I8),
    ];

    [Theory, MemberData(nameof(Names))]
    public void OneTokenAndMany(string name)
    {
        IAttention attention = Variants.Named(name);
        Sequence sequence = Sequence.Random(attention.Shape, 1200, 100, 1, attention.Plan.Format);
        using KvCache cache = attention.CreateCache(1200);
        attention.Append(cache, sequence.Keys, sequence.Values);
        Result result = Result.Unwritten(attention.Shape, 100);
        Measure($"{name}, one token", () =>
        {
            cache.Truncate(1190);
            for (int i = 0; i < 10; i++)
                attention.Attend(
                    cache, sequence.QueriesAt(i..(i + 1)), sequence.KeysAt(i..(i + 1)), sequence.ValuesAt(i..(i + 1)),
                    result.Output.AsSpan(0, attention.Shape.QueryWidth), result.LogSumExp.AsSpan(0, attention.Shape.QueryHeads));
        });
        Measure($"{name}, many tokens", () =>
        {
            cache.Clear();
            attention.Attend(cache, sequence.Queries, sequence.KeysAt(..100), sequence.ValuesAt(..100), result.Output, result.LogSumExp);
            attention.Append(cache, sequence.KeysAt(100..), sequence.ValuesAt(100..));
            attention.Attend(cache, sequence.QueriesAt(..5), result.Output.AsSpan(0, 5 * attention.Shape.QueryWidth));
        });

        KvCache[] caches = [cache];
        Measure($"{name}, a batch", () => attention.AttendBatch(
            caches, sequence.QueriesAt(..1), result.Output.AsSpan(0, attention.Shape.QueryWidth)));
    }

    /// <summary>
    /// All threads' allocations. The test host allocates a little every few milliseconds, so of many short measurements one must be
    /// free of it, while what a call allocates would be in each.
    /// </summary>
    internal static void Measure(string what, Action call)
    {
        for (int i = 0; i < 5; i++)
            call();

        long least = long.MaxValue;
        for (int measurement = 0; measurement < 200 && least != 0; measurement++)
        {
            long own = GC.GetAllocatedBytesForCurrentThread();
            long all = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < 3; i++)
                call();
            all = GC.GetTotalAllocatedBytes(precise: true) - all;
            own = GC.GetAllocatedBytesForCurrentThread() - own;
            least = Math.Min(least, Math.Max(all, own));
        }

        Assert.True(least == 0, $"{what}: {least} bytes allocated in 3 calls after warm-up");
    }
}
