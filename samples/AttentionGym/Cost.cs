using System.Diagnostics;
using AttentionComposer;

namespace AttentionGym;

/// <summary>What a variant costs over one long call.</summary>
/// <param name="Name">The variant.</param>
/// <param name="Visited">The part of the tiles of two queries and 64 keys in which some key is visible.</param>
/// <param name="Milliseconds">The fastest of several runs.</param>
/// <param name="PerTile">Time per visited tile, in units of plain causal attention's in the same round.</param>
public sealed record Cost(string Name, double Visited, double Milliseconds, double PerTile)
{
    const int TileQueries = 2, TileKeys = 64;

    /// <summary>Measures variants, each round beside plain causal attention.</summary>
    /// <param name="positions">The length of the call.</param>
    /// <param name="rounds">How often each runs; the fastest counts.</param>
    /// <param name="names">Which variants; all when there is no name.</param>
    public static IReadOnlyList<Cost> Measure(int positions, int rounds, params ReadOnlySpan<string> names)
    {
        var causal = new Subject(new Variant(new PlainCausal()) { Mask = (_, query, key) => key <= query }, positions);
        var costs = new List<Cost>();
        foreach (Variant variant in Catalog.All(positions))
        {
            if (!names.IsEmpty && !names.Contains(variant.Name))
                continue;
            using var subject = new Subject(variant, positions);
            double best = double.MaxValue, bestCausal = double.MaxValue;
            for (int round = 0; round < rounds; round++)
            {
                bestCausal = Math.Min(bestCausal, causal.Run());
                best = Math.Min(best, subject.Run());
            }

            // A tile's work grows with the scalars of a query: variants with fewer heads would seem cheap.
            double perTile = best / subject.Visited / variant.Attention.Shape.QueryWidth;
            double perCausalTile = bestCausal / causal.Visited / new PlainCausal().Shape.QueryWidth;
            costs.Add(new Cost(variant.Name, subject.Visited, best, perTile / perCausalTile));
        }

        causal.Dispose();
        return costs;
    }

    /// <summary>Causal attention over everything beside 16 documents that do not see each other.</summary>
    public static (double Causal, double Packed) Documents(int positions)
    {
        using var causal = new Subject(new Variant(new PlainCausal()), positions);
        using var packed = new Subject(new Variant(new PackedDocuments([.. Enumerable.Range(0, positions).Select(i => i * 16 / positions)])), positions);
        double best = double.MaxValue, bestCausal = double.MaxValue;
        for (int round = 0; round < 5; round++)
            (bestCausal, best) = (Math.Min(bestCausal, causal.Run()), Math.Min(best, packed.Run()));
        return (bestCausal, best);
    }

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
