using System.Collections.Concurrent;

// Jobs fill the machine and measure time limits: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace AttentionComposer.Mpi.Tests;

/// <summary>Star pipelines across hosts: processes of one machine here, which share no memory.</summary>
public sealed class MpiTests
{
    static readonly ConcurrentDictionary<int, MpiJob> s_golden = new();

    /// <summary>Within tolerance of the golden set, and phase 1 bit for bit as on one machine: each host checks its own rows.</summary>
    [MpiTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void GoldenCasesHold(int ranks)
    {
        MpiJob job = Golden(ranks);
        Assert.True(job.ExitCode == 0, job.Errors);
        Assert.Contains("all golden cases hold", job.Output);
    }

    /// <summary>Merged block by block, the answer has the same bits on any number of hosts.</summary>
    [MpiTheory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void TheAnswerDoesNotDependOnTheNumberOfHosts(int ranks) => Assert.Equal(Golden(1).Output, Golden(ranks).Output);

    /// <summary>No host waits for one that does not come.</summary>
    [MpiTheory]
    [InlineData("throw", "the disk is on fire")]
    [InlineData("throw-in-context", "the disk is on fire")]
    [InlineData("disagree", "ContextLength = 71")]
    [InlineData("exit", "")] // the launcher tells of hosts that end
    [InlineData("die", "")]
    [InlineData("die-in-context", "")]
    [InlineData("stop", "no sign of life from rank 1")]
    public void AFailureEndsTheJobOnEveryHost(string how, string message)
    {
        MpiJob job = MpiJob.Run(3, "fail", how);
        Assert.NotEqual(0, job.ExitCode);
        Assert.DoesNotContain("the job went on", job.Output);
        Assert.Contains(message, job.Errors);
        Assert.True(job.Errors.Contains("rank 1", StringComparison.Ordinal) || job.Errors.Contains("process rank", StringComparison.Ordinal), job.Errors);
        Assert.True(job.Time < TimeSpan.FromSeconds(60), $"{job.Time}");
    }

    static MpiJob Golden(int ranks) => s_golden.GetOrAdd(ranks, count => MpiJob.Run(count, "golden"));
}
