using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <summary>The kernels of a pipeline that evicts keys by the weights that they have received (H2O, arXiv 2306.14048), and the launches around its attention.</summary>
sealed class EvictionLauncher
{
    const int Threads = DeviceTraits.GroupThreads;

    readonly AttentionShape _shape;
    readonly SelectionTraits _selection;
    readonly DeviceTraits _device;
    readonly int _largestGroup;
    readonly Action<AcceleratorStream, KernelConfig, AppendCall, DeviceEviction> _store;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceEviction> _begin;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceEviction, DeviceSelection, int> _gather;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceSelection, int, int> _select;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceEviction, ArrayView<int>, ArrayView<int>> _evict;
    readonly Action<AcceleratorStream, KernelConfig, DeviceEviction, EvictionTruncation> _takeBack;
    readonly Action<AcceleratorStream, KernelConfig, DeviceCall, DeviceEviction> _sumWeights;

    public EvictionLauncher(KernelTraits traits, IDeviceKernels kernels, Accelerator accelerator)
    {
        (_shape, _selection, _device) = (traits.Shape, traits.Selection!, kernels.Traits);
        _largestGroup = Math.Min(1024, accelerator.MaxNumThreadsPerGroup) / DeviceTraits.WarpSize * DeviceTraits.WarpSize;
        var few = new KernelSpecialization(Threads, null);
        var many = new KernelSpecialization(_largestGroup, null);
        _store = accelerator.LoadKernel<AppendCall, DeviceEviction>(EvictionKernel.Store, few);
        _begin = accelerator.LoadKernel<DeviceCall, DeviceEviction>(EvictionKernel.Begin, few);
        _gather = accelerator.LoadKernel<DeviceCall, DeviceEviction, DeviceSelection, int>(EvictionKernel.Gather, few);
        _select = accelerator.LoadKernel<DeviceCall, DeviceSelection, int, int>(SelectKernel.Run, many);
        _evict = accelerator.LoadKernel<DeviceCall, DeviceEviction, ArrayView<int>, ArrayView<int>>(EvictionKernel.Evict, few);
        _takeBack = accelerator.LoadKernel<DeviceEviction, EvictionTruncation>(EvictionKernel.TakeBack, few);
        _sumWeights = accelerator.LoadKernel(kernels.SumWeights!, new KernelSpecialization(Threads, _device.PrefillGroupsPerMultiprocessor));
    }

    /// <summary>Tells the device of truncations, before anything else is done to a cache.</summary>
    public void Settle(AcceleratorStream stream, DeviceKvCache cache)
    {
        Span<EvictionState> states = cache.EvictionStates;
        for (int i = 0; i < states.Length; i++)
        {
            if (states[i].Pending is not { } pending)
                continue;
            var truncation = new EvictionTruncation
            {
                Sequence = i,
                First = pending.First,
                Newest = pending.Newest,
                Previous = pending.Previous,
                Length = pending.Length,
                Number = states[i].Newest,
            };
            _takeBack(stream, Launcher.Config(_shape.KeyValueHeads, 1, 1), EvictionOf(cache, saves: false), truncation);
            states[i].Pending = null;
        }
    }

    /// <summary>New positions have received nothing.</summary>
    public void Append(AcceleratorStream stream, DeviceKvCache cache, in AppendCall call) => _store(
        stream, Launcher.Config(Launcher.Groups((long)call.Tokens * call.Heads, Threads), cache.Sequences, 1), call, EvictionOf(cache, saves: false));

    /// <summary>Whether a call goes token by token: a single one, or several behind an eviction, which a dense call could not leave out.</summary>
    public static bool Steps(in EvictionState state, int tokens) => tokens == 1 || state.HasEvicted;

    /// <summary>Chooses the keys that stay for one token of each sequence, and evicts the others.</summary>
    /// <param name="buffers">Memory to work in.</param>
    /// <param name="cache">The sequences.</param>
    /// <param name="call">The token; receives the list of keys.</param>
    public void Evict(StreamBuffers buffers, DeviceKvCache cache, ref DeviceCall call)
    {
        int candidates = 1;
        Span<EvictionState> states = cache.EvictionStates;
        for (int i = 0; i < states.Length; i++)
        {
            int position = cache.Lengths[i] - call.Tokens + call.FirstToken;
            if (position >= 0)
                candidates = Math.Max(candidates, states[i].BeginStep(position, _selection));
        }

        DeviceEviction eviction = EvictionOf(cache, saves: true);
        long pairs = (long)cache.Sequences * _shape.KeyValueHeads;
        call.LaunchTokens = 1;
        call.Keep = cache.Rows;
        call.Chosen = eviction.List;
        call.ChosenCounts = buffers.Selection.Counts(pairs);
        _begin(buffers.Stream, Launcher.Config(1, 1, 1), call, eviction);

        DeviceCall choice = call;
        DeviceSelection selection = buffers.Selection.ForEviction(_selection, pairs, cache.Sequences, candidates, ref choice);
        KernelConfig pairGroups = Launcher.Config(_shape.KeyValueHeads, cache.Sequences, 1);
        int threads = Math.Min(_largestGroup, Launcher.Groups(candidates, DeviceTraits.WarpSize) * DeviceTraits.WarpSize); // once a prompt was cut down, candidates are few
        _gather(buffers.Stream, pairGroups, call, eviction, selection, candidates);
        _select(buffers.Stream, Launcher.Config(_shape.KeyValueHeads, cache.Sequences, 1, threads), choice, selection, 1, 1);
        _evict(buffers.Stream, pairGroups, call, eviction, choice.Chosen, choice.ChosenCounts);
    }

    /// <summary>Adds what a step's token has given to the keys that stayed.</summary>
    public void AddStep(StreamBuffers buffers, DeviceKvCache cache, in DeviceCall call) =>
        Add(buffers.Stream, cache, call, EvictionOf(cache, saves: true), _selection.Keep);

    /// <summary>Adds what a dense call's tokens have given to all keys: each by itself while it could be taken back.</summary>
    public void AddDense(StreamBuffers buffers, DeviceKvCache cache, DeviceCall call)
    {
        int longest = 0;
        foreach (int length in cache.Lengths)
            longest = Math.Max(longest, length);
        bool saves = call.Tokens <= EvictionKernel.Undoable;
        call.LaunchTokens = saves ? 1 : call.Tokens;
        for (call.FirstToken = 0; call.FirstToken < call.Tokens; call.FirstToken += call.LaunchTokens)
        {
            Span<EvictionState> states = cache.EvictionStates;
            for (int i = 0; i < states.Length; i++)
            {
                int position = cache.Lengths[i] - call.Tokens + call.FirstToken + call.LaunchTokens - 1;
                if (position >= 0 && saves)
                    states[i].Begin(position);
                else if (position >= 0)
                    states[i].BeginMany(position);
            }

            DeviceEviction eviction = EvictionOf(cache, saves);
            _begin(buffers.Stream, Launcher.Config(1, 1, 1), call, eviction);
            Add(buffers.Stream, cache, call, eviction, longest);
        }
    }

    void Add(AcceleratorStream stream, DeviceKvCache cache, in DeviceCall call, in DeviceEviction eviction, int keys)
    {
        if (keys > 0)
            _sumWeights(stream, Launcher.Config(Launcher.Groups(Math.Min(keys, cache.Rows), _device.PrefillKeys), _shape.KeyValueHeads, cache.Sequences), call, eviction);
    }

    DeviceEviction EvictionOf(DeviceKvCache cache, bool saves)
    {
        DeviceEviction eviction = cache.Eviction;
        (eviction.Window, eviction.Sinks, eviction.Saves) = (_selection.Window, _selection.Sinks, saves ? 1 : 0);
        return eviction;
    }
}
