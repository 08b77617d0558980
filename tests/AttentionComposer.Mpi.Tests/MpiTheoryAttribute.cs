namespace AttentionComposer.Mpi.Tests;

/// <summary>A test that starts jobs; skipped, with the reason, where there is nothing to start them with.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class MpiTheoryAttribute : TheoryAttribute
{
    public MpiTheoryAttribute()
    {
        if (!MpiJob.CanRun)
            Skip = "There is no MPI on this machine: samples/StarCluster/install-mpi.sh installs it on Debian.";
    }
}
