namespace ILGPU.Runtime;

/// <summary>Launches and copies in their order. Nothing runs before somebody waits for it: who forgets to wait reads what was there before.</summary>
public abstract class AcceleratorStream : AcceleratorObject
{
    private protected AcceleratorStream(Accelerator accelerator)
        : base(accelerator)
    {
    }

    public abstract void Synchronize();

    internal abstract void Enqueue(Action work);
}

sealed class ThreadStream(Accelerator accelerator) : AcceleratorStream(accelerator)
{
    readonly Queue<Action> _work = [];

    public override void Synchronize()
    {
        lock (_work)
            while (_work.TryDequeue(out Action? work))
                work();
    }

    internal override void Enqueue(Action work)
    {
        lock (_work)
            _work.Enqueue(work);
    }
}
