namespace ILGPU.Execution;

/// <summary>A point that a number of a group's threads pass together.</summary>
sealed class Rendezvous
{
    const int YieldsBeforeSleep = 100; // with more threads than processors a yield lets the missing ones run; a sleep costs ten times that

    readonly GroupRun _group;
    readonly int _participants;
    readonly object _sleep = new();
    int _missing;
    int _sleepers;
    volatile int _passed;

    public Rendezvous(GroupRun group, int participants)
    {
        (_group, _participants) = (group, participants);
        _missing = participants;
    }

    /// <summary>Waits until all participants are here.</summary>
    /// <param name="place">Where the kernel waits, for messages.</param>
    public void Pass(string place)
    {
        _group.ThrowIfFailed();
        int passed = _passed;
        if (Interlocked.Decrement(ref _missing) == 0)
        {
            _missing = _participants;
            _group.Resume(_participants - 1);
            _passed = passed + 1;
            Wake();
            return;
        }

        _group.Pause(place);
        for (int i = 0; i < YieldsBeforeSleep && _passed == passed && !_group.Failed; i++)
            Thread.Yield();
        if (_passed == passed)
            Sleep(passed);
        if (_passed == passed)
            _group.ThrowIfFailed();
    }

    /// <summary>Lets sleeping threads look again: all are here, or the group has failed.</summary>
    public void Wake()
    {
        Interlocked.MemoryBarrier(); // the news is out before anybody is looked for
        if (Volatile.Read(ref _sleepers) == 0)
            return;
        lock (_sleep)
            Monitor.PulseAll(_sleep);
    }

    void Sleep(int passed)
    {
        lock (_sleep)
        {
            Interlocked.Increment(ref _sleepers);
            while (_passed == passed && !_group.Failed)
                Monitor.Wait(_sleep);
            _sleepers--;
        }
    }
}
