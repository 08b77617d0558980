using System.Diagnostics;
using AttentionComposer.Caches;
using AttentionComposer.Kernels;

namespace AttentionComposer.Mpi;

/// <summary>
/// A Star pipeline whose context is spread over the hosts of a job (arXiv 2411.17116). To a decoder it is one more <see cref="IAttention"/>.
/// </summary>
/// <remarks>
/// <para>Every host makes one of these with the same arguments, and a decoder with it. Phase 1: each host sends the tokens of its <see cref="Passes"/>
/// through its decoder, pass by pass; positions are those in the whole context. <see cref="EndContext"/> on every host. Phase 2: the query
/// host decodes as if it held everything, and ends with <see cref="EndQueries"/>; the others <see cref="Serve"/>. The result equals the same
/// pipeline on one machine up to rounding.</para>
/// <para>A cache made here belongs to one layer, in the order of creation. It holds this host's part of the context only, on the query host
/// the question and what is generated too.</para>
/// <para>In phase 1 with <see cref="AnchorSource.Broadcast"/> hosts meet once in each layer, for the anchor: passes should go through the layers in chunks
/// of at least the anchor's size, or the other hosts wait until the first has come to the anchor's end.</para>
/// </remarks>
public sealed unsafe class DistributedAttention : IAttention, IDisposable
{
    const int End = -1; // in place of a layer: no more questions

    readonly StarCluster _cluster;
    readonly IAttention _pipeline;
    readonly IFusedKernels _kernels;
    readonly DistributedOptions _options;
    readonly Communicator? _encoders; // the hosts with blocks, if they share an anchor
    readonly List<Layer> _layers = [];
    readonly int _anchor;
    bool _contextEnded;
    DistributedTraffic _traffic;

    float[] _outputs = [];
    float[] _logSumExps = [];
    float[] _queries = [];
    float[] _message = [];

    /// <summary>Joins the hosts for one context. Every host must call this, with the same arguments.</summary>
    /// <param name="cluster">The job.</param>
    /// <param name="pipeline">A pipeline with <see cref="StarAttribute"/>.</param>
    /// <param name="contextLength">Tokens of the context.</param>
    /// <param name="options">How the hosts share it.</param>
    /// <exception cref="ArgumentException">The pipeline is no Star pipeline, or not one that the generator made.</exception>
    /// <exception cref="NotSupportedException">The pipeline's weights are not a softmax, or sink logits join its denominator.</exception>
    /// <exception cref="MpiException">The hosts' arguments differ, or a host has failed.</exception>
    public DistributedAttention(StarCluster cluster, IAttention pipeline, int contextLength, DistributedOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentOutOfRangeException.ThrowIfLessThan(contextLength, 1);
        if (pipeline is not IFusedKernels kernels || pipeline.Plan.BlockSize == 0)
            throw new ArgumentException($"{pipeline.Plan.Name} has no [Star] attribute, so its context has no blocks to share.", nameof(pipeline));
        if (pipeline.Plan.Normalization != Normalization.Softmax || pipeline.Plan.HasSinkLogits)
            throw new NotSupportedException(
                $"{pipeline.Plan.Name} does not divide by its weights' sum alone, so its results over parts of the context do not merge; use the softmax without sink logits.");

        (_cluster, _pipeline, _kernels, _options) = (cluster, pipeline, kernels, options ?? new DistributedOptions());
        AttentionPlan plan = pipeline.Plan;
        Layout = new StarLayout(contextLength, plan.BlockSize, cluster.Size);
        _anchor = Layout.Blocks > 1 ? plan.AnchorSize : 0; // a single block is its own anchor
        (HeldFrom, HeldTo) = Layout.PositionsOf(cluster.Rank);
        CheckAgreement();

        bool shares = _options.Anchor == AnchorSource.Broadcast && _anchor > 0 && Layout.Encoders > 1;
        if (shares)
            _encoders = cluster.World.Split(cluster.Rank < Layout.Encoders ? 0 : 1);
        Passes = [.. PassesOf()];
    }

    /// <inheritdoc/>
    public AttentionShape Shape => _pipeline.Shape;

    /// <inheritdoc/>
    public AttentionPlan Plan => _pipeline.Plan;

    /// <summary>Which host holds which blocks.</summary>
    public StarLayout Layout { get; }

    /// <summary>The first position of the context that this host holds.</summary>
    public int HeldFrom { get; }

    /// <summary>The position behind the last of the context that this host holds.</summary>
    public int HeldTo { get; }

    /// <summary>The context's positions that this host sends through its decoder, in this order: none on a host without blocks.</summary>
    public IReadOnlyList<(int Start, int End)> Passes { get; }

    /// <summary>What this host has sent so far.</summary>
    public DistributedTraffic Traffic => _traffic;

    bool IsEncoder => HeldTo > HeldFrom;

    /// <summary>Whether this host's own decoder begins with the anchor, which another host holds.</summary>
    bool Recomputes => _options.Anchor == AnchorSource.Recompute && _anchor > 0 && IsEncoder && HeldFrom > 0;

    /// <summary>Creates the next layer's cache, for this host's part.</summary>
    /// <param name="capacity">On the query host: the largest number of positions of context, question and answer. Elsewhere not used.</param>
    /// <exception cref="ArgumentOutOfRangeException">On the query host: the capacity does not hold the context.</exception>
    public KvCache CreateCache(int capacity)
    {
        if (_cluster.IsQueryHost)
            ArgumentOutOfRangeException.ThrowIfLessThan(capacity, Layout.Length);
        bool holdsAnchor = IsEncoder && HeldFrom > 0;
        RowCache cache = AttentionDriver.CreatePart(_kernels, _cluster.IsQueryHost ? capacity : HeldTo, holdsAnchor ? _anchor : 0, HeldFrom);
        if (!Recomputes)
            cache.MoveTo(HeldFrom);
        _layers.Add(new Layer(cache));
        return cache;
    }

    /// <summary>
    /// A decoder's step. In phase 1 the tokens are of this host's <see cref="Passes"/>, in order; in phase 2 they follow what the query host
    /// has decoded, and every other host answers from <see cref="Serve"/>.
    /// </summary>
    /// <inheritdoc/>
    /// <exception cref="MpiException">A host has failed.</exception>
    public void Attend(
        KvCache cache, ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        Span<float> output, Span<float> logSumExp = default)
    {
        int layer = LayerOf(cache);
        int tokens = AttentionDriver.CheckStep(_kernels, cache, queries, keys, values, output, logSumExp);
        CheckPhase(cache, tokens);
        if (_contextEnded)
        {
            AttentionDriver.Append(_kernels, cache, keys, values);
            Ask(layer, queries, output, logSumExp);
            return;
        }

        Store(layer, keys, values);
        AttentionDriver.Attend(_kernels, cache, queries, output, logSumExp);
        LeaveAnchor(layer);
    }

    /// <inheritdoc/>
    /// <exception cref="MpiException">A host has failed.</exception>
    public void Append(KvCache cache, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        int layer = LayerOf(cache);
        CheckPhase(cache, keys.Length / Shape.KeyValueWidth);
        Store(layer, keys, values);
        LeaveAnchor(layer);
    }

    /// <inheritdoc/>
    /// <exception cref="MpiException">A host has failed.</exception>
    public void Attend(KvCache cache, ReadOnlySpan<float> queries, Span<float> output, Span<float> logSumExp = default)
    {
        int layer = LayerOf(cache);
        int tokens = queries.Length / Shape.QueryWidth;
        if (!_contextEnded)
        {
            AttentionDriver.Attend(_kernels, cache, queries, output, logSumExp);
            return;
        }

        CheckPhase(cache, 0);
        if (tokens > cache.Length - Layout.Length)
            throw new InvalidOperationException(
                $"{tokens} queries reach back into the context, which other hosts hold; {cache.Length - Layout.Length} positions are behind it.");
        AttentionDriver.CheckQueries(_kernels, cache, queries, output, logSumExp);
        Ask(layer, queries, output, logSumExp);
    }

    /// <summary>Not offered: a job serves one sequence.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public void AttendBatch(ReadOnlySpan<KvCache> caches, ReadOnlySpan<float> queries, Span<float> output) =>
        throw new NotSupportedException("The hosts of a job share one sequence's context; there is no batch over sequences. Call Attend for each layer.");

    /// <summary>Ends phase 1: this host has sent all its passes through its decoder. The anchor's memory is given back.</summary>
    /// <exception cref="InvalidOperationException">A part of this host's context has not come yet.</exception>
    /// <exception cref="MpiException">A host has failed.</exception>
    public void EndContext()
    {
        foreach (Layer layer in _layers)
            if (layer.Cache.Length != HeldTo)
                throw new InvalidOperationException(
                    $"This host holds the positions {HeldFrom} to {HeldTo - 1} of the context, but a layer's cache is at {layer.Cache.Length}: send every pass through the decoder first.");

        foreach (Layer layer in _layers)
        {
            layer.Cache.DropAnchor();
            layer.Cache.ContextLength = layer.Cache.Length;
        }

        _contextEnded = true;
        Communicate(() => _cluster.Barrier());
    }

    /// <summary>Answers the query host's questions over this host's part, until it calls <see cref="EndQueries"/>.</summary>
    /// <exception cref="InvalidOperationException">This is the query host, or the context has not ended.</exception>
    /// <exception cref="MpiException">A host has failed.</exception>
    public void Serve()
    {
        if (_cluster.IsQueryHost || !_contextEnded)
            throw new InvalidOperationException("Hosts other than the query host serve, and after EndContext.");

        var question = new float[QuestionFloats];
        while (true)
        {
            Share(question);
            Header header = Header.Read(question);
            if (header.Layer == End)
                return;

            ReadOnlySpan<float> queries = question.AsSpan(Header.Floats);
            if (header.Tokens > 1)
            {
                Grow(ref _queries, header.Tokens * Shape.QueryWidth);
                Span<float> many = _queries.AsSpan(0, header.Tokens * Shape.QueryWidth);
                Share(many);
                queries = many;
            }

            int parts = PartsOf(_cluster.Rank);
            MakeRoom(parts, header.Tokens, out Span<float> outputs, out Span<float> logSumExps);
            AttendParts(_layers[header.Layer].Cache, queries, header.FirstQuery, outputs, logSumExps);
            Collect(outputs, logSumExps, default, default, header.Tokens);
        }
    }

    /// <summary>Lets the other hosts return from <see cref="Serve"/>. On other hosts than the query host it does nothing.</summary>
    /// <exception cref="MpiException">A host has failed.</exception>
    public void EndQueries()
    {
        if (!_cluster.IsQueryHost || _cluster.Size == 1)
            return;
        var question = new float[QuestionFloats];
        new Header(End, 0, 0).Write(question);
        Share(question);
    }

    /// <summary>Leaves the hosts; caches are the decoder's to dispose.</summary>
    public void Dispose() => _encoders?.Dispose();

    // ---- phase 1 ----

    IEnumerable<(int, int)> PassesOf()
    {
        if (Recomputes)
            yield return (0, _anchor);
        (int first, int count) = Layout.BlocksOf(_cluster.Rank);
        for (int block = first; block < first + count; block++)
            yield return (Layout.PositionOf(block), Layout.PositionOf(block + 1));
    }

    void Store(int index, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        Layer layer = _layers[index];
        bool receives = _encoders is not null && IsEncoder && HeldFrom > 0 && !layer.HasAnchor;
        if (receives)
            Communicate(() => ShareAnchor(index));

        AttentionDriver.Append(_kernels, layer.Cache, keys, values);

        bool sends = _encoders is not null && HeldFrom == 0 && !layer.HasAnchor && layer.Cache.Length >= _anchor;
        if (sends)
            Communicate(() => ShareAnchor(index));
    }

    // The rows as they are stored, straight from cache to cache; each head's anchor is one piece of memory.
    void ShareAnchor(int index)
    {
        Layer layer = _layers[index];
        RowCache cache = layer.Cache;
        (int first, int last) = cache.NonFinite;
        int* header = stackalloc int[] { index, first, Math.Min(last, _anchor - 1) };
        _encoders!.Broadcast(header, 3 * sizeof(int), root: 0);
        if (header[0] != index)
            throw new MpiException($"the first host sends the anchor of layer {header[0]} while rank {_cluster.Rank} is at layer {index}; decoders must go through their layers alike");

        long bytes = 3 * sizeof(int);
        int messages = 1;
        foreach (SlotMemory memory in cache.Stored)
        {
            if (memory.SlotBytes == 0)
                continue; // scales, in a format without
            int headBytes = _anchor * memory.SlotBytes;
            _encoders.BroadcastStrided(memory.Of(0), Shape.KeyValueHeads, headBytes, memory.HeadBytes, root: 0);
            bytes += (long)Shape.KeyValueHeads * headBytes;
            messages++;
        }

        if (HeldFrom > 0 && header[1] < _anchor)
            cache.MarkNonFinite((header[1], header[2]));
        layer.HasAnchor = true;
        if (HeldFrom == 0)
        {
            _traffic.AnchorBytes += bytes * (_encoders.Size - 1);
            _traffic.Messages += messages * (_encoders.Size - 1);
        }
    }

    // A host that encodes the anchor itself goes on with its first block.
    void LeaveAnchor(int index)
    {
        RowCache cache = _layers[index].Cache;
        if (Recomputes && cache.Length == _anchor)
            cache.MoveTo(HeldFrom);
    }

    // ---- phase 2 ----

    int QuestionFloats => Header.Floats + Shape.QueryWidth;

    void Ask(int index, ReadOnlySpan<float> queries, Span<float> output, Span<float> logSumExp)
    {
        RowCache cache = _layers[index].Cache;
        int tokens = queries.Length / Shape.QueryWidth;
        if (tokens == 0)
            return;

        // One message for a token; a question's many tokens follow in a second one.
        var header = new Header(index, tokens, cache.Length - tokens);
        Grow(ref _queries, QuestionFloats);
        header.Write(_queries);
        if (tokens == 1)
            queries.CopyTo(_queries.AsSpan(Header.Floats));
        Share(_queries.AsSpan(0, QuestionFloats));
        if (tokens > 1 && _cluster.Size > 1)
        {
            Grow(ref _queries, queries.Length);
            queries.CopyTo(_queries);
            Share(_queries.AsSpan(0, queries.Length));
        }

        // This host's parts come last, as its rank does.
        int parts = Enumerable.Range(0, _cluster.Size).Sum(PartsOf), own = PartsOf(_cluster.Rank), others = parts - own;
        MakeRoom(parts, tokens, out Span<float> outputs, out Span<float> logSumExps);
        int outputFloats = others * tokens * Shape.QueryWidth, logSumExpFloats = others * tokens * Shape.QueryHeads;
        AttendParts(cache, queries, header.FirstQuery, outputs[outputFloats..], logSumExps[logSumExpFloats..]);
        Collect(default, default, outputs[..outputFloats], logSumExps[..logSumExpFloats], tokens);
        PartialAttention.Merge(outputs, logSumExps, output, logSumExp);
    }

    /// <summary>Results that a host contributes: one for what it holds, or one for each block and one for the question.</summary>
    int PartsOf(int host)
    {
        bool asks = host == _cluster.QueryRank;
        int blocks = Layout.BlocksOf(host).Count;
        return _options.Partials == PartialResults.PerBlock ? blocks + (asks ? 1 : 0) : blocks > 0 || asks ? 1 : 0;
    }

    void AttendParts(RowCache cache, ReadOnlySpan<float> queries, int firstQuery, Span<float> outputs, Span<float> logSumExps)
    {
        if (_options.Partials == PartialResults.PerHost)
        {
            if (!outputs.IsEmpty)
                AttentionDriver.AttendPart(_kernels, cache, queries, firstQuery, new KeyBounds(0, HeldFrom, cache.Length), outputs, logSumExps);
            return;
        }

        (int first, int count) = Layout.BlocksOf(_cluster.Rank);
        int outputFloats = queries.Length, logSumExpFloats = queries.Length / Shape.HeadDim;
        for (int part = 0; part * outputFloats < outputs.Length; part++)
        {
            // Behind this host's blocks comes, on the query host, the question.
            (int from, int to) = part < count
                ? (Layout.PositionOf(first + part), Layout.PositionOf(first + part + 1))
                : (Layout.Length, cache.Length);
            AttentionDriver.AttendPart(
                _kernels, cache, queries, firstQuery, new KeyBounds(0, from, to),
                outputs.Slice(part * outputFloats, outputFloats), logSumExps.Slice(part * logSumExpFloats, logSumExpFloats));
        }
    }

    /// <summary>The query host's message to all.</summary>
    void Share(Span<float> message)
    {
        if (_cluster.Size == 1)
            return;
        long start = Stopwatch.GetTimestamp();
        fixed (float* data = message)
            _cluster.World.Broadcast(data, checked(message.Length * sizeof(float)), _cluster.QueryRank);
        _traffic.QueryWait += Stopwatch.GetElapsedTime(start);
        if (_cluster.IsQueryHost)
        {
            _traffic.QueryBytes += (long)message.Length * sizeof(float) * (_cluster.Size - 1);
            _traffic.Messages += _cluster.Size - 1;
        }
    }

    /// <summary>Brings the other hosts' parts to the query host, in the order of the ranks.</summary>
    void Collect(ReadOnlySpan<float> outputs, ReadOnlySpan<float> logSumExps, Span<float> allOutputs, Span<float> allLogSumExps, int tokens)
    {
        if (_cluster.Size == 1)
            return;
        long start = Stopwatch.GetTimestamp();

        // One message: a host's outputs, then its log-sum-exps.
        int sent = outputs.Length + logSumExps.Length, received = allOutputs.Length + allLogSumExps.Length;
        Grow(ref _message, Math.Max(sent, received));
        outputs.CopyTo(_message);
        logSumExps.CopyTo(_message.AsSpan(outputs.Length));
        Span<int> counts = stackalloc int[_cluster.Size];
        for (int host = 0; host < _cluster.QueryRank; host++)
            counts[host] = checked(PartsOf(host) * tokens * (Shape.QueryWidth + Shape.QueryHeads) * sizeof(float));
        fixed (float* message = _message)
            _cluster.World.Gather(message, checked(sent * sizeof(float)), message, counts, _cluster.QueryRank);

        ReadOnlySpan<float> rest = _message.AsSpan(0, received);
        for (int host = 0; host < _cluster.QueryRank && received > 0; host++)
        {
            int outputFloats = PartsOf(host) * tokens * Shape.QueryWidth, logSumExpFloats = PartsOf(host) * tokens * Shape.QueryHeads;
            rest[..outputFloats].CopyTo(allOutputs);
            rest.Slice(outputFloats, logSumExpFloats).CopyTo(allLogSumExps);
            rest = rest[(outputFloats + logSumExpFloats)..];
            allOutputs = allOutputs[outputFloats..];
            allLogSumExps = allLogSumExps[logSumExpFloats..];
        }

        _traffic.QueryWait += Stopwatch.GetElapsedTime(start);
        _traffic.PartialBytes += (long)sent * sizeof(float);
        _traffic.Messages += sent > 0 ? 1 : 0;
    }

    void MakeRoom(int parts, int tokens, out Span<float> outputs, out Span<float> logSumExps)
    {
        int outputFloats = checked(parts * tokens * Shape.QueryWidth), logSumExpFloats = parts * tokens * Shape.QueryHeads;
        Grow(ref _outputs, outputFloats);
        Grow(ref _logSumExps, logSumExpFloats);
        outputs = _outputs.AsSpan(0, outputFloats);
        logSumExps = _logSumExps.AsSpan(0, logSumExpFloats);
    }

    static void Grow(ref float[] buffer, int floats)
    {
        if (buffer.Length < floats)
            buffer = new float[floats];
    }

    // ---- agreement ----

    int LayerOf(KvCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        int layer = _layers.FindIndex(layer => layer.Cache == cache);
        return layer >= 0 ? layer : throw new ArgumentException("The cache is none of those that this object has made.", nameof(cache));
    }

    void CheckPhase(KvCache cache, int tokens)
    {
        if (_contextEnded)
        {
            if (!_cluster.IsQueryHost)
                throw new InvalidOperationException("Behind the context only the query host decodes; the others serve.");
            return;
        }

        if (!IsEncoder)
            throw new InvalidOperationException($"This host holds no block of the context: {Layout.Blocks} blocks for {Layout.Hosts} hosts.");
        int end = Recomputes && cache.Length < _anchor ? _anchor : HeldTo;
        if (tokens > end - cache.Length)
            throw new InvalidOperationException(
                $"{tokens} tokens at position {cache.Length} go beyond position {end - 1}, where this host's {(end == HeldTo ? "part of the context" : "anchor")} ends: " +
                "send the passes through the decoder one by one, then call EndContext.");
    }

    // A host that was started with another text or other options would give wrong answers, not an error.
    void CheckAgreement()
    {
        AttentionPlan plan = Plan;
        var mine = new Terms(
            Layout.Length, plan.BlockSize, plan.AnchorSize, Shape.HeadDim, Shape.QueryHeads, Shape.KeyValueHeads, (int)plan.Format, (int)_options.Anchor, (int)_options.Partials);
        Terms theirs = _cluster.Broadcast(mine, root: 0);
        if (mine != theirs)
            throw new MpiException($"rank {_cluster.Rank} was given {mine}, rank 0 {theirs}");
    }

    void Communicate(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        _traffic.ContextWait += Stopwatch.GetElapsedTime(start);
    }

    readonly record struct Terms(
        int ContextLength, int BlockSize, int AnchorSize, int HeadDim, int QueryHeads, int KeyValueHeads, int Format, int Anchor, int Partials);

    /// <summary>What stands before the query in a message.</summary>
    readonly record struct Header(int Layer, int Tokens, int FirstQuery)
    {
        public const int Floats = 4;

        public void Write(Span<float> message)
        {
            message[0] = BitConverter.Int32BitsToSingle(Layer);
            message[1] = BitConverter.Int32BitsToSingle(Tokens);
            message[2] = BitConverter.Int32BitsToSingle(FirstQuery);
        }

        public static Header Read(ReadOnlySpan<float> message) => new(
            BitConverter.SingleToInt32Bits(message[0]), BitConverter.SingleToInt32Bits(message[1]), BitConverter.SingleToInt32Bits(message[2]));
    }

    /// <summary>One layer's cache on this host.</summary>
    sealed class Layer(RowCache cache)
    {
        public RowCache Cache => cache;

        public bool HasAnchor { get; set; }
    }
}
