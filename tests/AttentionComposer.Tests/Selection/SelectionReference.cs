using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Selection;

/// <summary>
/// The selections as semantics state them, in float64: scores of candidates, and the output over a given choice. A choice is right when none that was
/// left out scores better than one that was taken.
/// </summary>
sealed class SelectionReference(IAttention attention, Sequence sequence)
{
    readonly AttentionPlan _plan = attention.Plan;
    readonly AttentionShape _shape = attention.Shape;
    readonly SelectionTraits _selection = attention.Plan.Selection!;
    readonly int _query = sequence.Positions - 1;

    public int[] Visible => [.. Enumerable.Range(0, sequence.Positions).Where(key => _plan.Window == 0 || _query - key < _plan.Window || key < _plan.Sinks)];

    /// <summary>Fails unless a choice holds as many candidates as it may, the forced ones, and none worse than one left out.</summary>
    public void CheckChoice(int head, int[] positions)
    {
        Assert.Equal(positions.Distinct().Order(), positions);
        int size = Math.Max(1, _selection.PageSize);
        int[] candidates = [.. Visible.Select(key => key / size).Distinct()];
        int[] chosen = [.. positions.Select(key => key / size).Distinct()];
        Assert.Equal(Visible.Where(key => chosen.Contains(key / size)), positions); // whole pages, but hidden keys
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

    /// <summary>The output of a query head over a choice.</summary>
    public double[] Output(int head, int[] positions, out double logSumExp)
    {
        double[] scores = [.. positions.Select(key => Stages(head, key, _plan.Scale * Dot(head, key, null)))];
        double max = scores.Max(), sum = scores.Sum(score => Math.Exp(score - max));
        logSumExp = max + Math.Log(sum);
        var output = new double[_shape.HeadDim];
        for (int i = 0; i < positions.Length; i++)
            for (int c = 0; c < output.Length; c++)
                output[c] += Math.Exp(scores[i] - max) / sum * Value(head, positions[i], c);
        if (_selection.Remainder == Remainder.Renormalised)
            return output;

        int[] visible = Visible;
        double[] candidateScores = KeyScores(head, visible);
        double largest = candidateScores.Max(), all = candidateScores.Sum(score => Math.Exp(score - largest));
        double alpha = visible.Zip(candidateScores).Where(pair => positions.Contains(pair.First)).Sum(pair => Math.Exp(pair.Second - largest)) / all;
        int[] mean = _selection.Remainder switch
        {
            Remainder.Mean => visible,
            Remainder.Spread => [.. visible.Except(positions)],
            _ => [],
        };
        for (int c = 0; c < output.Length; c++)
            output[c] = alpha * output[c] + (mean.Length == 0 ? 0 : (1 - alpha) * mean.Average(key => Value(head, key, c)));
        return output;
    }

    double[] CandidateScores(int head, int[] candidates)
    {
        int[] heads = _selection.PerHead ? [head] : [.. Enumerable.Range(head / _shape.GroupSize * _shape.GroupSize, _shape.GroupSize)];
        var sums = new double[candidates.Length];
        foreach (int each in heads)
        {
            double[] scores = _selection.PageSize > 0 ? [.. candidates.Select(page => PageScore(each, page))] : KeyScores(each, candidates);
            double max = scores.Max(), all = scores.Sum(score => Math.Exp(score - max));
            for (int i = 0; i < scores.Length; i++)
                sums[i] += _selection.ByProbability ? Math.Exp(scores[i] - max) / all : scores[i];
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

    double PageScore(int head, int page)
    {
        int[] keys = [.. Enumerable.Range(page * _selection.PageSize, _selection.PageSize).Where(key => key < sequence.Positions)];
        double bound = 0;
        for (int c = 0; c < _shape.HeadDim; c++)
            bound += Math.Max(Query(head, c) * keys.Min(key => Key(head, key, c)), Query(head, c) * keys.Max(key => Key(head, key, c)));
        return Stages(head, keys[^1], _plan.Scale * bound);
    }

    double Stages(int head, int key, double score)
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
