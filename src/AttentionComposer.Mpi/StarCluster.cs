using System.Runtime.InteropServices;

namespace AttentionComposer.Mpi;

/// <summary>
/// The hosts of one job, each a process that <c>mpirun</c> (or <c>srun</c>, <c>mpiexec</c>) has started with the same program.
/// </summary>
/// <remarks>
/// The job ends as a whole. An exception on one host, a host that dies, stops or loses its network, and a message that fails each end it on
/// every host within seconds, with a line on standard error that says what was noticed.
/// </remarks>
public sealed unsafe partial class StarCluster : IDisposable
{
    readonly Communicator _world;
    readonly HostWatch? _watch;
    readonly PosixSignalRegistration _terminated;
    int _aborting;

    StarCluster(StarClusterOptions options)
    {
        MpiLibrary.Check(MpiLibrary.InitThread(0, 0, MpiLibrary.ThreadMultiple, out int provided), "MPI_Init_thread");
        _world = new Communicator(MpiLibrary.World, options.MessageLimit);
        _terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => LeaveOnTermination());
        if (Size > 1 && provided == MpiLibrary.ThreadMultiple)
            _watch = new HostWatch(_world, options.SilenceLimit, Abort);
    }

    /// <summary>Whether this machine has an MPI library.</summary>
    public static bool IsAvailable => MpiLibrary.IsInstalled;

    /// <summary>This host's number, from 0.</summary>
    public int Rank => _world.Rank;

    /// <summary>Number of hosts.</summary>
    public int Size => _world.Size;

    /// <summary>The host that reads the question and generates: the last one, as in the paper's code.</summary>
    public int QueryRank => Size - 1;

    /// <summary>Whether this is the host that generates.</summary>
    public bool IsQueryHost => Rank == QueryRank;

    /// <summary>Whether a thread watches for hosts that stop. The MPI library may not support it; then only the launcher notices.</summary>
    public bool IsWatched => _watch is not null;

    internal Communicator World => _world;

    /// <summary>Joins the job, runs a program on this host, and leaves the job.</summary>
    /// <param name="program">What every host runs; its result is the host's exit code.</param>
    /// <param name="options">When the job counts as broken.</param>
    /// <returns>The program's result. An exception in it ends the job on all hosts, and this method does not return.</returns>
    /// <exception cref="DllNotFoundException">There is no MPI library on this machine.</exception>
    public static int Run(Func<StarCluster, int> program, StarClusterOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(program);
        if (!IsAvailable)
            throw new DllNotFoundException(
                "There is no MPI library on this machine. Install Open MPI (Debian: apt-get install openmpi-bin libopenmpi-dev) or MPICH, and start with mpirun.");

        using var cluster = new StarCluster(options ?? new StarClusterOptions());
        try
        {
            int code = program(cluster);
            cluster.Barrier();
            return code;
        }
        catch (Exception failure)
        {
            cluster.Abort(failure is MpiException ? failure.Message : failure.ToString());
            throw;
        }
    }

    /// <summary>Returns when every host has called it.</summary>
    /// <exception cref="MpiException">A host has failed.</exception>
    public void Barrier() => _world.Barrier();

    /// <summary>Brings one value of each host to the query host.</summary>
    /// <param name="value">This host's value.</param>
    /// <returns>At the query host the values in the order of the ranks; elsewhere nothing.</returns>
    /// <exception cref="MpiException">A host has failed.</exception>
    public T[] Gather<T>(T value)
        where T : unmanaged
    {
        var all = new T[IsQueryHost ? Size : 0];
        int[] counts = new int[Size];
        Array.Fill(counts, sizeof(T));
        fixed (T* target = all)
            _world.Gather(&value, sizeof(T), target, counts, QueryRank);
        return all;
    }

    /// <summary>Copies one value from one host to all.</summary>
    /// <param name="value">At <paramref name="root"/> the value; elsewhere anything.</param>
    /// <param name="root">The host whose value it is.</param>
    /// <exception cref="MpiException">A host has failed.</exception>
    public T Broadcast<T>(T value, int root)
        where T : unmanaged
    {
        _world.Broadcast(&value, sizeof(T), root);
        return value;
    }

    /// <summary>Leaves the job.</summary>
    public void Dispose()
    {
        _watch?.Dispose();
        _terminated.Dispose();
        _ = MpiLibrary.Finish();
    }

    /// <summary>Ends the job on all hosts, this process included.</summary>
    void Abort(string reason)
    {
        if (Interlocked.Exchange(ref _aborting, 1) == 0)
        {
            Report($"{reason}. The job ends on all hosts.");

            // With its network gone, MPI itself may wait for hosts that are not there.
            new Thread(() =>
            {
                Thread.Sleep(TimeSpan.FromSeconds(3));
                Exit(1);
            }) { IsBackground = true }.Start();
            _ = MpiLibrary.Abort(MpiLibrary.World, 1);
        }

        Exit(1);
    }

    // The launcher ends the remaining hosts of a broken job with this signal.
    void LeaveOnTermination()
    {
        if (Interlocked.Exchange(ref _aborting, 1) == 0)
            Report("ended by the launcher, because another host has failed or the job was cancelled");
        Exit(1);
    }

    void Report(string text)
    {
        Console.Error.WriteLine($"StarCluster, rank {Rank} of {Size} on {Environment.MachineName}: {text}");
        Console.Error.Flush();
    }

    // Not Environment.Exit: it would run handlers and wait for threads that wait for dead hosts.
    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
