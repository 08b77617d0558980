using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Tests.Golden;
using AttentionComposer.Tests.Selection;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>Heavy hitters on the device: the golden cases of H2O, and lives of caches whose scores, evictions and outputs are the reference's.</summary>
public sealed class DeviceHeavyHittersTests
{
    static readonly Tolerance s_tolerance = new(1e-4, 1e-4);

    public static TheoryData<string, KvFormat> Cases()
    {
        var cases = new TheoryData<string, KvFormat>();
        foreach (GoldenCase golden in GoldenCase.Of("h2o_decode"))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                cases.Add(golden.Name, format);
        return cases;
    }

    public static TheoryData<string> Variants() => [.. HeavyHittersVariants.All.Where(attention => attention.Plan.Format != KvFormat.Int8).Select(attention => attention.Plan.Name)];

    [Fact]
    public void NoCaseIsLeftOut() => Assert.Equal(2 * 2, Cases().Count);

    [Theory, MemberData(nameof(Cases))]
    public void Decode(string name, KvFormat format)
    {
        GoldenCase golden = GoldenCase.Named(name);
        int start = golden.Integer("start"), steps = golden.Integer("steps");
        using DeviceAttention attention = GoldenHeavyHittersPipelines.Of(golden, format).OnDevice(TestDevice.Accelerator);
        attention.Multiprocessors = 3;
        var sequence = new Sequence(
            attention.Shape, golden.Input("q").SwapWithNext(0).Data, golden.Input("k").SwapWithNext(0).Data, golden.Input("v").SwapWithNext(0).Data);
        using DeviceKvCache cache = attention.CreateCache(start + steps);
        var prefill = new float[start * attention.Shape.QueryWidth];
        attention.Attend(cache, sequence.QueriesAt(..start), sequence.KeysAt(..start), sequence.ValuesAt(..start), prefill);
        golden.Tolerance("prefill_out").Check(prefill, golden.Expected("prefill_out").SwapWithNext(0).Data, $"{name}, prefill");

        float[] alive = golden.Expected("alive").Data;
        List<float> outputs = [];
        int heads = attention.Shape.KeyValueHeads, positions = start + steps;
        for (int step = 0; step < steps; step++)
        {
            Range position = (start + step)..(start + step + 1);
            var output = new float[attention.Shape.QueryWidth];
            attention.Attend(cache, sequence.QueriesAt(position), sequence.KeysAt(position), sequence.ValuesAt(position), output);
            outputs.AddRange(output);
            for (int head = 0; head < heads; head++)
                Assert.Equal(
                    Enumerable.Range(0, start + step + 1).Where(each => alive[(step * heads + head) * positions + each] != 0), Kept(cache, head));
        }

        golden.Tolerance("out").Check([.. outputs], golden.Expected("out").Data, name);
        golden.Tolerance("score").Check(Scores(cache), golden.Expected("score").Data, $"{name}, scores");
    }

    /// <summary>Dense calls of all lengths, steps, stored tokens and truncations; a window drops keys in steps only.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void ScoresAndEvictsAsTheReference(string name)
    {
        IAttention cpu = HeavyHittersVariants.Named(name);
        var reference = new HeavyHittersReference(cpu);
        using var life = new Life(cpu, capacity: 300, seed: 7);
        Dense(1 + 16);
        Dense(5);
        Truncate(3);            // into a call that can be taken back
        Dense(3);
        Truncate(1);            // and through one into another
        Dense(160);
        Dense(2);
        for (int i = 0; i < 6; i++)
            Step();
        Truncate(4);
        life.Append(3);         // without queries of their own
        reference.Append(life.NewKeys, life.NewValues);
        Step();
        Truncate(2);
        for (int i = 0; i < 20; i++)
            Step();
        Truncate(16);
        Step();
        Truncate(reference.Length);
        Dense(40);
        Step();

        void Dense(int tokens)
        {
            float[] output = life.Attend(tokens);
            reference.Append(life.NewKeys, life.NewValues);
            s_tolerance.Check(output, reference.Dense(life.NewQueries), $"{name}, {tokens} tokens to {reference.Length}");
            Check();
        }

        void Step()
        {
            float[] output = life.Attend(1);
            reference.Append(life.NewKeys, life.NewValues);
            int[][] chosen = [.. Enumerable.Range(0, cpu.Shape.QueryHeads).Select(head => Kept(life.Cache, head / cpu.Shape.GroupSize))];
            s_tolerance.Check(output, reference.Step(life.NewQueries, chosen), $"{name}, step to {reference.Length}");
            Check();
        }

        void Truncate(int tokens)
        {
            life.Cache.Truncate(reference.Length - tokens);
            reference.Truncate(reference.Length - tokens);
        }

        void Check()
        {
            float[] scores = Scores(life.Cache);
            for (int head = 0; head < cpu.Shape.KeyValueHeads; head++)
            {
                s_tolerance.Check(
                    scores.AsSpan(head * life.Cache.Capacity, reference.Length), Array.ConvertAll(reference.Scores(head), score => (float)score), $"{name}, scores of head {head} at {reference.Length}");
                Assert.Equal(reference.Kept(head), Kept(life.Cache, head));
            }
        }
    }

    /// <summary>Once something is gone, a call of several tokens is as many steps, whether it brings the keys or finds them; sequences of which something is gone and others share a call.</summary>
    [Theory]
    [InlineData("KeptWithFunctions")]
    [InlineData("KeptInAWindow")]
    public void AfterAnEvictionLongerCallsAreSteps(string name)
    {
        IAttention cpu = HeavyHittersVariants.Named(name);
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        AttentionShape shape = cpu.Shape;
        Sequence sequence = Sequence.Random(shape, positions: 110, rows: 110, seed: 4, cpu.Plan.Format);
        const int Tokens = 3;
        using DeviceKvCache single = Prefilled(), stored = Prefilled(), both = attention.CreateCache(110, sequences: 2);
        var expected = new float[Tokens * shape.QueryWidth];
        for (int token = 0; token < Tokens; token++)
            Attend(single, 101 + token, 1, expected.AsSpan(token * shape.QueryWidth, shape.QueryWidth));
        var output = new float[expected.Length];
        attention.Append(stored, sequence.KeysAt(101..104), sequence.ValuesAt(101..104));
        attention.Attend(stored, sequence.QueriesAt(101..104), output);
        Assert.Equal(expected, output);
        Assert.Equal(Scores(single), Scores(stored));

        // Beside a sequence that is still dense.
        Attend(both.Part(0), 0, 100, new float[100 * shape.QueryWidth]);
        Attend(both.Part(0), 100, 1, new float[shape.QueryWidth]);
        float[] dense = new float[expected.Length], twice = new float[2 * expected.Length];
        using DeviceKvCache alone = attention.CreateCache(110);
        Attend(alone, 101, Tokens, dense);
        attention.Attend(
            both, Twice(sequence.QueriesAt(101..104)), Twice(sequence.KeysAt(101..104)), Twice(sequence.ValuesAt(101..104)), twice);
        Assert.Equal(expected, twice[..expected.Length]);
        Assert.Equal(dense, twice[expected.Length..]);
        Assert.Equal([.. Scores(single), .. Scores(alone)], Scores(both));

        DeviceKvCache Prefilled()
        {
            DeviceKvCache cache = attention.CreateCache(110);
            Attend(cache, 0, 100, new float[100 * shape.QueryWidth]);
            Attend(cache, 100, 1, new float[shape.QueryWidth]);
            Assert.True(cache.EvictionStates[0].HasEvicted);
            return cache;
        }

        void Attend(DeviceKvCache cache, int first, int tokens, Span<float> result) => attention.Attend(
            cache, sequence.QueriesAt(first..(first + tokens)), sequence.KeysAt(first..(first + tokens)), sequence.ValuesAt(first..(first + tokens)), result);

        static float[] Twice(ReadOnlySpan<float> rows) => [.. rows, .. rows];
    }

    /// <summary>A function that reads outside of its table refuses the call, halfway through a step of many or in a dense call: nothing is left of it.</summary>
    [Theory, InlineData(1, true), InlineData(3, true), InlineData(3, false), InlineData(20, false)]
    public void ARefusedCallLeavesNoTrace(int tokens, bool afterAnEviction)
    {
        var cpu = new HeavyHittersVariants.KeptByDocument();
        int[] all = cpu.Document;
        using Life life = new(cpu, 120, seed: 4), plain = new(cpu, 120, seed: 4);
        foreach (Life each in (Life[])[life, plain])
        {
            each.Attend(60);
            for (int i = 0; i < 3 && afterAnEviction; i++)
                each.Attend(1);
        }

        cpu.Document = all[..(life.Cache.Lengths[0] + tokens - 1)]; // the last of the queries to come is outside
        Assert.Throws<IndexOutOfRangeException>(() => life.Attend(tokens));
        Assert.Equal(plain.Cache.Lengths, life.Cache.Lengths);
        cpu.Document = all;
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(plain.Attend(tokens), life.Attend(tokens));
            Assert.Equal(Scores(plain.Cache), Scores(life.Cache));
        }

        life.Cache.Truncate(life.Cache.Lengths[0] - 1 - (tokens > EvictionKernel.Undoable ? -1 : 0));
    }

    [Fact]
    public void StepsThatCouldNotBeTakenBackAreRefused()
    {
        using var life = new Life(new HeavyHittersVariants.KeptByDocument(), 100, seed: 4);
        life.Attend(60);
        life.Attend(1);
        Assert.Contains("17 tokens", Assert.Throws<ArgumentException>("queries", () => life.Attend(17)).Message);
        Assert.Equal([61], life.Cache.Lengths);
    }

    [Fact]
    public void ATruncationTooFarBackChangesNothing()
    {
        using var life = new Life(HeavyHittersVariants.Named("KeptWithAlibiAndCap"), capacity: 100, seed: 5);
        life.Attend(40);
        Refused(39);                    // into the prefill
        for (int i = 0; i < EvictionKernel.Undoable; i++)
            life.Attend(1);
        life.Cache.Truncate(40);        // all steps behind it
        for (int i = 0; i < EvictionKernel.Undoable + 1; i++)
            life.Attend(1);
        Refused(40);
        life.Cache.Truncate(41);
        life.Cache.Truncate(0);
        life.Attend(3);
        life.Cache.Truncate(1);

        void Refused(int length)
        {
            float[] scores = Scores(life.Cache);
            Assert.Contains("16 queries", Assert.Throws<InvalidOperationException>(() => life.Cache.Truncate(length)).Message);
            Assert.Equal(scores, Scores(life.Cache));
        }
    }

    /// <summary>In a prefill and in a step: the head's output is lost, its say in the scores too, and no more.</summary>
    [Fact]
    public void ANaNQueryHasNoSay()
    {
        using DeviceAttention attention = HeavyHittersVariants.Named("KeptWithAlibiAndCap").OnDevice(TestDevice.Accelerator);
        AttentionShape shape = attention.Shape;
        Sequence sequence = Sequence.Random(shape, positions: 48, rows: 48, seed: 2);
        sequence.Queries[30 * shape.QueryWidth] = sequence.Queries[45 * shape.QueryWidth] = float.NaN; // the first head's, of one row in a prefill and of a step
        using DeviceKvCache cache = attention.CreateCache(48);
        var output = new float[48 * shape.QueryWidth];
        Attend(0, 44);
        for (int position = 44; position < 48; position++)
            Attend(position, 1);
        for (int row = 0; row < 48 * shape.QueryHeads; row++)
            Assert.Equal(row == 30 * shape.QueryHeads || row == 45 * shape.QueryHeads, float.IsNaN(output[row * shape.HeadDim]));

        // Every query that has a say gives each head a weight of 1 in all.
        float[] scores = Scores(cache);
        Assert.Equal(48 - 2f / shape.GroupSize, scores[..48].Sum(), 1e-3);
        Assert.Equal(48, scores[48..].Sum(), 1e-3);

        void Attend(int first, int tokens) => attention.Attend(
            cache, sequence.QueriesAt(first..(first + tokens)), sequence.KeysAt(first..(first + tokens)), sequence.ValuesAt(first..(first + tokens)),
            output.AsSpan(first * shape.QueryWidth, tokens * shape.QueryWidth));
    }

    /// <summary>The scores of all heads, 0 where no position is: nobody has written there.</summary>
    static float[] Scores(DeviceKvCache cache)
    {
        float[] scores = Download(cache.Eviction.Scores);
        for (int i = 0; i < scores.Length; i++)
            if (i % cache.Capacity >= cache.Lengths[i / (cache.Capacity * cache.Shape.KeyValueHeads)])
                scores[i] = 0;
        return scores;
    }

    /// <summary>The positions that are left to a head of the first sequence.</summary>
    static int[] Kept(DeviceKvCache cache, int head)
    {
        int[] evictedBy = Download(cache.Eviction.EvictedBy)[(head * cache.Capacity)..];
        return [.. Enumerable.Range(0, cache.Lengths[0]).Where(position => evictedBy[position] == EvictionKernel.Kept)];
    }

    static T[] Download<T>(ArrayView<T> view)
        where T : unmanaged
    {
        var elements = new T[view.Length];
        view.CopyToCPU<T, ArrayView<T>>(TestDevice.Accelerator.DefaultStream, elements);
        return elements;
    }

    /// <summary>A cache and random tokens for it.</summary>
    sealed class Life(IAttention cpu, int capacity, int seed) : IDisposable
    {
        readonly DeviceAttention _attention = cpu.OnDevice(TestDevice.Accelerator);
        DeviceKvCache? _cache;

        public DeviceKvCache Cache => _cache ??= _attention.CreateCache(capacity);

        public float[] NewQueries { get; private set; } = [];

        public float[] NewKeys { get; private set; } = [];

        public float[] NewValues { get; private set; } = [];

        public void Append(int tokens)
        {
            Draw(tokens);
            _attention.Append(Cache, NewKeys, NewValues);
        }

        public float[] Attend(int tokens)
        {
            Draw(tokens);
            var output = new float[tokens * cpu.Shape.QueryWidth];
            _attention.Attend(Cache, NewQueries, NewKeys, NewValues, output);
            return output;
        }

        public void Dispose()
        {
            _cache?.Dispose();
            _attention.Dispose();
        }

        void Draw(int tokens)
        {
            Sequence drawn = Sequence.Random(cpu.Shape, tokens, tokens, seed * 1000 + Cache.Lengths[0], cpu.Plan.Format);
            (NewQueries, NewKeys, NewValues) = (drawn.Queries, drawn.Keys, drawn.Values);
        }
    }
}
