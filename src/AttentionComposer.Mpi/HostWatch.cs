using System.Diagnostics;

namespace AttentionComposer.Mpi;

/// <summary>
/// Each host tells its successor every second that it lives, and listens to its predecessor. MPI's launcher notices a process that
/// ends; this notices one that is stopped, and a network that has gone, while everybody waits.
/// </summary>
sealed unsafe class HostWatch : IDisposable
{
    static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    readonly Communicator _hosts;
    readonly TimeSpan _limit;
    readonly Action<string> _silent;
    readonly Thread _thread;
    volatile bool _ended;

    /// <param name="world">All hosts; the watch talks over a communicator of its own.</param>
    /// <param name="limit">Silence that is too long.</param>
    /// <param name="silent">Called with the reason, once.</param>
    public HostWatch(Communicator world, TimeSpan limit, Action<string> silent)
    {
        nint own = 0;
        MpiLibrary.Check(MpiLibrary.Duplicate(world.Handle, ref own), "MPI_Comm_dup");
        (_hosts, _limit, _silent) = (new Communicator(own, limit), limit, silent);
        _thread = new Thread(Watch) { IsBackground = true, Name = "host watch", Priority = ThreadPriority.AboveNormal };
        _thread.Start();
    }

    public void Dispose()
    {
        _ended = true;
        _thread.Join();
        _hosts.Dispose();
    }

    void Watch()
    {
        try
        {
            string? reason = Listen();
            if (reason is not null)
                _silent(reason);
        }
        catch (MpiException failure)
        {
            if (!_ended)
                _silent(failure.Message);
        }
    }

    // Returns why the job must end, or null when it has ended.
    string? Listen()
    {
        int next = (_hosts.Rank + 1) % _hosts.Size, previous = (_hosts.Rank + _hosts.Size - 1) % _hosts.Size;
        byte* mail = stackalloc byte[2]; // sent, received
        byte* status = stackalloc byte[MpiLibrary.StatusBytes];
        nint sending = 0, receiving = 0;
        bool isSending = false;
        mail[0] = 1;
        long sent = 0, heard = Stopwatch.GetTimestamp();
        MpiLibrary.Check(MpiLibrary.Receive(mail + 1, 1, MpiLibrary.Byte, previous, 0, _hosts.Handle, ref receiving), "MPI_Irecv");
        while (!_ended)
        {
            if (isSending)
            {
                MpiLibrary.Check(MpiLibrary.Test(ref sending, out int delivered, status), "MPI_Isend");
                isSending = delivered == 0;
            }

            if (!isSending && (sent == 0 || Stopwatch.GetElapsedTime(sent) > s_interval))
            {
                MpiLibrary.Check(MpiLibrary.Send(mail, 1, MpiLibrary.Byte, next, 0, _hosts.Handle, ref sending), "MPI_Isend");
                (isSending, sent) = (true, Stopwatch.GetTimestamp());
            }

            MpiLibrary.Check(MpiLibrary.Test(ref receiving, out int done, status), "MPI_Irecv");
            if (done != 0)
            {
                heard = Stopwatch.GetTimestamp();
                MpiLibrary.Check(MpiLibrary.Receive(mail + 1, 1, MpiLibrary.Byte, previous, 0, _hosts.Handle, ref receiving), "MPI_Irecv");
            }
            else if (Stopwatch.GetElapsedTime(heard) is var silence && silence > _limit)
            {
                return $"no sign of life from rank {previous} for {silence.TotalSeconds:0} seconds";
            }

            Thread.Sleep(s_pause);
        }

        // The memory of open requests goes away with this method.
        _ = MpiLibrary.Cancel(ref receiving);
        Finish(ref receiving, status);
        if (isSending)
            Finish(ref sending, status);
        return null;
    }

    // A neighbour that has ended before takes no more mail: not worth waiting for.
    static void Finish(ref nint request, byte* status)
    {
        for (int round = 0; round < 100; round++)
        {
            if (MpiLibrary.Test(ref request, out int done, status) != 0 || done != 0)
                return;
            Thread.Sleep(1);
        }
    }
}
