using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>The memory that one pipeline's calls on one stream work in. It grows to what the largest call needs.</summary>
sealed class StreamBuffers : IDisposable
{
    readonly DeviceTables _tables = new();
    readonly DeviceTable<int> _slots;
    readonly DeviceTable<int> _ints;
    readonly DeviceTable<float> _floats;
    readonly int[] _faults;

    public StreamBuffers(Accelerator accelerator, AcceleratorStream stream, int checkedFunctions)
    {
        Stream = stream;
        (_slots, _ints, _floats) = (new(accelerator, stream), new(accelerator, stream), new(accelerator, stream));
        (Queries, Keys, Values) = (new(accelerator, stream), new(accelerator, stream), new(accelerator, stream));
        (Output, LogSumExp) = (new(accelerator, stream), new(accelerator, stream));
        (Sums, Maxima, Weights) = (new(accelerator, stream), new(accelerator, stream), new(accelerator, stream));
        (Faults, Unfinished) = (new(accelerator, stream), new(accelerator, stream));
        Selection = new(accelerator, stream);
        _faults = new int[Math.Max(1, checkedFunctions)];
        Faults.View(_faults.Length).MemSetToZero(stream);
    }

    public AcceleratorStream Stream { get; }

    /// <summary>Queries of a call over the host's memory; likewise keys, values, output and log-sum-exps.</summary>
    public GrowingBuffer<float> Queries { get; }

    public GrowingBuffer<float> Keys { get; }

    public GrowingBuffer<float> Values { get; }

    public GrowingBuffer<float> Output { get; }

    public GrowingBuffer<float> LogSumExp { get; }

    /// <summary>See <see cref="DeviceCall.Sums"/>.</summary>
    public GrowingBuffer<float> Sums { get; }

    /// <summary>See <see cref="DeviceCall.Maxima"/>.</summary>
    public GrowingBuffer<float> Maxima { get; }

    /// <summary>See <see cref="DeviceCall.Weights"/>.</summary>
    public GrowingBuffer<float> Weights { get; }

    /// <summary>See <see cref="DeviceCall.Faults"/>.</summary>
    public GrowingBuffer<int> Faults { get; }

    /// <summary>See <see cref="DeviceCall.Unfinished"/>.</summary>
    public GrowingBuffer<int> Unfinished { get; }

    /// <summary>What a selection works in.</summary>
    public SelectionBuffers Selection { get; }

    /// <summary>See <see cref="DeviceTables.SinkLogits"/>.</summary>
    public int SinkLogits => _tables.SinkLogits;

    /// <summary>Reads what the pipeline's functions read of it; what has changed goes to the device.</summary>
    public void Capture(IDeviceKernels kernels)
    {
        _tables.Clear();
        kernels.Capture(_tables);
        _slots.Update(_tables.Slots);
        _ints.Update(_tables.Ints);
        _floats.Update(_tables.Floats);
    }

    /// <summary>Fills in the views that every launch gets.</summary>
    public void FillIn(ref DeviceCall call)
    {
        call.Slots = _slots.View;
        call.Ints = _ints.View;
        call.Floats = _floats.View;
        call.Faults = Faults.View(_faults.Length);
        call.Chosen = call.ChosenCounts = call.Unfinished = call.Faults; // no view may be empty; a call that needs them has its own
    }

    /// <summary>Copies to the beginning of a buffer.</summary>
    public ArrayView<float> Upload(GrowingBuffer<float> buffer, ReadOnlySpan<float> scalars)
    {
        ArrayView<float> view = buffer.View(scalars.Length);
        view.CopyFromCPU(Stream, scalars);
        return view;
    }

    /// <summary>Throws for functions that read outside of a table since the last time.</summary>
    public void ThrowFaults(IReadOnlyList<string> functions)
    {
        ArrayView<int> faults = Faults.View(_faults.Length);
        faults.CopyToCPU<int, ArrayView<int>>(Stream, _faults);
        if (!_faults.AsSpan().ContainsAnyExcept(0))
            return;
        faults.MemSetToZero(Stream);
        TableLoad.ThrowOutside(string.Join(", ", functions.Where((_, i) => _faults[i] != 0)));
    }

    public void Dispose()
    {
        foreach (IDisposable buffer in (IDisposable[])[_slots, _ints, _floats, Queries, Keys, Values, Output, LogSumExp, Sums, Maxima, Weights, Faults, Unfinished, Selection])
            buffer.Dispose();
    }
}
