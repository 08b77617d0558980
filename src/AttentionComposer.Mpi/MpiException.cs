namespace AttentionComposer.Mpi;

/// <summary>A message between hosts has failed, or the hosts do not agree. The job cannot go on; <see cref="StarCluster.Run"/> ends it.</summary>
public sealed class MpiException : Exception
{
    /// <param name="message">What has failed.</param>
    public MpiException(string message)
        : base(message)
    {
    }
}
