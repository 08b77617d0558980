using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>
/// A pipeline on an accelerator: the verbs of <see cref="IAttention"/> for several sequences at once, over the device's memory. Made by
/// <see cref="OnDeviceExtensions.OnDevice"/>.
/// </summary>
/// <remarks>
/// <para>Views are row-major and contiguous: queries and outputs <c>[sequences, tokens, QueryHeads, HeadDim]</c>, keys and values
/// <c>[sequences, tokens, KeyValueHeads, HeadDim]</c>, log-sum-exps <c>[sequences, tokens, QueryHeads]</c>, all in float32. The number of tokens follows from the
/// lengths. They begin at multiples of 16 bytes, as buffers do, and outputs do not overlap inputs.</para>
/// <para>Verbs over views return when the work is queued on the stream; <see cref="Synchronize"/> waits for it. Verbs over spans copy to the device and back, and wait.</para>
/// <para>Work on one cache belongs to one stream at a time. Different caches may be used on different streams, and from different threads, at once.</para>
/// </remarks>
public sealed partial class DeviceAttention : IDisposable
{
    readonly IAttention _pipeline;
    readonly KernelTraits _traits;
    readonly IDeviceKernels _kernels;
    readonly Launcher _launcher;
    readonly Dictionary<AcceleratorStream, StreamBuffers> _buffers = [];
    bool _disposed;

    internal DeviceAttention(IAttention pipeline, IDeviceKernels kernels, Accelerator accelerator)
    {
        _pipeline = pipeline;
        _traits = ((IFusedKernels)pipeline).Traits;
        _kernels = kernels;
        Accelerator = accelerator;
        _launcher = Launcher.Load(pipeline, kernels, accelerator);
    }

    /// <summary>Head counts and head size.</summary>
    public AttentionShape Shape => _traits.Shape;

    /// <summary>What the generator fused.</summary>
    public AttentionPlan Plan => _pipeline.Plan;

    /// <summary>Where the kernels run.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>
    /// Whether calls of many tokens use the card's tensor cores. Where they can, they do: over a cache in <see cref="KvFormat.Float16"/> or <see cref="KvFormat.BFloat16"/>, with a softmax and head sizes up to 128,
    /// on NVIDIA's cards from compute capability 8.0 on. Queries and weights go in as sums of two float16 or three bfloat16, so that results stay as near to float32's as without. Set it to false to compare.
    /// </summary>
    /// <exception cref="NotSupportedException">It is set to true, and the pipeline or the accelerator cannot.</exception>
    public bool UsesTensorCores
    {
        get => _launcher.UsesTensorCores;
        set => _launcher.UsesTensorCores = !value || _launcher.HasTensorCores
            ? value
            : throw new NotSupportedException(
                $"{Plan.Name} on {Accelerator.Name} has no tensor cores to use: they take a softmax over Float16 or BFloat16 with head sizes up to 128, on NVIDIA's cards from compute capability 8.0 on.");
    }

    /// <summary>Multiprocessors to fill: with more of them, keys are cut into more parts.</summary>
    internal int Multiprocessors
    {
        get => _launcher.Multiprocessors;
        set => _launcher.Multiprocessors = value;
    }

    /// <summary>Creates an empty cache in the pipeline's format, in the device's memory. It keeps every position: a window reads less of it, and needs no ring.</summary>
    /// <param name="capacity">The largest number of positions of a sequence; 0 or more.</param>
    /// <param name="sequences">Number of sequences; 1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The pipeline's label channels are not those of a head.</exception>
    public DeviceKvCache CreateCache(int capacity, int sequences = 1)
    {
        ThrowIfDisposed();
        ReadOnlySpan<int> labels = LabelChannels;
        Labels.CheckEach(labels, Shape);
        return new DeviceKvCache(Accelerator, DeviceCacheKind.Of(_traits), capacity, sequences, labels);
    }

    /// <summary>A decoder's step: appends the new tokens' keys and values, then attends with the tokens' queries.</summary>
    /// <param name="cache">A cache of this accelerator, and of the pipeline's shape and format.</param>
    /// <param name="queries"><c>[sequences, tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="keys"><c>[sequences, tokens, KeyValueHeads, HeadDim]</c>, with positional encoding already applied.</param>
    /// <param name="values">As the keys.</param>
    /// <param name="output">Receives <c>[sequences, tokens, QueryHeads, HeadDim]</c>; 0 for a row that sees no key.</param>
    /// <param name="logSumExp">Empty, or receives <c>[sequences, tokens, QueryHeads]</c>; negative infinity for a row that sees no key.</param>
    /// <param name="stream">Where the work is queued; the accelerator's default stream unless given.</param>
    /// <exception cref="ArgumentException">A view's length does not fit, or the cache is of another kind.</exception>
    /// <exception cref="InvalidOperationException">The cache is full.</exception>
    /// <exception cref="ObjectDisposedException">The cache, or this object, is disposed.</exception>
    public void Attend(
        DeviceKvCache cache, ArrayView<float> queries, ArrayView<float> keys, ArrayView<float> values,
        ArrayView<float> output, ArrayView<float> logSumExp = default, AcceleratorStream? stream = null)
    {
        DeviceCheck check = Checks(cache);
        int tokens = Queries(check, queries.Length, output.Length, logSumExp.Length);
        check.KeysAndValues(keys.Length, values.Length, tokens);
        StreamBuffers buffers = Prepare(stream);
        Store(buffers, cache, keys, values, tokens);
        Run(buffers, cache, queries, output, logSumExp, tokens);
    }

    /// <summary>Appends keys and values without attending: a prefix that is only stored.</summary>
    /// <inheritdoc cref="Attend(DeviceKvCache, ArrayView{float}, ArrayView{float}, ArrayView{float}, ArrayView{float}, ArrayView{float}, AcceleratorStream)"/>
    public void Append(DeviceKvCache cache, ArrayView<float> keys, ArrayView<float> values, AcceleratorStream? stream = null)
    {
        int tokens = Checks(cache).KeysAndValues(keys.Length, values.Length);
        Store(BuffersOf(stream), cache, keys, values, tokens);
    }

    /// <summary>Attends with queries over what the cache already holds: they are the last <c>tokens</c> positions of each sequence.</summary>
    /// <inheritdoc cref="Attend(DeviceKvCache, ArrayView{float}, ArrayView{float}, ArrayView{float}, ArrayView{float}, ArrayView{float}, AcceleratorStream)"/>
    public void Attend(
        DeviceKvCache cache, ArrayView<float> queries, ArrayView<float> output, ArrayView<float> logSumExp = default, AcceleratorStream? stream = null)
    {
        int tokens = Queries(Checks(cache), queries.Length, output.Length, logSumExp.Length);
        Run(Prepare(stream), cache, queries, output, logSumExp, tokens);
    }

    /// <summary>Waits for a stream's work.</summary>
    /// <param name="stream">The accelerator's default stream unless given.</param>
    /// <exception cref="IndexOutOfRangeException">
    /// In one of the calls on this stream since the last time, a function read outside of a captured array for a key that is visible. Outputs since then are not valid; caches hold what was appended.
    /// </exception>
    public void Synchronize(AcceleratorStream? stream = null)
    {
        StreamBuffers buffers = BuffersOf(stream);
        buffers.Stream.Synchronize();
        if (_kernels.Traits.CheckedFunctions.Count > 0)
            buffers.ThrowFaults(_kernels.Traits.CheckedFunctions);
    }

    /// <summary>Frees the memory that calls worked in. Caches live on.</summary>
    public void Dispose()
    {
        lock (_buffers)
        {
            _disposed = true;
            foreach (StreamBuffers buffers in _buffers.Values)
                buffers.Dispose();
            _buffers.Clear();
        }
    }

    DeviceCheck Checks(DeviceKvCache cache)
    {
        ThrowIfDisposed();
        return new DeviceCheck(Plan.Name, DeviceCacheKind.Of(_traits), LabelChannels, Accelerator, cache);
    }

    ReadOnlySpan<int> LabelChannels => _pipeline is ISelectionKernels selection ? selection.LabelChannels : default;

    int Queries(DeviceCheck check, long queries, long output, long logSumExp)
    {
        int tokens = check.Queries(queries, output, logSumExp);
        check.Steps(tokens, _kernels.Traits.CheckedFunctions.Count > 0);
        return tokens;
    }

    /// <summary>The stream's memory, with what the pipeline's functions read now.</summary>
    StreamBuffers Prepare(AcceleratorStream? stream)
    {
        StreamBuffers buffers = BuffersOf(stream);
        buffers.Capture(_kernels);
        return buffers;
    }

    StreamBuffers BuffersOf(AcceleratorStream? stream)
    {
        stream ??= Accelerator.DefaultStream;
        lock (_buffers)
        {
            ThrowIfDisposed();
            if (!_buffers.TryGetValue(stream, out StreamBuffers? buffers))
                _buffers.Add(stream, buffers = new StreamBuffers(Accelerator, stream, _kernels.Traits.CheckedFunctions.Count));
            return buffers;
        }
    }

    void Store(StreamBuffers buffers, DeviceKvCache cache, ArrayView<float> keys, ArrayView<float> values, int tokens)
    {
        if (tokens > 0)
            _launcher.Append(buffers.Stream, cache, keys, values, tokens);
    }

    void Run(StreamBuffers buffers, DeviceKvCache cache, ArrayView<float> queries, ArrayView<float> output, ArrayView<float> logSumExp, int tokens)
    {
        if (tokens > 0)
            _launcher.Attend(buffers, cache, queries, output, logSumExp, tokens);
    }

    void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);
}
