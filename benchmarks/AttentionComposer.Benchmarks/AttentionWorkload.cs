using System.Diagnostics;
using AttentionComposer.Caches;
using AttentionComposer.Kernels;

namespace AttentionComposer.Benchmarks;

/// <summary>Queries over filled caches, through <see cref="IAttention"/> as a decoder calls it.</summary>
/// <remarks>
/// Decode rows rotate through enough caches that each is long out of the processor's caches when its turn comes again, as the
/// layers of a model are.
/// </remarks>
sealed class AttentionWorkload : Workload
{
    const double RotatedBytes = 250e6;
    const double StageSeconds = 0.3;

    readonly IAttention _attention;
    readonly int _tokens, _rows, _batch;
    readonly bool _appends;
    readonly KvCache[] _caches;
    float[] _queries = [], _keys = [], _values = [], _output = [];

    AttentionWorkload(
        Row row, Limit limit, double work, IAttention attention, int tokens, int rows, int batch, int caches, bool appends = false)
        : base(row, limit, work)
    {
        _attention = attention;
        _tokens = tokens;
        _rows = rows;
        _batch = batch;
        _appends = appends;
        _caches = new KvCache[caches];
    }

    /// <summary>One token against <paramref name="tokens"/> keys, its own included.</summary>
    /// <param name="fromMemory">Whether the keys are to come from memory rather than from the processor's caches.</param>
    public static AttentionWorkload Decode(string variant, IAttention attention, int tokens, bool fromMemory = true)
    {
        double bytes = BytesRead(attention.Plan, tokens);
        int caches = fromMemory ? (int)Math.Ceiling(RotatedBytes / bytes) : 1;
        var row = new Row("decode", tokens, variant, Format(attention.Plan), fromMemory ? "DRAM" : "cache");
        return new AttentionWorkload(row, Limit.Read, bytes, attention, tokens, rows: 1, batch: 1, caches);
    }

    /// <summary>One token for each of <paramref name="batch"/> sequences of <paramref name="tokens"/> keys.</summary>
    public static AttentionWorkload Batch(string variant, IAttention attention, int tokens, int batch)
    {
        double bytes = batch * BytesRead(attention.Plan, tokens);
        int caches = batch * (int)Math.Ceiling(RotatedBytes / bytes);
        var row = new Row("batch", tokens, variant, Format(attention.Plan), "DRAM");
        return new AttentionWorkload(row, Limit.Read, bytes, attention, tokens, rows: 1, batch, caches);
    }

    /// <summary><paramref name="tokens"/> queries over as many keys.</summary>
    /// <param name="appends">Whether each call also stores the keys and values, as a decoder's step does. A windowed cache does not
    /// keep the keys of a long prefill, so its pipelines have no other form.</param>
    public static AttentionWorkload Prefill(string variant, IAttention attention, int tokens, bool appends = false)
    {
        var row = new Row("prefill", tokens, variant, Format(attention.Plan), "-");
        return new AttentionWorkload(
            row, Limit.MultiplyAdd, Operations(attention.Plan, tokens), attention, tokens, rows: tokens, batch: 1, caches: 1, appends);
    }

    public override void Prepare()
    {
        for (int i = 0; i < _caches.Length; i++)
            _caches[i] = _attention.CreateCache(_tokens);
        if (_appends)
            (_keys, _values) = TestTensors.KeysAndValuesFor(_attention.Shape, _tokens);
        else
            TestTensors.Append(_attention, _caches, _tokens);
        float[] queries = TestTensors.QueriesFor(_attention.Shape, _rows);
        // Every sequence of a batch asks the same question, so every one has the same answer to be checked.
        _queries = [.. Enumerable.Repeat(queries, _batch).SelectMany(copy => copy)];
        _output = new float[_queries.Length];
    }

    public override void Run(int turn)
    {
        if (_appends)
        {
            _caches[0].Clear();
            _attention.Attend(_caches[0], _queries, _keys, _values, _output);
        }
        else if (_batch == 1)
            _attention.Attend(_caches[turn % _caches.Length], _queries, _output);
        else
            _attention.AttendBatch(_caches.AsSpan(turn % (_caches.Length / _batch) * _batch, _batch), _queries, _output);
    }

    public override double? RelativeError()
    {
        if (_attention.Plan.Selection is not null)
            return null;

        int width = _output.Length / _batch;
        double worst = 0;
        for (int i = 0; i < _batch; i++)
        {
            double error = Float64Check.RelativeError(_attention.Plan, _output.AsSpan(i * width, width), _tokens);
            worst = double.IsNaN(error) ? error : Math.Max(worst, error);
        }
        return worst;
    }

    public override double[]? StageShares()
    {
        if (_attention.Plan.Selection is null)
            return null;

        var clock = new SelectionClock();
        Watch(clock);
        long start = Stopwatch.GetTimestamp();
        int turn = 0;
        do
            Run(turn++);
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < StageSeconds);
        Watch(null);
        return [.. Enum.GetValues<SelectionStage>().Select(clock.Share)];
    }

    public override void Dispose()
    {
        foreach (KvCache? cache in _caches)
            cache?.Dispose();
    }

    void Watch(SelectionClock? clock)
    {
        foreach (KvCache cache in _caches)
            ((RowCache)cache).Clock = clock;
    }

    static string Format(AttentionPlan plan) => plan.Format switch
    {
        KvFormat.Float16 => "F16",
        KvFormat.BFloat16 => "BF16",
        KvFormat.Int8 => "I8",
        _ => "F32",
    };

    static double BytesRead(AttentionPlan plan, int tokens) => plan.Traffic(tokens).BytesRead;

    /// <remarks>The peers count half of the square for a causal mask; a window counts the pairs that it leaves.</remarks>
    static double Operations(AttentionPlan plan, int tokens)
    {
        double n = tokens, window = plan.Window;
        double pairs = !plan.Causal ? n * n
            : plan.Window == 0 || plan.Window >= tokens ? n * n / 2
            : window * window / 2 + (n - window) * (window + plan.Sinks);
        return 4.0 * pairs * plan.Shape.QueryWidth;
    }
}
