using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>Decides how a specification runs: the order of its stages, what is folded, the cache, the tiles.</summary>
static class Planner
{
    const double Log2E = 1.4426950408889634;
    const int PrefillRows = 128;    // rows that share a packed block of keys
    const float LargestCap = 1e30f; // a cap beyond it changes no score that a float32 dot product reaches
    const int DecodeTileRows = 16;  // up to so many rows the decode kernel is the faster one

    public static KernelPlan Plan(PipelineSpec spec)
    {
        Expr? mask = MaskOf(spec);
        (float factor, Expr logit) = LogitOf(spec);
        (IEnumerable<Expr> masks, IReadOnlyDictionary<string, Expr> locals) = IntervalPlanner.MasksOf(spec);
        SolvedMask solved = IntervalPlanner.Solve(masks, locals);
        int decodeRows = DecodeRowsOf(spec.GroupSize);
        bool plainLogit = FoldsLogit(spec);
        SelectionPlan? selection = SelectionPlan.Of(spec, decodeRows, testsMasks: !solved.IsExact);
        var plan = new KernelPlan
        {
            Spec = spec,
            QueryFactor = factor,
            Logit = logit,
            LogitFactor = plainLogit || spec.Normalization == Normalization.Relu ? 1 : (float)Log2E,
            FoldedFactor = plainLogit ? Log2E : 1,
            LogitText = LogitTextOf(spec),
            Mask = mask,
            MaskText = MaskTextOf(spec),
            Intervals = solved.Intervals,
            TestsTiles = !solved.IsExact,
            Pinned = 0,
            Ring = 0,
            DecodeRows = decodeRows,
            DecodeTileRows = TileRowsOf(decodeRows),
            BlockKeys = 64,
            DecodeBlock = DecodeBlockOf(spec),
            DecodeTokens = Math.Max(1, DecodeTileRows / decodeRows),
            PrefillTokens = Math.Max(1, PrefillRows / spec.GroupSize),
            Tiles = new EquatableArray<TilePlan>(TilesOf(TileRowsOf(decodeRows))),
            Selection = selection,
            Hoists = HoistPlan.Nothing,
            Stages = default,
        };

        // A call that fails halfway is taken back, and a ring has overwritten what it would go back to.
        int ring = plan.ChecksTables ? 0 : RingOf(spec);
        plan = plan with { Ring = ring, Pinned = ring == 0 ? 0 : spec.Sinks };
        plan = plan with { Hoists = Hoister.Plan(plan) };
        return plan with { Stages = new EquatableArray<string>(StagesOf(plan)) };
    }

    /// <summary>Whether log2(e) goes into the constants of the attributes' stages: not when a function wants natural units behind them.</summary>
    static bool FoldsLogit(PipelineSpec spec) => spec.Scores.Count == 0 && spec.Normalization != Normalization.Relu;

    static float ScaleOf(PipelineSpec spec) => spec.Scale ?? (float)(1 / Math.Sqrt(spec.HeadDim));

    public static Expr? MaskOf(PipelineSpec spec)
    {
        if (!spec.Causal)
            return null;
        Expr causal = Expr.LessThanOrEqual(Expr.Key, Expr.Query);
        if (spec.Window == 0)
            return causal;
        Expr window = Expr.LessThan(Expr.Subtract(Expr.Query, Expr.Key), Expr.Int(spec.Window));
        return Expr.And(causal, spec.Sinks == 0 ? window : Expr.Or(Expr.LessThan(Expr.Key, Expr.Int(spec.Sinks)), window));
    }

    /// <summary>
    /// The stages on a score in their fixed order: scale, soft cap, ALiBi. Weights are powers of 2, so log2(e) goes into
    /// whichever constants come last; the cap's divisor goes into the scale.
    /// </summary>
    static (float QueryFactor, Expr Logit) LogitOf(PipelineSpec spec)
    {
        double scale = ScaleOf(spec), unit = FoldsLogit(spec) ? Log2E : 1;
        bool capped = spec.SoftCap is > 0 and < LargestCap;
        double factor = capped ? scale / spec.SoftCap : scale * unit;
        Expr logit = capped ? Expr.Multiply(Expr.Float(spec.SoftCap * unit), Expr.Tanh(Expr.Score)) : Expr.Score;
        if (spec.Alibi)
        {
            IEnumerable<float> slopes = Alibi.Slopes(spec.QueryHeads).Select(slope => (float)(slope * unit));
            Expr slope = new TableElement("AlibiSlopes", "slope", new EquatableArray<float>(slopes), Expr.Head);
            logit = Expr.Subtract(logit, Expr.Multiply(slope, Expr.ToFloat(Expr.Abs(Expr.Subtract(Expr.Query, Expr.Key)))));
        }

        return ((float)factor, logit);
    }

    /// <summary>A window's ring holds the window and slack: the more slack, the longer the steps of a prefill. Pages stay where they are.</summary>
    static int RingOf(PipelineSpec spec)
    {
        if (spec.Selection is PageSelection or HeavyHittersSelection)
            return 0; // a ring would cut pages, and a truncation brings evicted keys back

        long ring = (long)spec.Window + Math.Min(2048, Math.Max(256, spec.Window / 4));
        return spec.Window == 0 || ring + spec.Sinks > int.MaxValue ? 0 : (int)ring;
    }

    // 16 KiB of keys and as much of values, in a first cache of 32 to 48 KiB.
    static int DecodeBlockOf(PipelineSpec spec)
    {
        int rowBytes = spec.RowStride * spec.Format.ScalarSize();
        return Math.Min(64, Math.Max(16, (16 << 10) / rowBytes / 16 * 16));
    }

    // Tiles have up to 4 rows; a group that does not divide into tiles of 4 or 3 is padded until it does.
    static int DecodeRowsOf(int group)
    {
        int rows = group;
        while (rows > 4 && rows % 4 != 0 && rows % 3 != 0)
            rows++;
        return rows;
    }

    static int TileRowsOf(int decodeRows) => decodeRows <= 4 ? decodeRows : decodeRows % 4 == 0 ? 4 : 3;

    /// <summary>
    /// 512-bit kernels have 32 registers: 16 accumulators, and what they multiply. The narrower ones count on 16 registers, so 8 accumulators.
    /// All rows of a group share each row of the cache that is loaded and widened, so rows go before keys.
    /// </summary>
    static IEnumerable<TilePlan> TilesOf(int rows)
    {
        int wideKeys = rows == 1 ? 16 : rows == 2 ? 8 : 4, narrowKeys = rows == 1 ? 8 : rows == 2 ? 4 : 2;
        yield return new TilePlan(512, rows, wideKeys, 20 / rows);
        yield return new TilePlan(256, rows, narrowKeys, 8 / rows);
        yield return new TilePlan(128, rows, narrowKeys, 8 / rows);
    }

    static string LogitTextOf(PipelineSpec spec)
    {
        string text = Number(ScaleOf(spec)) + " * dot(query, key)";
        if (spec.SoftCap > 0)
            text = $"{Number(spec.SoftCap)} * tanh({text} / {Number(spec.SoftCap)})";
        return spec.Alibi ? text + " - slope[head] * |query - key|" : text;
    }

    static string MaskTextOf(PipelineSpec spec) =>
        !spec.Causal ? "every key"
        : spec.Window == 0 ? "key <= query"
        : spec.Sinks == 0 ? $"key <= query && query - key < {spec.Window}"
        : $"key <= query && (key < {spec.Sinks} || query - key < {spec.Window})";

    static IEnumerable<string> StagesOf(KernelPlan plan)
    {
        PipelineSpec spec = plan.Spec;
        string format = spec.Format == KvFormat.Int8 ? "Int8 with a scale a row" : spec.Format.ToString();
        yield return plan.Ring == 0
            ? $"cache: keys and values in {format}, one slot a position" + plan.Selection?.CacheText
            : $"cache: keys and values in {format}, a ring of {plan.Ring} positions" + (spec.Sinks == 0 ? "" : $" beside {spec.Sinks} sinks") + plan.Selection?.CacheText;
        if (spec.StarBlock > 0)
            yield return StarStageOf(spec);
        if (spec.Masks.Count == 0)
            yield return (spec.StarBlock == 0 ? "keys: " : "keys behind the context: ") + KeysOf(spec);
        foreach (string line in FunctionStages.Masks(plan))
            yield return line;
        yield return "score: " + plan.LogitText;
        foreach (string line in FunctionStages.Scores(plan))
            yield return line;
        foreach (string line in FunctionStages.Hoists(plan))
            yield return line;
        foreach (string stage in plan.Selection?.Stages ?? default)
            yield return stage;
        yield return "weights: " + (spec.SinkLogits, spec.Normalization) switch
        {
            ({ } sinks, _) => $"softmax whose denominator {sinks}[head] joins, online over blocks of keys, split over keys in decode and merged by log-sum-exp",
            (_, Normalization.SoftmaxOne) => "softmax with 1 more in its denominator, online over blocks of keys, split over keys in decode and merged by log-sum-exp",
            (_, Normalization.Sigmoid) => "sigmoid of each score by itself",
            (_, Normalization.Relu) => "each score, or 0 where it is negative",
            _ => "softmax, online over blocks of keys, split over keys in decode and merged by log-sum-exp",
        };
        yield return "output: weighted sum of values";
    }

    static string KeysOf(PipelineSpec spec) => (spec.Causal, spec.Window, spec.Sinks) switch
    {
        (false, _, _) => "every row sees all of them; no mask is tested",
        (true, 0, _) => "[0, query]; only blocks on the diagonal test the mask",
        (true, _, 0) => $"[query - {spec.Window - 1}, query]; only blocks at the two ends test the mask",
        _ => $"[0, {spec.Sinks - 1}] and [query - {spec.Window - 1}, query]; only blocks at their ends test the mask",
    };

    static string StarStageOf(PipelineSpec spec)
    {
        string block = $"[query / {spec.StarBlock} * {spec.StarBlock}, query]";
        string seen = spec.StarAnchor == 0 ? block : $"[0, {spec.StarAnchor - 1}] and {block}";
        return $"keys of the context: {seen}; calls are cut between blocks and behind the context, so only blocks on the diagonal test a mask";
    }

    static string Number(float value) => value.ToString("R", CultureInfo.InvariantCulture);
}
