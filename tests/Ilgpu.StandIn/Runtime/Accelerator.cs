namespace ILGPU.Runtime;

public enum AcceleratorType
{
    CPU,
    Cuda,
    OpenCL,
}

/// <summary>A device that holds buffers and runs kernels; here the CPU's threads.</summary>
public abstract class Accelerator : IDisposable
{
    readonly List<AcceleratorStream> _streams = [];

    private protected Accelerator(Context context)
    {
        Context = context;
        DefaultStream = CreateStream();
    }

    public Context Context { get; }

    public string Name => "stand-in";

    public abstract AcceleratorType AcceleratorType { get; }

    public int NumMultiprocessors => 1;

    public int MaxNumThreadsPerGroup => Execution.GroupRun.MaxGroupSize;

    public int WarpSize => Warp.WarpSize;

    public AcceleratorStream DefaultStream { get; }

    public AcceleratorStream CreateStream()
    {
        var stream = new ThreadStream(this);
        lock (_streams)
            _streams.Add(stream);
        return stream;
    }

    public MemoryBuffer1D<T, Stride1D.Dense> Allocate1D<T>(long length)
        where T : unmanaged => new(this, length);

    /// <summary>Waits for all streams.</summary>
    public void Synchronize()
    {
        AcceleratorStream[] streams;
        lock (_streams)
            streams = [.. _streams];
        foreach (AcceleratorStream stream in streams)
            stream.Synchronize();
    }

    public void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>What belongs to an accelerator.</summary>
public abstract class AcceleratorObject : IDisposable
{
    private protected AcceleratorObject(Accelerator? accelerator) => Accelerator = accelerator!;

    public Accelerator Accelerator { get; }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    private protected virtual void Dispose(bool disposing)
    {
    }
}
