using System.Numerics.Tensors;

namespace AttentionComposer.Benchmarks;

/// <summary>
/// What one writes without this library: attention composed from TensorPrimitives calls, one query head at a time, in float32,
/// with keys and values laid out <c>[head, token, component]</c> so that each call sees contiguous memory.
/// </summary>
sealed class ComposedWorkload : Workload
{
    readonly AttentionPlan _plan;
    readonly int _tokens, _rows, _caches;
    readonly ParallelOptions _parallel;
    HugePageBuffer[] _keys = [], _values = [];
    float[] _queries = [], _output = [];
    float[][] _scores = [];
    int _turn;

    ComposedWorkload(Row row, Limit limit, double work, AttentionPlan plan, int tokens, int rows, int caches, int threads)
        : base(row, limit, work)
    {
        _plan = plan;
        _tokens = tokens;
        _rows = rows;
        _caches = caches;
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = threads };
    }

    public static ComposedWorkload Decode(AttentionPlan plan, int tokens, int threads)
    {
        double bytes = 2.0 * tokens * plan.Shape.KeyValueWidth * sizeof(float);
        int caches = (int)Math.Ceiling(400e6 / bytes);
        return new(new Row("decode", tokens, "TensorPrimitives", "F32", "DRAM"), Limit.Read, bytes, plan, tokens, 1, caches, threads);
    }

    public static ComposedWorkload Prefill(AttentionPlan plan, int tokens, int threads) => new(
        new Row("prefill", tokens, "TensorPrimitives", "F32", "-"), Limit.MultiplyAdd,
        2.0 * tokens * tokens * plan.Shape.QueryWidth, plan, tokens, tokens, 1, threads);

    public override void Prepare()
    {
        _queries = TestTensors.QueriesFor(_plan.Shape, _rows);
        _output = new float[_queries.Length];
        _scores = [.. Enumerable.Range(0, _plan.Shape.QueryHeads).Select(_ => new float[_tokens])];
        _keys = Filled(TestTensors.Keys);
        _values = Filled(TestTensors.Values);
    }

    public override void Run(int turn)
    {
        _turn = turn % _keys.Length;
        Parallel.For(0, _plan.Shape.QueryHeads, _parallel, AttendHead);
    }

    void AttendHead(int head)
    {
        AttentionShape shape = _plan.Shape;
        int headDim = shape.HeadDim;
        long start = (long)(head / shape.GroupSize) * _tokens * headDim;
        for (int row = 0; row < _rows; row++)
        {
            int visible = _tokens - _rows + row + 1;
            ReadOnlySpan<float> query = _queries.AsSpan(row * shape.QueryWidth + head * headDim, headDim);
            Span<float> output = _output.AsSpan(row * shape.QueryWidth + head * headDim, headDim);
            Span<float> scores = _scores[head].AsSpan(0, visible);
            for (int key = 0; key < visible; key++)
                scores[key] = TensorPrimitives.Dot(query, _keys[_turn].Slice(start + (long)key * headDim, headDim));
            TensorPrimitives.Multiply(scores, _plan.Scale, scores);
            TensorPrimitives.SoftMax(scores, scores);
            output.Clear();
            for (int key = 0; key < visible; key++)
                TensorPrimitives.MultiplyAdd(_values[_turn].Slice(start + (long)key * headDim, headDim), scores[key], output, output);
        }
    }

    public override double? RelativeError() => Float64Check.RelativeError(_plan, _output, _tokens);

    public override void Dispose()
    {
        foreach (HugePageBuffer buffer in _keys.Concat(_values))
            buffer.Dispose();
    }

    unsafe HugePageBuffer[] Filled(uint tensor)
    {
        AttentionShape shape = _plan.Shape;
        var buffers = new HugePageBuffer[_caches];
        for (int i = 0; i < _caches; i++)
            buffers[i] = new HugePageBuffer((long)_tokens * shape.KeyValueWidth);
        Parallel.For(0, shape.KeyValueHeads * _tokens, row =>
        {
            int head = row / _tokens, token = row % _tokens;
            float* first = buffers[0].Pointer + (long)row * shape.HeadDim;
            for (int d = 0; d < shape.HeadDim; d++)
                first[d] = TestTensors.Value(tensor, head, token, d);
        });
        for (int i = 1; i < _caches; i++)
            Buffer.MemoryCopy(buffers[0].Pointer, buffers[i].Pointer, buffers[i].Length * sizeof(float), buffers[0].Length * sizeof(float));
        return buffers;
    }
}
