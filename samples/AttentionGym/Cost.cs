using System.Diagnostics;
using AttentionComposer;

namespace AttentionGym;

/// <summary>What a variant costs over one long call.</summary>
/// <param name="Name">The variant.</param>
/// <param name="Visited">The part of the tiles of two queries and 64 keys in which some key is visible.</param>
/// <param name="Milliseconds">The median of several runs.</param>
/// <param name="PerTile">Time per visited tile in units of plain causal attention's: the median of the rounds' ratios.</param>
/// <param name="PerWindowTile">The same in units of plain attention over the same window, for variants that name one.</param>
public sealed record Cost(string Name, double Visited, double Milliseconds, double PerTile, double? PerWindowTile = null)
{
    const int TileQueries = 2, TileKeys = 64;

    /// <summary>Measures variants, each round beside plain causal attention.</summary>
    /// <param name="variants">The variants.</param>
    /// <param name="plainCausal">What they are compared with.</param>
    /// <param name="positions">The length of the call.</param>
    /// <param name="rounds">How often each runs.</param>
    public static IReadOnlyList<Cost> Measure(IEnumerable<Variant> variants, IAttention plainCausal, int positions, int rounds)
    {
        using var causal = new Subject(new Variant(plainCausal), positions);
        var costs = new List<Cost>();
        foreach (Variant variant in variants)
        {
            using var subject = new Subject(variant, positions);
            using Subject? window = variant.PlainWindow is { } plain ? new Subject(new Variant(plain), positions) : null;
            var runs = new double[rounds];
            double[] perTile = new double[rounds], perWindowTile = new double[rounds];
            for (int round = 0; round < rounds; round++)
            {
                double perCausalTile = causal.Run() / causal.Work;
                runs[round] = subject.Run();
                perTile[round] = runs[round] / subject.Work / perCausalTile;
                if (window is not null)
                    perWindowTile[round] = runs[round] / subject.Work / (window.Run() / window.Work);
            }

            costs.Add(new Cost(variant.Name, subject.Visited, Median(runs), Median(perTile), window is null ? null : Median(perWindowTile)));
        }

        return costs;
    }

    /// <summary>Causal attention over everything beside 16 documents that do not see each other.</summary>
    public static (double Causal, double Packed) Documents(int positions)
    {
        const int Rounds = 5;
        using var causal = new Subject(new Variant(new PlainCausal()), positions);
        using var packed = new Subject(new Variant(new PackedDocuments([.. Enumerable.Range(0, positions).Select(i => i * 16 / positions)])), positions);
        double[] causalRuns = new double[Rounds], packedRuns = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
            (causalRuns[round], packedRuns[round]) = (causal.Run(), packed.Run());
        return (Median(causalRuns), Median(packedRuns));
    }

    static double Median(double[] runs) => runs.Order().ElementAt(runs.Length / 2);

    /// <summary>A pipeline with a sequence to run over.</summary>
    sealed class Subject : IDisposable
    {
        readonly Variant _variant;
        readonly KvCache _cache;
        readonly float[] _queries;
        readonly float[] _output;

        public Subject(Variant variant, int positions)
        {
            _variant = variant;
            AttentionShape shape = variant.Attention.Shape;
            var random = new Random(1);
            float[] Scalars(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
            _queries = Scalars(positions * shape.QueryWidth);
            _output = new float[_queries.Length];
            _cache = variant.Attention.CreateCache(positions);
            float[] keys = Scalars(positions * shape.KeyValueWidth), values = Scalars(positions * shape.KeyValueWidth);
            variant.Attention.Attend(_cache, _queries, keys, values, _output); // also where a window's ring is too small for one call
            Visited = VisitedPart(positions);
            Holds = variant.Attention.Plan.RingSize == 0 || positions <= variant.Attention.Plan.RingSize;
            (Keys, Values) = (keys, values);
        }

        public double Visited { get; }

        // A tile's work grows with the scalars of a query: variants with fewer heads would seem cheap.
        public double Work => Visited * _variant.Attention.Shape.QueryWidth;

        bool Holds { get; }

        float[] Keys { get; }

        float[] Values { get; }

        public double Run()
        {
            long start = Stopwatch.GetTimestamp();
            if (Holds)
                _variant.Attention.Attend(_cache, _queries, _output);
            else
            {
                _cache.Clear();
                _variant.Attention.Attend(_cache, _queries, Keys, Values, _output);
            }

            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        public void Dispose() => _cache.Dispose();

        double VisitedPart(int positions)
        {
            AttentionPlan plan = _variant.Attention.Plan;
            int heads = plan.Shape.QueryHeads;
            bool Sees(int query, int key)
            {
                if (plan.Causal && key > query || plan.Window != 0 && query - key >= plan.Window)
                    return false;
                for (int head = 0; head < heads; head++)
                {
                    if (_variant.Mask is null || _variant.Mask(head, query, key))
                        return true;
                }

                return false;
            }

            long visited = 0, tiles = 0;
            for (int query = 0; query < positions; query += TileQueries)
            {
                for (int key = 0; key < positions; key += TileKeys)
                {
                    tiles++;
                    bool any = false;
                    for (int q = query; q < Math.Min(positions, query + TileQueries) && !any; q++)
                        for (int k = key; k < Math.Min(positions, key + TileKeys) && !any; k++)
                            any = Sees(q, k);
                    visited += any ? 1 : 0;
                }
            }

            return (double)visited / tiles;
        }
    }
}
