using System.Diagnostics;
using AttentionComposer.Tests.Star;

namespace AttentionComposer.Mpi.Tests;

/// <summary>Hosts that break in one way or another while the others wait for them.</summary>
static class Failures
{
    /// <summary>Runs a job in which the second host fails; no host comes to the end of this method.</summary>
    public static int Run(StarCluster cluster, string how)
    {
        StarCase golden = StarCase.Named("star_3blocks_even");
        IAttention pipeline = StarPipelines.Find(golden.Context.Shape, KvFormat.Float32, golden.Block, golden.Anchor);
        bool fails = cluster.Rank == 1;
        int length = golden.Length - (fails && how == "disagree" ? 1 : 0);

        using var attention = new DistributedAttention(cluster, pipeline, length);
        using KvCache cache = attention.CreateCache(golden.Length + golden.Question.Rows);
        if (fails && how.EndsWith("in-context", StringComparison.Ordinal))
            Fail(how.Split('-')[0]);
        foreach ((int start, int end) in attention.Passes)
            attention.Append(cache, golden.Context.KeysAt(start..end), golden.Context.ValuesAt(start..end));
        attention.EndContext();
        if (fails)
            Fail(how.Split('-')[0]);

        if (!cluster.IsQueryHost)
            attention.Serve();
        for (int token = 0; token < golden.Question.Rows; token++)
        {
            var output = new float[pipeline.Shape.QueryWidth];
            attention.Attend(
                cache, golden.Question.QueriesAt(token..(token + 1)), golden.Question.KeysAt(token..(token + 1)), golden.Question.ValuesAt(token..(token + 1)), output);
        }

        Console.WriteLine("the job went on");
        return 0;
    }

    static void Fail(string how)
    {
        switch (how)
        {
            case "throw":
                throw new InvalidOperationException("the disk is on fire");
            case "exit":
                Environment.Exit(0);
                break;
            case "die" or "stop":
                using (Process signal = Process.Start("kill", [how == "die" ? "-KILL" : "-STOP", $"{Environment.ProcessId}"]))
                    signal.WaitForExit();
                break;
        }
    }
}
