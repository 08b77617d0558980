using System.Diagnostics;
using AttentionComposer;

namespace StarClusterSample;

/// <summary>One layer's attention over a context: how much faster is Star than dense, beside what counting multiplications says?</summary>
static class ContextSpeed
{
    const int Rounds = 5;

    public static int Run(int length, int threads)
    {
        AttentionOptions.MaxDegreeOfParallelism = threads;
        IAttention[] pipelines = [new LayerDense(), new LayerStar4096(), new LayerStar2048(), new LayerStar1024()];
        var random = new Random(1);
        AttentionShape shape = pipelines[0].Shape;
        float[] queries = Numbers(length * shape.QueryWidth), keys = Numbers(length * shape.KeyValueWidth), values = Numbers(length * shape.KeyValueWidth);
        var output = new float[queries.Length];

        // In turn, so that a slow spell of the machine meets all of them; the first round warms up.
        var times = new double[pipelines.Length, Rounds];
        for (int round = -1; round < Rounds; round++)
            for (int i = 0; i < pipelines.Length; i++)
            {
                double seconds = Time(pipelines[i], length);
                if (round >= 0)
                    times[i, round] = seconds;
            }

        Console.WriteLine($"{length} positions, {shape}, {threads} threads, best of {Rounds}");
        Console.WriteLine("| blocks | seconds | gain over dense | by arithmetic | reached |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        double dense = Best(0);
        for (int i = 0; i < pipelines.Length; i++)
        {
            int block = i == 0 ? length : pipelines[i].Plan.BlockSize;
            double gain = dense / Best(i), arithmetic = (double)Pairs(length, length) / Pairs(length, block);
            Console.WriteLine($"| {(length + block - 1) / block} of {block} | {Best(i):0.000} | {gain:0.00} | {arithmetic:0.00} | {gain / arithmetic:0 %} |");
        }

        // Half the context should take half the time.
        double whole = Best(pipelines.Length - 1), half = Enumerable.Range(0, Rounds).Min(_ => Time(pipelines[^1], length / 2));
        Console.WriteLine($"{length / 2} positions in blocks of {pipelines[^1].Plan.BlockSize}: {half:0.000} s, {whole / half:0.00} times less");
        return 0;

        double Best(int i) => Enumerable.Range(0, Rounds).Min(round => times[i, round]);

        double Time(IAttention pipeline, int positions)
        {
            using KvCache cache = pipeline.CreateCache(positions);
            pipeline.Append(cache, keys.AsSpan(0, positions * shape.KeyValueWidth), values.AsSpan(0, positions * shape.KeyValueWidth));
            int scalars = positions * shape.QueryWidth;
            long start = Stopwatch.GetTimestamp();
            pipeline.Attend(cache, queries.AsSpan(0, scalars), output.AsSpan(0, scalars));
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        float[] Numbers(int count)
        {
            var numbers = new float[count];
            for (int i = 0; i < count; i++)
                numbers[i] = random.NextSingle() - 0.5f;
            return numbers;
        }
    }

    /// <summary>Pairs of a query and a key that it sees; block and anchor are of one size.</summary>
    static long Pairs(long length, long block)
    {
        long pairs = 0;
        for (long start = 0; start < length; start += block)
        {
            long rows = Math.Min(block, length - start);
            pairs += rows * (rows + 1) / 2 + (start == 0 ? 0 : rows * block);
        }

        return pairs;
    }
}
