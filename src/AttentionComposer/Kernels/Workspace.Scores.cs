using System.Numerics.Tensors;
using AttentionComposer.Caches;

namespace AttentionComposer.Kernels;

/// <remarks>
/// The second pass of a dense call whose keys keep scores (H2O, arXiv 2306.14048): the softmax's denominators are known by then, so each block of keys
/// computes its weights once more and sums them over the queries. It costs the first product of the call again, and its exponentials. A work item holds
/// some keys of one head and goes through all queries in order, so that sums do not depend on threads.
/// </remarks>
sealed unsafe partial class Workspace
{
    const int StripKeys = 256;

    readonly WeightSums _weightSums = new();
    NativeBuffer? _logSumExps;

    /// <summary>Room for a call's log-sum-exps where the caller wants none.</summary>
    public float* LogSumExps(int count)
    {
        Grow(ref _logSumExps, (long)count * sizeof(float));
        return (float*)_logSumExps!.Pointer;
    }

    /// <summary>Adds the weights that a dense call's queries, the last positions of the cache, have given to all keys.</summary>
    /// <param name="kernels">The pipeline.</param>
    /// <param name="captured">What its functions read.</param>
    /// <param name="cache">The cache.</param>
    /// <param name="queries"><c>[tokens, QueryHeads, HeadDim]</c>.</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="logSumExps">What the first pass gave: <c>[tokens, QueryHeads]</c>.</param>
    /// <param name="firstNumber">The number of the first query that has a position, where each can be taken back; 0 where they cannot.</param>
    public void AddWeights(IFusedKernels kernels, object? captured, RowCache cache, float* queries, int tokens, float* logSumExps, int firstNumber)
    {
        KernelTraits traits = kernels.Traits;
        int strips = (cache.Length + StripKeys - 1) / StripKeys, items = strips * traits.Shape.KeyValueHeads;
        int degree = (long)cache.Length * traits.Shape.KeyValueWidth * tokens < InlineScalars ? 1 : Math.Min(AttentionOptions.MaxDegreeOfParallelism, items);
        Reserve(Math.Min(degree, WorkerPool.Shared.MaxWorkers), traits.ScratchFloats + WeightSums.ScratchFloats(traits), 0, 0);
        _weightSums.Set(this, kernels, captured, cache, queries, tokens, logSumExps, firstNumber);
        try
        {
            WorkerPool.Shared.Run(_weightSums, items, degree);
        }
        finally
        {
            _weightSums.Set(null, null, null, null, null, 0, null, 0);
        }
    }

    sealed class WeightSums : IParallelWork
    {
        Workspace? _workspace;
        IEvictionKernels? _kernels;
        object? _captured;
        RowCache? _cache;
        float* _queries;
        float* _logSumExps;
        int _tokens;
        int _firstNumber;
        int _vectorBits;

        public void Set(
            Workspace? workspace, IFusedKernels? kernels, object? captured, RowCache? cache, float* queries, int tokens, float* logSumExps, int firstNumber)
        {
            _workspace = workspace;
            _kernels = (IEvictionKernels?)kernels;
            _captured = captured;
            _cache = cache;
            _queries = queries;
            _tokens = tokens;
            _logSumExps = logSumExps;
            _firstNumber = firstNumber;
            _vectorBits = AttentionOptions.VectorBits;
        }

        /// <summary>What an item needs beside the kernel's own scratch memory: a strip's sums, and what a tile of rows takes and leaves.</summary>
        public static int ScratchFloats(KernelTraits traits) => StripKeys + Rows(traits) * (traits.Shape.RowStride + 2);

        public void Run(int item, int worker)
        {
            KernelTraits traits = _kernels!.Traits;
            AccumulatedScores scores = _cache!.Scores!;
            int heads = traits.Shape.KeyValueHeads, head = item % heads, low = item / heads * StripKeys, high = Math.Min(low + StripKeys, _cache.Length);
            int first = _cache.Length - _tokens, step = _firstNumber == 0 ? traits.PrefillTokens : 1;
            float* scratch = _workspace!.Scratch(worker);
            var sums = new Span<float>(scratch + traits.ScratchFloats, high - low);
            sums.Clear();
            for (int token = Math.Max(0, -first); token < _tokens; token += step)
            {
                int tokens = Math.Min(step, _tokens - token), newest = first + token + tokens - 1;
                if (newest < low)
                    continue;
                Sum(head, low, high, token, tokens, scratch, sums);
                if (_firstNumber == 0)
                    continue;

                // Positions behind the query are not there yet when it is taken back.
                TensorPrimitives.Divide(sums, traits.Shape.GroupSize, sums);
                scores.AddNeighbours(head, _firstNumber + first + token - Math.Max(0, first), low, sums[..Math.Min(high - low, newest + 1 - low)]);
                sums.Clear();
            }

            if (_firstNumber != 0)
                return;
            TensorPrimitives.Divide(sums, traits.Shape.GroupSize, sums);
            scores.AddNeighbours(head, query: 0, low, sums);
        }

        // A tile's weights for a strip's keys.
        void Sum(int head, int low, int high, int token, int tokens, float* scratch, Span<float> sums)
        {
            KernelTraits traits = _kernels!.Traits;
            AttentionShape shape = traits.Shape;
            int group = shape.GroupSize, rows = Rows(traits), firstQuery = _cache!.Length - _tokens + token;
            Span<KeyRange> ranges = stackalloc KeyRange[traits.RangeCount];
            _kernels.VisibleKeys(firstQuery, firstQuery + tokens - 1, _cache.Length, batch: 0, _captured, ranges);
            foreach (ref KeyRange range in ranges)
                range = range with { Low = Math.Max(range.Low, low), High = Math.Min(range.High, high) };

            float* state = scratch + traits.ScratchFloats + StripKeys, maxima = state + rows * shape.RowStride, weights = maxima + rows;
            float* queries = _queries + (long)token * shape.QueryWidth + head * group * shape.HeadDim;
            var call = new KernelCall(
                ref *queries, _cache, head, ref *scratch, ref *state, ref *maxima, ref *weights,
                ranges, tokens, group, firstQuery, _vectorBits, batch: 0, _captured);

            // Weights are relative to a row's largest logit so far: from the log-sum-exp on they are final.
            bool careful = _cache.HoldsNonFinite || !AllFinite(queries, tokens, traits);
            for (int row = 0; row < tokens * group; row++)
            {
                maxima[row] = LogSumExp(head, token, row);
                careful |= !(maxima[row] < float.PositiveInfinity); // functions and sinks may be infinite or undefined where the data are not
            }

            if (careful)
                SumCarefully(call, token, low, sums);
            else
                _kernels.SumWeights(call, low, ref sums[0]);
        }

        // A call over one key leaves its logits as the largest. A row whose weights are not numbers has no say.
        void SumCarefully(in KernelCall call, int token, int low, Span<float> sums)
        {
            Span<KeyRange> one = stackalloc KeyRange[1];
            foreach (KeyRange range in call.Ranges)
            {
                for (int key = range.Low; key < range.High; key++)
                {
                    one[0] = new KeyRange(key, key + 1, 0, 0);
                    _kernels!.Careful(call.Over(one));
                    for (int row = 0; row < call.Tokens * call.RowsPerToken; row++)
                    {
                        float weight = float.Exp2(System.Runtime.CompilerServices.Unsafe.Add(ref call.Maxima, row) - LogSumExp(call.KeyValueHead, token, row));
                        sums[key - low] += float.IsFinite(weight) ? weight : 0;
                    }
                }
            }
        }

        // In units of log2, as the kernels' logits.
        float LogSumExp(int head, int token, int row)
        {
            AttentionShape shape = _cache!.Shape;
            return _logSumExps[(token + row / shape.GroupSize) * shape.QueryHeads + head * shape.GroupSize + row % shape.GroupSize] * MathF.Log2(MathF.E);
        }

        static int Rows(KernelTraits traits) => (traits.PrefillTokens * traits.Shape.GroupSize + RowMultiple - 1) / RowMultiple * RowMultiple;
    }
}
