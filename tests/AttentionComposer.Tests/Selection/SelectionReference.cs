using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Selection;

/// <summary>
/// The selections as semantics state them, in float64: scores of candidates, and the output over a given choice. A choice is right when none that was
/// left out scores better than one that was taken.
/// </summary>
/// <param name="attention">The pipeline.</param>
/// <param name="sequence">One query, at the last position.</param>
/// <param name="stages">The same stages without a selection, functions included, where the pipeline does not say it itself.</param>
sealed class SelectionReference(IAttention attention, Sequence sequence, ReferenceAttention? stages = null)
{
    readonly AttentionPlan _plan = attention.Plan;
    readonly ReferenceAttention _dense = stages ?? SelectionVariants.ReferenceOf(attention);
    readonly AttentionShape _shape = attention.Shape;
    readonly SelectionTraits _selection = attention.Plan.Selection!;
    readonly int _query = sequence.Positions - 1;

    /// <summary>The keys that a query head sees, ascending.</summary>
    public int[] Visible(int head) =>
    [
        .. Enumerable.Range(0, sequence.Positions).Where(key =>
            (_plan.Window == 0 || _query - key < _plan.Window || key < _plan.Sinks)
            && _dense.Mask?.Invoke(head, _query, key) != false
            && _dense.Score?.Invoke(0, head, _query, key) != double.NegativeInfinity),
    ];

    /// <summary>Fails unless a choice holds as many candidates as it may, the forced ones, and none worse than one left out.</summary>
    public void CheckChoice(int head, int[] positions)
    {
        Assert.Equal(positions.Distinct().Order(), positions);
        int size = Math.Max(1, _selection.PageSize);
        int[] seen = [.. Choosers(head).SelectMany(Visible).Distinct().Order()];
        int[] candidates = [.. seen.Select(key => key / size).Distinct()];
        int[] chosen = [.. positions.Select(key => key / size).Distinct()];
        Assert.Empty(chosen.Except(candidates)); // masked keys are never selected, nor pages of masked keys
        Assert.Empty(seen.Where(key => chosen.Contains(key / size)).Except(positions)); // whole pages
        Assert.Equal(Math.Min(_selection.Keep, candidates.Length), chosen.Length);
        int[] forced = [.. candidates.TakeLast(Math.Min(_selection.Forced, _selection.Keep))];
        Assert.Empty(forced.Except(chosen));

        double[] scores = CandidateScores(head, candidates);
        double worst = double.PositiveInfinity, best = double.NegativeInfinity;
        for (int i = 0; i < candidates.Length; i++)
        {
            if (chosen.Contains(candidates[i]) && !forced.Contains(candidates[i]))
                worst = Math.Min(worst, scores[i]);
            if (!chosen.Contains(candidates[i]))
                best = Math.Max(best, scores[i]);
        }

        Assert.True(worst >= best - 1e-4 * (Math.Abs(best) + (_selection.ByProbability ? 1e-3 : 1)), $"head {head}: chose {worst}, left {best}");
    }

    /// <summary>The output of a query head over a choice: the dense reference that sees nothing else, and what becomes of the rest.</summary>
    public float[] Output(int head, int[] positions, out float logSumExp)
    {
        int[] visible = Visible(head), chosen = [.. visible.Intersect(positions)];
        ReferenceAttention over = _dense with { Mask = (each, _, key) => each == head && Array.BinarySearch(chosen, key) >= 0 };
        Result result = Result.OfReference(over, sequence);
        logSumExp = result.LogSumExp[head];
        float[] output = result.Output[(head * _shape.HeadDim)..((head + 1) * _shape.HeadDim)];
        if (_selection.Remainder == Remainder.Renormalised || chosen.Length == 0)
            return output;

        // A sink logit counts as a key that is always chosen.
        double[] scores = KeyScores(head, visible);
        double[] sink = _dense.Normalization == Normalization.SoftmaxOne ? [0] : _dense.SinkLogits.Count == 0 ? [] : [_dense.SinkLogits[head]];
        double largest = scores.Concat(sink).Max(), beside = sink.Sum(logit => Math.Exp(logit - largest));
        double taken = beside + visible.Zip(scores).Where(pair => positions.Contains(pair.First)).Sum(pair => Math.Exp(pair.Second - largest));
        double alpha = taken / (beside + scores.Sum(score => Math.Exp(score - largest)));
        int[] mean = _selection.Remainder switch
        {
            Remainder.Mean => visible,
            Remainder.Spread => [.. visible.Except(positions)],
            _ => [],
        };
        for (int c = 0; c < output.Length; c++)
            output[c] = (float)(alpha * output[c] + (mean.Length == 0 ? 0 : (1 - alpha) * mean.Average(key => Value(head, key, c))));
        return output;
    }

    /// <summary>The heads that choose together with one.</summary>
    IEnumerable<int> Choosers(int head) => _selection.PerHead ? [head] : Enumerable.Range(head / _shape.GroupSize * _shape.GroupSize, _shape.GroupSize);

    // A head that does not see a candidate has no say on it.
    double[] CandidateScores(int head, int[] candidates)
    {
        var sums = new double[candidates.Length];
        foreach (int each in Choosers(head))
        {
            int size = Math.Max(1, _selection.PageSize);
            int[] seen = [.. Visible(each).Select(key => key / size).Distinct()];
            if (seen.Length == 0)
                continue;
            double[] scores = _selection.PageSize > 0 ? [.. seen.Select(page => PageScore(each, page))] : KeyScores(each, seen);
            double[] sink = _dense.Normalization == Normalization.SoftmaxOne ? [0] : _dense.SinkLogits.Count == 0 ? [] : [_dense.SinkLogits[each]];
            double max = scores.Concat(sink).Max(), all = scores.Concat(sink).Sum(score => Math.Exp(score - max));
            for (int i = 0; i < seen.Length; i++)
                sums[Array.BinarySearch(candidates, seen[i])] += _selection.ByProbability ? Math.Exp(scores[i] - max) / all : scores[i];
        }

        return sums;
    }

    double[] KeyScores(int head, int[] keys)
    {
        if (_selection.Rank == 0)
            return [.. keys.Select(key => Stages(head, key, _plan.Scale * Dot(head, key, null)))];
        int[] channels = Channels(head / _shape.GroupSize);
        double all = Enumerable.Range(0, _shape.HeadDim).Sum(c => Math.Abs(Query(head, c))), read = channels.Sum(c => Math.Abs(Query(head, c)));
        double factor = _selection.FixedChannels ? _plan.Scale : read == 0 ? 0 : _plan.Scale * Math.Sqrt(all / read);
        return [.. keys.Select(key => Stages(head, key, factor * Dot(head, key, channels)))];
    }

    public int[] Channels(int keyValueHead) => _selection.FixedChannels
        ? ((ISelectionKernels)attention).LabelChannels.Slice(keyValueHead * _selection.Rank, _selection.Rank).ToArray()
        : [.. Enumerable.Range(0, _shape.HeadDim)
            .OrderByDescending(c => Enumerable.Range(keyValueHead * _shape.GroupSize, _shape.GroupSize).Sum(head => Math.Abs(Query(head, c))))
            .Take(_selection.Rank).Order()];

    // A page's bound goes through the attributes' stages only.
    double PageScore(int head, int page)
    {
        int[] keys = [.. Enumerable.Range(page * _selection.PageSize, _selection.PageSize).Where(key => key < sequence.Positions)];
        double bound = 0;
        for (int c = 0; c < _shape.HeadDim; c++)
            bound += Math.Max(Query(head, c) * keys.Min(key => Key(head, key, c)), Query(head, c) * keys.Max(key => Key(head, key, c)));
        return AttributeStages(head, keys[^1], _plan.Scale * bound);
    }

    double Stages(int head, int key, double score)
    {
        score = AttributeStages(head, key, score);
        return _dense.Score?.Invoke(score, head, _query, key) ?? score;
    }

    double AttributeStages(int head, int key, double score)
    {
        if (_plan.SoftCap != 0)
            score = _plan.SoftCap * Math.Tanh(score / _plan.SoftCap);
        return _plan.AlibiSlopes.Count == 0 ? score : score - _plan.AlibiSlopes[head] * (double)Math.Abs(_query - key);
    }

    double Dot(int head, int key, int[]? channels)
    {
        double sum = 0;
        foreach (int c in channels ?? [.. Enumerable.Range(0, _shape.HeadDim)])
            sum += Query(head, c) * Key(head, key, c);
        return sum;
    }

    double Query(int head, int channel) => sequence.Queries[head * _shape.HeadDim + channel];

    double Key(int head, int key, int channel) => sequence.Keys[(key * _shape.KeyValueHeads + head / _shape.GroupSize) * _shape.HeadDim + channel];

    double Value(int head, int key, int channel) => sequence.Values[(key * _shape.KeyValueHeads + head / _shape.GroupSize) * _shape.HeadDim + channel];
}
