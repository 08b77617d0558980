using System.Diagnostics;

namespace AttentionComposer.Mpi;

/// <summary>
/// A group of hosts and what they say to each other. Every operation is MPI's nonblocking form and a wait that gives up: a message that
/// never comes must end the job, not hang it.
/// </summary>
sealed unsafe class Communicator : IDisposable
{
    readonly TimeSpan _limit;
    nint _handle;

    public Communicator(nint handle, TimeSpan limit)
    {
        (_handle, _limit) = (handle, limit);
        MpiLibrary.ReturnErrors(handle);
        MpiLibrary.Check(MpiLibrary.Rank(handle, out int rank), "MPI_Comm_rank");
        MpiLibrary.Check(MpiLibrary.Size(handle, out int size), "MPI_Comm_size");
        (Rank, Size) = (rank, size);
    }

    public nint Handle => _handle;

    public int Rank { get; }

    public int Size { get; }

    /// <summary>The hosts that give the same colour, in the order of their ranks.</summary>
    public Communicator Split(int color)
    {
        nint part = 0;
        MpiLibrary.Check(MpiLibrary.Split(_handle, color, Rank, ref part), "MPI_Comm_split");
        return new Communicator(part, _limit);
    }

    public void Barrier()
    {
        nint request = 0;
        MpiLibrary.Check(MpiLibrary.Barrier(_handle, ref request), "MPI_Ibarrier");
        Wait(ref request, "MPI_Ibarrier");
    }

    /// <summary>Copies the root's bytes to every host.</summary>
    public void Broadcast(void* data, int bytes, int root)
    {
        nint request = 0;
        MpiLibrary.Check(MpiLibrary.Broadcast(data, bytes, MpiLibrary.Byte, root, _handle, ref request), "MPI_Ibcast");
        Wait(ref request, "MPI_Ibcast");
    }

    /// <summary>
    /// The same for several pieces of memory of one length, <paramref name="stride"/> bytes apart; the stride may differ from host to host.
    /// </summary>
    public void BroadcastStrided(void* data, int pieces, int bytes, long stride, int root)
    {
        nint type = 0, request = 0;
        MpiLibrary.Check(MpiLibrary.CreateStrided(pieces, bytes, (nint)stride, MpiLibrary.Byte, ref type), "MPI_Type_create_hvector");
        try
        {
            MpiLibrary.Check(MpiLibrary.Commit(ref type), "MPI_Type_commit");
            MpiLibrary.Check(MpiLibrary.Broadcast(data, 1, type, root, _handle, ref request), "MPI_Ibcast");
            Wait(ref request, "MPI_Ibcast");
        }
        finally
        {
            _ = MpiLibrary.FreeType(ref type);
        }
    }

    /// <summary>Brings every host's bytes to the root, one behind the other in the order of the ranks.</summary>
    /// <param name="sent">This host's bytes.</param>
    /// <param name="bytes">How many.</param>
    /// <param name="received">At the root: memory for all of them.</param>
    /// <param name="counts">At the root: each host's number of bytes.</param>
    /// <param name="root">The host that receives.</param>
    public void Gather(void* sent, int bytes, void* received, ReadOnlySpan<int> counts, int root)
    {
        nint request = 0;
        Span<int> offsets = stackalloc int[Size];
        for (int rank = 1; rank < counts.Length; rank++)
            offsets[rank] = offsets[rank - 1] + counts[rank - 1];

        // Both arrays must stay where they are until the request is done.
        fixed (int* count = counts, offset = offsets)
        {
            MpiLibrary.Check(
                MpiLibrary.Gather(sent, bytes, MpiLibrary.Byte, received, count, offset, MpiLibrary.Byte, root, _handle, ref request), "MPI_Igatherv");
            Wait(ref request, "MPI_Igatherv");
        }
    }

    public void Dispose()
    {
        if (_handle != 0 && _handle != MpiLibrary.World)
            _ = MpiLibrary.Free(ref _handle);
        _handle = 0;
    }

    // Messages within a layer come after microseconds, those between blocks after seconds: spin, then let others run, then sleep.
    void Wait(ref nint request, string function)
    {
        byte* status = stackalloc byte[MpiLibrary.StatusBytes];
        long start = Stopwatch.GetTimestamp();
        for (int round = 0; ; round++)
        {
            MpiLibrary.Check(MpiLibrary.Test(ref request, out int done, status), function);
            if (done != 0)
                return;
            if (round < 200)
                continue;

            TimeSpan waited = Stopwatch.GetElapsedTime(start);
            if (waited > _limit)
                throw new MpiException($"{function} has waited {waited.TotalSeconds:0} seconds for the other hosts; they live, but do not answer.");
            if (waited < TimeSpan.FromMilliseconds(20))
                Thread.Yield();
            else
                Thread.Sleep(1);
        }
    }
}
