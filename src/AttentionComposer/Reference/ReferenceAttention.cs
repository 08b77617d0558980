namespace AttentionComposer;

/// <summary>
/// Attention as the formulas state it, in float64, one key at a time: what every fused kernel is compared with.
/// </summary>
/// <remarks>
/// <para>With <c>p = keys - rows + row</c> the position of a query row and <c>kv = head / GroupSize</c>:</para>
/// <code>
/// score  = softcap(Scale · ⟨q, k⟩) - slope(head) · |p - key|      softcap(z) = c · tanh(z / c)
/// lse    = ln Σ exp(score)                                        over the visible keys
/// output = Σ exp(score - lse) · v
/// </code>
/// <para>Scaled dot products: Vaswani et al., arXiv 1706.03762, equation 1. Grouped heads: arXiv 2305.13245. Soft cap: Gemma 2,
/// arXiv 2408.00118, section 2. ALiBi: arXiv 2108.12409, section 3. Window and sinks: StreamingLLM, arXiv 2309.17453.
/// Blocks and anchor: Star Attention, arXiv 2411.17116, section 2.</para>
/// <para>A row that sees no key, or whose every score is negative infinity, gives output 0 and log-sum-exp negative infinity.</para>
/// </remarks>
/// <param name="Shape">Head counts and head size.</param>
public sealed record ReferenceAttention(AttentionShape Shape)
{
    /// <summary>Factor on the dot products; <c>1/sqrt(HeadDim)</c> unless set.</summary>
    public double Scale { get; init; } = 1 / Math.Sqrt(Shape.HeadDim);

    /// <summary>Whether a query sees only positions up to its own.</summary>
    public bool Causal { get; init; }

    /// <summary>Visible keys of a sliding window, the current one included; 0 without a window.</summary>
    public int Window { get; init; }

    /// <summary>Keys at the start that stay visible beside the window.</summary>
    public int Sinks { get; init; }

    /// <summary>Positions in one of Star Attention's blocks; 0 without Star.</summary>
    public int BlockSize { get; init; }

    /// <summary>Positions at the context's start that all of Star's blocks see.</summary>
    public int AnchorSize { get; init; }

    /// <summary>Where Star's context ends: queries from here on see every block. Everything is context unless set.</summary>
    public int ContextLength { get; init; } = int.MaxValue;

    /// <summary>The queries' positions, one a row, when only some rows of a longer call are of interest; empty for the last positions of the keys.</summary>
    public IReadOnlyList<int> QueryPositions { get; init; } = [];

    /// <summary>Bound of the soft-capped scores; 0 without a cap.</summary>
    public double SoftCap { get; init; }

    /// <summary>ALiBi's slopes, one a query head; empty without ALiBi.</summary>
    public IReadOnlyList<float> AlibiSlopes { get; init; } = [];

    /// <summary>Replaces a score: <c>(score, head, query, key) → score</c>, with absolute positions, after cap and ALiBi.</summary>
    public Func<double, int, int, int, double>? Score { get; init; }

    /// <summary>Hides keys: <c>(head, query, key) → visible</c>, with absolute positions, beside the other masks.</summary>
    public Func<int, int, int, bool>? Mask { get; init; }

    /// <summary>How scores become weights.</summary>
    public Normalization Normalization { get; init; }

    /// <summary>A logit for each query head that joins the softmax's denominator; empty without.</summary>
    public IReadOnlyList<float> SinkLogits { get; init; } = [];

    /// <summary>The reference of what a pipeline's kernels compute.</summary>
    public static ReferenceAttention Of(AttentionPlan plan) => new(plan.Shape)
    {
        Scale = plan.Scale,
        Causal = plan.Causal,
        Window = plan.Window,
        Sinks = plan.Sinks,
        BlockSize = plan.BlockSize,
        AnchorSize = plan.AnchorSize,
        SoftCap = plan.SoftCap,
        AlibiSlopes = plan.AlibiSlopes,
        Normalization = plan.Normalization,
    };

    /// <summary>
    /// ALiBi's slopes: <c>2^(-8(h+1)/n)</c> for a power of two <c>n</c> of heads; otherwise the slopes of the next lower power of
    /// two and then the 1st, 3rd, 5th, … of twice as many (arXiv 2108.12409 and its released code).
    /// </summary>
    public static float[] AlibiSlopesFor(int heads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        int power = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)heads + 1) / 2;
        var slopes = new float[heads];
        for (int head = 0; head < heads; head++)
            slopes[head] = (float)(head < power
                ? Math.Pow(2, -8.0 * (head + 1) / power)
                : Math.Pow(2, -8.0 * (2 * (head - power) + 1) / (2 * power)));
        return slopes;
    }

    /// <summary>Attends; the queries are the last positions of the keys unless <see cref="QueryPositions"/> tells theirs.</summary>
    /// <param name="queries"><c>[rows, QueryHeads, HeadDim]</c>.</param>
    /// <param name="keys"><c>[positions, KeyValueHeads, HeadDim]</c>.</param>
    /// <param name="values"><c>[positions, KeyValueHeads, HeadDim]</c>.</param>
    /// <param name="output">Receives <c>[rows, QueryHeads, HeadDim]</c>.</param>
    /// <param name="logSumExp">Empty, or receives <c>[rows, QueryHeads]</c>.</param>
    /// <exception cref="ArgumentException">A span's length does not fit.</exception>
    public void Attend(
        ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        Span<double> output, Span<double> logSumExp = default)
    {
        CheckLengths(queries.Length, keys.Length, values.Length, output.Length, logSumExp.Length);
        int dim = Shape.HeadDim, rows = queries.Length / Shape.QueryWidth, positions = keys.Length / Shape.KeyValueWidth;
        var visible = new List<(int Key, double Score)>(positions);

        for (int row = 0; row < rows; row++)
            for (int head = 0; head < Shape.QueryHeads; head++)
            {
                int position = QueryPositions.Count != 0 ? QueryPositions[row] : positions - rows + row;
                int index = row * Shape.QueryHeads + head;
                ReadOnlySpan<float> query = queries.Slice(index * dim, dim);
                Span<double> result = output.Slice(index * dim, dim);

                visible.Clear();
                double max = double.NegativeInfinity;
                for (int key = 0; key < positions; key++)
                    if (Sees(head, position, key))
                    {
                        double score = ScoreOf(Dot(query, Head(keys, key, head)), head, position, key);
                        visible.Add((key, score));
                        max = Math.Max(max, score);
                    }

                if (Normalization is Normalization.Sigmoid or Normalization.Relu)
                {
                    // As exponents these weights need no maximum, and nothing divides them.
                    for (int i = 0; i < visible.Count; i++)
                        visible[i] = (visible[i].Key, Math.Log(Weight(visible[i].Score)));
                    max = max == double.NegativeInfinity ? max : 0;
                }

                double sum = max == double.NegativeInfinity ? 0 : Beside(head, max);
                foreach (var (_, score) in visible)
                    sum += Math.Exp(score - max);
                double total = max == double.NegativeInfinity ? max : max + Math.Log(sum);
                if (!logSumExp.IsEmpty)
                    logSumExp[index] = total;

                result.Clear();
                if (total == double.NegativeInfinity)
                    continue;
                foreach (var (key, score) in visible)
                {
                    double weight = Math.Exp(score - max) / (Normalization is Normalization.Sigmoid or Normalization.Relu ? 1 : sum);
                    ReadOnlySpan<float> value = Head(values, key, head);
                    for (int c = 0; c < dim; c++)
                        result[c] += weight * value[c];
                }
            }
    }

    /// <summary>The same, rounded to float32.</summary>
    /// <inheritdoc cref="Attend(ReadOnlySpan{float}, ReadOnlySpan{float}, ReadOnlySpan{float}, Span{double}, Span{double})"/>
    public void Attend(
        ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        Span<float> output, Span<float> logSumExp = default)
    {
        var exactOutput = new double[output.Length];
        var exactLogSumExp = new double[logSumExp.Length];
        Attend(queries, keys, values, exactOutput, exactLogSumExp);
        for (int i = 0; i < output.Length; i++)
            output[i] = (float)exactOutput[i];
        for (int i = 0; i < logSumExp.Length; i++)
            logSumExp[i] = (float)exactLogSumExp[i];
    }

    bool Sees(int head, int query, int key) =>
        (!Causal || key <= query)
        && (Window == 0 || query - key < Window || key < Sinks)
        && (BlockSize == 0 || query >= ContextLength || key / BlockSize == query / BlockSize || key < AnchorSize)
        && (Mask is null || Mask(head, query, key));

    double ScoreOf(double dot, int head, int query, int key)
    {
        double score = dot * Scale;
        if (SoftCap != 0)
            score = SoftCap * Math.Tanh(score / SoftCap);
        if (AlibiSlopes.Count != 0)
            score -= AlibiSlopes[head] * (double)Math.Abs(query - key);
        return Score is null ? score : Score(score, head, query, key);
    }

    double Weight(double score) => Normalization == Normalization.Relu ? Math.Max(score, 0) : 1 / (1 + Math.Exp(-score));

    // What the denominator holds beside the keys.
    double Beside(int head, double max) =>
        SinkLogits.Count != 0 ? Math.Exp(SinkLogits[head] - max)
        : Normalization == Normalization.SoftmaxOne ? Math.Exp(-max)
        : 0;

    ReadOnlySpan<float> Head(ReadOnlySpan<float> tokens, int token, int queryHead) =>
        tokens.Slice((token * Shape.KeyValueHeads + queryHead / Shape.GroupSize) * Shape.HeadDim, Shape.HeadDim);

    static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (int c = 0; c < x.Length; c++)
            sum += (double)x[c] * y[c];
        return sum;
    }

    void CheckLengths(int queries, int keys, int values, int output, int logSumExp)
    {
        Check(queries % Shape.QueryWidth == 0, nameof(queries), queries, $"[rows, {Shape.QueryHeads}, {Shape.HeadDim}]");
        Check(keys % Shape.KeyValueWidth == 0, nameof(keys), keys, $"[positions, {Shape.KeyValueHeads}, {Shape.HeadDim}]");
        Check(values == keys, nameof(values), values, $"{keys} scalars, as the keys");
        Check(QueryPositions.Count == 0 || QueryPositions.Count == queries / Shape.QueryWidth, nameof(queries), queries, $"{QueryPositions.Count} rows, as QueryPositions");
        Check(output == queries, nameof(output), output, $"{queries} scalars, as the queries");
        Check(
            logSumExp == 0 || logSumExp == queries / Shape.HeadDim, nameof(logSumExp), logSumExp,
            $"[rows, {Shape.QueryHeads}] or nothing");

        static void Check(bool fits, string name, int length, string expected)
        {
            if (!fits)
                throw new ArgumentException($"{name} has {length} scalars; expected {expected}.", name);
        }
    }
}
