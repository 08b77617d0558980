using AttentionComposer.Tests.Golden;
using AttentionComposer.Tests.Star;

namespace AttentionComposer.Mpi.Tests;

/// <summary>What one host of a job does when a test has started this program under mpirun.</summary>
static class Host
{
    static int Main(string[] arguments)
    {
        AttentionOptions.MaxDegreeOfParallelism = 1; // the hosts share one machine
        return StarCluster.Run(
            cluster => arguments switch
            {
                ["golden"] => Golden(cluster),
                ["fail", string how] => Failures.Run(cluster, how),
                _ => throw new ArgumentException("These tests run by 'dotnet test'."),
            },
            new StarClusterOptions { SilenceLimit = TimeSpan.FromSeconds(5) });
    }

    /// <summary>Every golden case; the query host prints a line for each, with the bits of what does not depend on the hosts.</summary>
    static int Golden(StarCluster cluster)
    {
        foreach (string name in StarCase.Names)
            foreach (KvFormat format in Enum.GetValues<KvFormat>())
                foreach (AnchorSource anchor in Enum.GetValues<AnchorSource>())
                    foreach (PartialResults partials in Enum.GetValues<PartialResults>())
                    {
                        Result question = Run(cluster, StarCase.Named(name), format, new DistributedOptions { Anchor = anchor, Partials = partials });
                        if (cluster.IsQueryHost && partials == PartialResults.PerBlock)
                            Console.WriteLine($"{name} {format} {Bits(question)}");
                    }

        if (cluster.IsQueryHost)
            Console.WriteLine("all golden cases hold");
        return 0;
    }

    static Result Run(StarCluster cluster, StarCase golden, KvFormat format, DistributedOptions options)
    {
        IAttention pipeline = StarPipelines.Find(golden.Context.Shape, format, golden.Block, golden.Anchor);
        AttentionShape shape = pipeline.Shape;
        string what = $"rank {cluster.Rank} of {cluster.Size}, {golden.Name}, {format}, {options}";
        Tolerance tolerance = golden.ToleranceOf(golden.Phase1, format).Output, ofQuestion = golden.ToleranceOf(golden.Phase2, format).Output;

        // The same on one machine, and what the golden set expects.
        using KvCache whole = pipeline.CreateCache(golden.Length);
        Result alone = Result.Unwritten(shape, golden.Length);
        pipeline.Attend(whole, golden.Context.Queries, golden.Context.Keys, golden.Context.Values, alone.Output, alone.LogSumExp);
        Result expected = golden.Expected(golden.Phase1, format), answer = golden.Expected(golden.Phase2, format);

        using var attention = new DistributedAttention(cluster, pipeline, golden.Length, options);
        using KvCache cache = attention.CreateCache(golden.Length + golden.Question.Rows);
        foreach ((int start, int end) in attention.Passes)
        {
            Result result = Result.Unwritten(shape, end - start);
            attention.Attend(
                cache, golden.Context.QueriesAt(start..end), golden.Context.KeysAt(start..end), golden.Context.ValuesAt(start..end), result.Output, result.LogSumExp);
            result.CheckSame(Rows(alone, shape, start, end), $"{what}, positions {start} to {end} against one machine");
            result.CheckAgainst(Rows(expected, shape, start, end), tolerance, what);
        }

        attention.EndContext();
        CheckMemory(attention, pipeline, cache, what);
        Result question = Result.Unwritten(shape, golden.Question.Rows);
        if (!cluster.IsQueryHost)
        {
            attention.Serve();
            return question;
        }

        // The first token alone, as in generation; the others in one step.
        foreach (Range rows in new[] { Range.EndAt(1), Range.StartAt(1) })
        {
            (int first, int count) = rows.GetOffsetAndLength(golden.Question.Rows);
            attention.Attend(
                cache, golden.Question.QueriesAt(rows), golden.Question.KeysAt(rows), golden.Question.ValuesAt(rows),
                question.Output.AsSpan(first * shape.QueryWidth, count * shape.QueryWidth),
                question.LogSumExp.AsSpan(first * shape.QueryHeads, count * shape.QueryHeads));
        }

        question.CheckAgainst(answer, ofQuestion, what);

        // And the queries once more, over what is there.
        Result again = Result.Unwritten(shape, golden.Question.Rows);
        attention.Attend(cache, golden.Question.Queries, again.Output, again.LogSumExp);
        again.CheckAgainst(answer, ofQuestion, what);
        attention.EndQueries();
        return question;
    }

    // Behind the context a host holds its own blocks only; the query host has room for the question too.
    static void CheckMemory(DistributedAttention attention, IAttention pipeline, KvCache cache, string what)
    {
        int held = cache.Capacity - attention.HeldFrom;
        using KvCache alone = pipeline.CreateCache(held);
        Assert.True(cache.SizeInBytes == alone.SizeInBytes, $"{what}: {cache.SizeInBytes} bytes for {held} positions in place of {alone.SizeInBytes}");
    }

    static Result Rows(Result all, AttentionShape shape, int start, int end) => new(
        all.Output[(start * shape.QueryWidth)..(end * shape.QueryWidth)], all.LogSumExp[(start * shape.QueryHeads)..(end * shape.QueryHeads)]);

    static string Bits(Result result) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
        [.. System.Runtime.InteropServices.MemoryMarshal.AsBytes(result.Output.AsSpan()), .. System.Runtime.InteropServices.MemoryMarshal.AsBytes(result.LogSumExp.AsSpan())]))[..16];
}
