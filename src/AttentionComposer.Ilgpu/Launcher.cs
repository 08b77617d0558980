using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttentionComposer.Ilgpu;

/// <summary>A pipeline's compiled kernels, and how a call becomes launches of them.</summary>
sealed class Launcher
{
    const int Threads = DeviceTraits.GroupThreads;
    const int MaxSplits = 128;
    const int MaxGridY = ushort.MaxValue;
    const int FirstWithTensorCores = 8; // compute capability: the first whose tensor cores multiply tiles of 16 × 16 and 16 × 8
    const long MaxSums = 1L << 26; // floats of unfinished sums that a launch leaves: 256 MB

    readonly IFusedKernels _pipeline;
    readonly KernelTraits _traits;
    readonly DeviceTraits _device;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall> _decode;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall> _prefill;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall>? _tensorPrefill;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, int, int, int> _merge;
    readonly Action<AcceleratorStream, KernelConfig, AppendCall> _grow;
    readonly Action<AcceleratorStream, KernelConfig, AppendCall> _append;
    readonly SelectionLauncher? _selection;
    readonly EvictionLauncher? _eviction;

    Launcher(IFusedKernels pipeline, IDeviceKernels kernels, Accelerator accelerator)
    {
        _pipeline = pipeline;
        _traits = pipeline.Traits;
        _device = kernels.Traits;
        Multiprocessors = accelerator.NumMultiprocessors;
        _decode = accelerator.LoadKernel(kernels.Decode, new KernelSpecialization(Threads, _device.DecodeGroupsPerMultiprocessor));
        _prefill = accelerator.LoadKernel(kernels.Prefill, new KernelSpecialization(Threads, _device.PrefillGroupsPerMultiprocessor));
        if (kernels.TensorPrefill is not null && accelerator is CudaAccelerator { Architecture.Major: >= FirstWithTensorCores })
            _tensorPrefill = accelerator.LoadKernel(kernels.TensorPrefill, new KernelSpecialization(Threads, _device.PrefillGroupsPerMultiprocessor));
        UsesTensorCores = HasTensorCores;
        _merge = accelerator.LoadKernel<DeviceCall, int, int, int>(MergeKernel.Run, new KernelSpecialization(Threads, null));
        _grow = accelerator.LoadKernel<AppendCall>(AppendKernel.Grow, new KernelSpecialization(Threads, null));
        _append = accelerator.LoadKernel<AppendCall>(AppendKernel.Run, new KernelSpecialization(Threads, null));
        _selection = kernels.Score is null ? null : new SelectionLauncher(_traits, kernels, accelerator);
        _eviction = kernels.SumWeights is null ? null : new EvictionLauncher(_traits, kernels, accelerator);
    }

    /// <summary>Multiprocessors to fill with groups of threads.</summary>
    public int Multiprocessors { get; set; }

    /// <summary>Whether the pipeline has a kernel for tensor cores, and the accelerator has some.</summary>
    public bool HasTensorCores => _tensorPrefill is not null;

    /// <summary>Whether calls of many tokens use them.</summary>
    public bool UsesTensorCores { get; set; }

    /// <summary>Compiles a pipeline's kernels.</summary>
    public static Launcher Load(IAttention pipeline, IDeviceKernels kernels, Accelerator accelerator)
    {
        try
        {
            return new Launcher((IFusedKernels)pipeline, kernels, accelerator);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"{pipeline.Plan.Name}: {accelerator.Name} refuses a kernel: {exception.Message} Was its context made with ForAttention()? A context in which a kernel failed to compile may " +
                "refuse others too.", exception);
        }
    }

    /// <summary>Stores new rows.</summary>
    public void Append(AcceleratorStream stream, DeviceKvCache cache, ArrayView<float> keys, ArrayView<float> values, int tokens)
    {
        _eviction?.Settle(stream, cache);
        var call = new AppendCall
        {
            NewKeys = keys,
            NewValues = values,
            Keys = cache.Keys,
            Values = cache.Values,
            Lengths = cache.DeviceLengths(stream),
            Tokens = tokens,
            Heads = cache.Shape.KeyValueHeads,
            HeadDim = cache.Shape.HeadDim,
            RowChunks = cache.RowChunks,
            Capacity = cache.Rows,
            Format = (int)cache.Format,
        };
        _grow(stream, Config(1, 1, 1), call);
        _append(stream, Config(Groups((long)tokens * call.Heads * call.RowChunks, Threads), cache.Sequences, 2), call);
        cache.Grow(tokens);
        _selection?.Append(stream, cache, call);
        _eviction?.Append(stream, cache, call);
    }

    /// <summary>Attends with each sequence's last tokens.</summary>
    public void Attend(
        StreamBuffers buffers, DeviceKvCache cache, ArrayView<float> queries, ArrayView<float> output, ArrayView<float> logSumExp, int tokens)
    {
        var call = new DeviceCall
        {
            Queries = queries,
            Keys = cache.Keys,
            Values = cache.Values,
            Lengths = cache.DeviceLengths(buffers.Stream),
            Output = output,
            LogSumExp = logSumExp,
            Tokens = tokens,
            Capacity = cache.Rows,
            WritesLogSumExp = logSumExp.Length > 0 ? 1 : 0,
        };
        buffers.FillIn(ref call);
        if (_eviction is not null)
            AttendAndScore(buffers, cache, call);
        else if (_traits.Block > 0)
            AttendInPieces(buffers, cache, call);
        else
            Attend(buffers, cache, call, new CallPiece(0, tokens, 0, 0));
    }

    // A call of several tokens is dense until something is gone. Sequences of which some are that far and others not run each by itself.
    void AttendAndScore(StreamBuffers buffers, DeviceKvCache cache, DeviceCall call)
    {
        _eviction!.Settle(buffers.Stream, cache);
        bool steps = EvictionLauncher.Steps(cache.EvictionStates[0], call.Tokens);
        foreach (ref EvictionState state in cache.EvictionStates)
        {
            if (EvictionLauncher.Steps(state, call.Tokens) == steps)
                continue;
            for (int i = 0; i < cache.Sequences; i++)
                AttendAndScore(buffers, cache.Part(i), OneOf(call, cache.Part(i), i, buffers.Stream));
            return;
        }

        if (call.WritesLogSumExp == 0)
        {
            call.WritesLogSumExp = 1;
            call.LogSumExp = buffers.LogSumExp.View((long)cache.Sequences * call.Tokens * _traits.Shape.QueryHeads);
        }

        if (!steps)
        {
            Attend(buffers, cache, call, new CallPiece(0, call.Tokens, 0, 0));
            _eviction.AddDense(buffers, cache, call);
            return;
        }

        for (call.FirstToken = 0; call.FirstToken < call.Tokens; call.FirstToken++)
        {
            _eviction.Evict(buffers, cache, ref call);
            Attend(buffers, cache, call, new CallPiece(call.FirstToken, 1, 0, 0));
            _eviction.AddStep(buffers, cache, call);
        }
    }

    // Sequences whose calls are cut alike run together, and otherwise each by itself.
    void AttendInPieces(StreamBuffers buffers, DeviceKvCache cache, in DeviceCall call)
    {
        List<CallPiece>[] pieces = new List<CallPiece>[cache.Sequences];
        for (int i = 0; i < pieces.Length; i++)
            pieces[i] = CallPiece.OfStar(_traits, cache.Lengths[i], cache.ContextLengthOf(i), call.Tokens);
        if (pieces.All(each => each.SequenceEqual(pieces[0])))
        {
            foreach (CallPiece piece in pieces[0])
                Attend(buffers, cache, call, piece);
            return;
        }

        for (int i = 0; i < pieces.Length; i++)
        {
            DeviceKvCache part = cache.Part(i);
            DeviceCall one = OneOf(call, part, i, buffers.Stream);
            foreach (CallPiece piece in pieces[i])
                Attend(buffers, part, one, piece);
        }
    }

    DeviceCall OneOf(DeviceCall call, DeviceKvCache part, int sequence, AcceleratorStream stream)
    {
        long width = (long)call.Tokens * _traits.Shape.QueryWidth, heads = (long)call.Tokens * _traits.Shape.QueryHeads;
        call.FirstSequence = sequence;
        call.Queries = call.Queries.SubView(sequence * width, width);
        call.Output = call.Output.SubView(sequence * width, width);
        if (call.WritesLogSumExp != 0)
            call.LogSumExp = call.LogSumExp.SubView(sequence * heads, heads);
        call.Keys = part.Keys;
        call.Values = part.Values;
        call.Lengths = part.DeviceLengths(stream);
        return call;
    }

    void Attend(StreamBuffers buffers, DeviceKvCache cache, DeviceCall call, CallPiece piece)
    {
        AttentionShape shape = _traits.Shape;
        int tokens = piece.Tokens;
        bool decodes = tokens <= _device.DecodeTokens;
        int tileTokens = decodes ? 1 : Math.Max(1, _device.PrefillRows / shape.GroupSize);
        long groupsPerTile = (long)cache.Sequences * shape.KeyValueHeads * (decodes ? _device.DecodeRowTiles : 1);
        int visible = call.Keep > 0 ? _traits.Selection!.Keep : VisibleKeys(cache, call.Tokens, piece); // a list holds no more
        bool chooses = _selection is not null && _selection.Chooses(tokens, visible);
        int splits = Splits(
            groupsPerTile * Groups(tokens, tileTokens), Groups(chooses ? _traits.Selection!.KeepKeys : visible, decodes ? _device.DecodeKeys : _device.PrefillKeys),
            Multiprocessors * (decodes ? _device.DecodeGroupsPerMultiprocessor : _device.PrefillGroupsPerMultiprocessor));
        int step = TokensPerLaunch(cache.Sequences, tokens, splits, tileTokens);

        (call.Splits, call.Anchor, call.From) = (splits, piece.Anchor, piece.From);
        long parts = (long)cache.Sequences * step * shape.QueryHeads * splits;
        call.Sums = buffers.Sums.View(parts * shape.HeadDim);
        call.Maxima = buffers.Maxima.View(parts);
        call.Weights = buffers.Weights.View(parts);
        if (call.WritesLogSumExp == 0)
            call.LogSumExp = call.Maxima; // no view may be empty
        DeviceSelection selection = chooses ? _selection!.Choose(buffers, cache, visible, Multiprocessors, ref call) : default;

        for (int first = 0; first < tokens; first += step)
        {
            call.FirstToken = piece.First + first;
            call.LaunchTokens = Math.Min(step, tokens - first);
            if (decodes)
                _decode(buffers.Stream, Config(splits, shape.KeyValueHeads * _device.DecodeRowTiles, cache.Sequences * call.LaunchTokens), call);
            else
                Prefill(buffers, Config(splits * Groups((long)call.LaunchTokens * shape.GroupSize, _device.PrefillRows), shape.KeyValueHeads, cache.Sequences), ref call);
            _merge(
                buffers.Stream, Config(shape.QueryHeads, call.LaunchTokens, cache.Sequences), call,
                shape.HeadDim, buffers.SinkLogits, _traits.SumsWeights ? 1 : 0);
        }

        if (chooses)
            _selection!.Finish(buffers, cache, call, selection);
    }

    /// <summary>Launches the tensor cores' kernel, where it is used, and then the other one for what it left.</summary>
    void Prefill(StreamBuffers buffers, KernelConfig config, ref DeviceCall call)
    {
        if (UsesTensorCores)
        {
            call.Unfinished = buffers.Unfinished.View((long)config.GridDim.X * config.GridDim.Y * config.GridDim.Z);
            call.OnlyUnfinished = 0;
            _tensorPrefill!(buffers.Stream, config, call);
            call.OnlyUnfinished = 1;
        }

        _prefill(buffers.Stream, config, call);
    }

    /// <summary>Into how many parts the keys are cut: the smallest of the numbers with which the launch ends soonest.</summary>
    /// <param name="groups">Groups of threads for each part.</param>
    /// <param name="batches">Batches of keys; a group's time is the number of its batches.</param>
    /// <param name="room">Groups that run at once.</param>
    public static int Splits(long groups, int batches, int room)
    {
        int best = 1;
        long shortest = long.MaxValue;
        for (int splits = 1; splits <= Math.Min(batches, MaxSplits); splits++)
        {
            long rounds = (groups * splits + room - 1) / room, time = rounds * Groups(batches, splits);
            if (time < shortest)
                (best, shortest) = (splits, time);
        }

        return best;
    }

    /// <summary>The most keys that a row of a piece of a sequence's tokens sees.</summary>
    int VisibleKeys(DeviceKvCache cache, int tokens, CallPiece piece)
    {
        int longest = 0;
        foreach (int length in cache.Lengths)
            longest = Math.Max(longest, length);

        Span<KeyRange> ranges = stackalloc KeyRange[_traits.RangeCount];
        object? captured = _pipeline.Capture();
        try
        {
            int tileTokens = Math.Max(1, _device.PrefillRows / _traits.Shape.GroupSize), end = longest - tokens + piece.First + piece.Tokens;
            _pipeline.VisibleKeys(end - Math.Min(piece.Tokens, tileTokens), end - 1, longest, batch: 0, captured, ranges);
        }
        finally
        {
            _pipeline.Release(captured);
        }

        int keys = 0;
        foreach (KeyRange range in ranges)
            keys += piece.Count(range);
        return keys;
    }

    /// <summary>Tokens whose unfinished sums fit into memory that one can spare, in whole tiles.</summary>
    int TokensPerLaunch(int sequences, int tokens, int splits, int tileTokens)
    {
        long sumsPerToken = (long)sequences * splits * _traits.Shape.QueryWidth;
        long step = Math.Min(MaxSums / sumsPerToken, MaxGridY / Math.Max(1, sequences));
        step = Math.Max(tileTokens, step / tileTokens * tileTokens);
        return (int)Math.Min(tokens, step);
    }

    public static int Groups(long count, int size) => checked((int)((count + size - 1) / size));

    /// <summary>A grid of groups of threads.</summary>
    public static KernelConfig Config(int x, int y, int z, int threads = Threads) => new(new Index3D(x, y, z), new Index3D(threads, 1, 1));
}
