using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Selection;

/// <summary>
/// H2O as semantics state it, in float64 and with a copy of its whole state before each query. It takes over the choices of the kernels, once it has found
/// that no position went which scores better than one that stayed.
/// </summary>
sealed class HeavyHittersReference(IAttention attention)
{
    readonly AttentionPlan _plan = attention.Plan;
    readonly ReferenceAttention _dense = SelectionVariants.ReferenceOf(attention);
    readonly AttentionShape _shape = attention.Shape;
    readonly SelectionTraits _selection = attention.Plan.Selection!;
    readonly List<float> _keys = [], _values = [];
    readonly List<(int Position, double[][] Scores, SortedSet<int>[] Kept)> _history = [];
    double[][] _scores = [.. Enumerable.Repeat(0, attention.Shape.KeyValueHeads).Select(_ => Array.Empty<double>())];
    SortedSet<int>[] _kept = [.. Enumerable.Repeat(0, attention.Shape.KeyValueHeads).Select(_ => new SortedSet<int>())];

    public int Length => _keys.Count / _shape.KeyValueWidth;

    /// <summary>The scores of a head's positions.</summary>
    public double[] Scores(int head) => _scores[head];

    /// <summary>What is left to a head.</summary>
    public IReadOnlyCollection<int> Kept(int head) => _kept[head];

    public void Append(ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        int length = Length, tokens = keys.Length / _shape.KeyValueWidth;
        _keys.AddRange(keys);
        _values.AddRange(values);
        for (int head = 0; head < _shape.KeyValueHeads; head++)
        {
            _scores[head] = [.. _scores[head], .. new double[tokens]];
            _kept[head].UnionWith(Enumerable.Range(length, tokens));
        }
    }

    /// <summary>The last positions' queries attend to all that they see, and evict nothing.</summary>
    public float[] Dense(float[] queries)
    {
        int tokens = queries.Length / _shape.QueryWidth;
        return [.. Enumerable.Range(0, tokens).SelectMany(token => Query(queries[(token * _shape.QueryWidth)..((token + 1) * _shape.QueryWidth)], Length - tokens + token))];
    }

    /// <summary>The last position's query evicts, as the kernels did, and attends.</summary>
    public float[] Step(float[] queries, int[][] chosen)
    {
        int position = Length - 1;
        Remember(position);
        for (int head = 0; head < _shape.KeyValueHeads; head++)
        {
            // A window drops what it has passed; what a function hides may be seen again.
            int[] candidates = [.. _kept[head].Where(key => InWindow(position, key))], kept = chosen[head * _shape.GroupSize];
            Assert.Equal(Math.Min(_selection.Keep, candidates.Length), kept.Length);
            Assert.Empty(kept.Except(candidates));
            int[] forced = candidates[^Math.Min(candidates.Length, _selection.Forced)..], gone = [.. candidates.Except(kept)];
            Assert.Empty(forced.Except(kept));
            double worst = kept.Except(forced).Select(key => _scores[head][key]).DefaultIfEmpty(double.PositiveInfinity).Min();
            double best = gone.Select(key => _scores[head][key]).DefaultIfEmpty(double.NegativeInfinity).Max();
            Assert.True(worst >= best - 1e-5 * (1 + Math.Abs(best)), $"head {head}: kept {worst}, let {best} go");
            _kept[head] = [.. kept];
        }

        return Attend(queries, position);
    }

    /// <summary>Goes back to before the first query at or behind a position.</summary>
    public void Truncate(int length)
    {
        int first = _history.FindIndex(query => query.Position >= length);
        if (first >= 0)
        {
            (_, _scores, _kept) = _history[first];
            _history.RemoveRange(first, _history.Count - first);
        }

        _keys.RemoveRange(length * _shape.KeyValueWidth, _keys.Count - length * _shape.KeyValueWidth);
        _values.RemoveRange(length * _shape.KeyValueWidth, _values.Count - length * _shape.KeyValueWidth);
        for (int head = 0; head < _shape.KeyValueHeads; head++)
        {
            _scores[head] = _scores[head][..Math.Min(length, _scores[head].Length)];
            _kept[head].RemoveWhere(position => position >= length);
        }
    }

    float[] Query(float[] queries, int position)
    {
        Remember(position);
        return Attend(queries, position);
    }

    void Remember(int position) =>
        _history.Add((position, [.. _scores.Select(scores => (double[])scores.Clone())], [.. _kept.Select(kept => new SortedSet<int>(kept))]));

    float[] Attend(float[] queries, int position)
    {
        int dim = _shape.HeadDim;
        var output = new float[_shape.QueryWidth];
        for (int head = 0; head < _shape.QueryHeads; head++)
        {
            int keyValueHead = head / _shape.GroupSize;
            int[] keys = [.. _kept[keyValueHead].Where(key => InWindow(position, key) && _dense.Mask?.Invoke(head, position, key) != false)];
            double[] logits = [.. keys.Select(key => Logit(queries, head, position, key))];
            double max = logits.DefaultIfEmpty(double.NegativeInfinity).Max();
            if (max == double.NegativeInfinity)
                continue;
            double sum = logits.Sum(logit => Math.Exp(logit - max)) + Beside(head, max);
            var result = new double[dim];
            for (int i = 0; i < keys.Length; i++)
            {
                double weight = Math.Exp(logits[i] - max) / sum;
                _scores[keyValueHead][keys[i]] += weight / _shape.GroupSize;
                for (int c = 0; c < dim; c++)
                    result[c] += weight * _values[keys[i] * _shape.KeyValueWidth + keyValueHead * dim + c];
            }

            for (int c = 0; c < dim; c++)
                output[head * dim + c] = (float)result[c];
        }

        return output;
    }

    bool InWindow(int query, int key) => key <= query && (_plan.Window == 0 || query - key < _plan.Window || key < _plan.Sinks);

    // What the denominator holds beside the keys.
    double Beside(int head, double max) =>
        _dense.SinkLogits.Count > 0 ? Math.Exp(_dense.SinkLogits[head] - max) : _plan.Normalization == Normalization.SoftmaxOne ? Math.Exp(-max) : 0;

    double Logit(float[] queries, int head, int position, int key)
    {
        double score = 0;
        for (int c = 0; c < _shape.HeadDim; c++)
            score += (double)queries[head * _shape.HeadDim + c] * _keys[key * _shape.KeyValueWidth + head / _shape.GroupSize * _shape.HeadDim + c];
        score *= _plan.Scale;
        if (_plan.SoftCap != 0)
            score = _plan.SoftCap * Math.Tanh(score / _plan.SoftCap);
        if (_plan.AlibiSlopes.Count != 0)
            score -= _plan.AlibiSlopes[head] * (double)(position - key);
        return _dense.Score?.Invoke(score, head, position, key) ?? score;
    }
}
