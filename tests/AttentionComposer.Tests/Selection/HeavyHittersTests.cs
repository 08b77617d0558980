using AttentionComposer.Caches;
using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Selection;

/// <summary>Heavy hitters through a cache's life: scores, evictions and outputs are the reference's, and what a truncation takes back never was.</summary>
public sealed class HeavyHittersTests
{
    static readonly Tolerance s_tolerance = new(1e-4, 1e-4);

    public static TheoryData<string, int> Variants()
    {
        var cases = new TheoryData<string, int>();
        foreach (IAttention attention in HeavyHittersVariants.All)
            foreach (int bits in KernelSettings.VectorWidths)
                cases.Add(attention.Plan.Name, bits);
        return cases;
    }

    /// <summary>Dense calls of all lengths, steps, stored tokens and truncations; a window drops keys in steps only.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void ScoresAndEvictsAsTheReference(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = HeavyHittersVariants.Named(name);
        var reference = new HeavyHittersReference(attention);
        using var life = new Life(attention, capacity: 900, seed: vectorBits);
        Check();
        Dense(1 + 16);
        Dense(5);
        Truncate(3);            // into a call that can be taken back
        Dense(3);
        Truncate(1);            // and through one into another
        Dense(300);
        Dense(2);
        for (int i = 0; i < 9; i++)
            Step();
        Truncate(4);
        life.Append(3);         // without queries of their own
        reference.Append(life.NewKeys, life.NewValues);
        Step();
        Truncate(2);
        for (int i = 0; i < 20; i++)
            Step();
        Truncate(16);
        for (int i = 0; i < 180; i++)
            Step();
        Truncate(0);
        life.Cache.Clear();
        reference.Truncate(0);
        Dense(200);
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
            s_tolerance.Check(output, reference.Step(life.NewQueries, life.Rows.Trace!.Positions), $"{name}, step to {reference.Length}");
            Check();
        }

        void Truncate(int tokens)
        {
            life.Cache.Truncate(life.Cache.Length - tokens);
            reference.Truncate(reference.Length - tokens);
            Check();
        }

        void Check()
        {
            Assert.Equal(reference.Length, life.Cache.Length);
            for (int head = 0; head < attention.Shape.KeyValueHeads; head++)
            {
                s_tolerance.Check(
                    life.Rows.Scores!.Of(head)[..reference.Length], Array.ConvertAll(reference.Scores(head), score => (float)score), $"{name}, scores of head {head} at {reference.Length}");
                Assert.Equal(reference.Kept(head), life.Kept(head));
            }
        }
    }

    /// <summary>Once something is gone, a call of several tokens is as many steps, whether it brings the keys or finds them.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void AfterAnEvictionLongerCallsAreSteps(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = HeavyHittersVariants.Named(name);
        Sequence sequence = Sequence.Random(attention.Shape, positions: 240, rows: 240, seed: 4, attention.Plan.Format);
        using KvCache single = Prefilled(), together = Prefilled(), stored = Prefilled();
        var expected = new float[16 * attention.Shape.QueryWidth];
        for (int token = 0; token < 16; token++)
            Steps(single, 201 + token, 1, expected.AsSpan(token * attention.Shape.QueryWidth, attention.Shape.QueryWidth));
        var output = new float[expected.Length];
        Steps(together, 201, 16, output);
        Assert.True(Result.SameBits(output, expected), "a call of 16 tokens");
        attention.Append(stored, sequence.KeysAt(201..217), sequence.ValuesAt(201..217));
        attention.Attend(stored, sequence.QueriesAt(201..217), output);
        Assert.True(Result.SameBits(output, expected), "16 queries over stored tokens");
        CheckSame((RowCache)together, (RowCache)single);
        CheckSame((RowCache)stored, (RowCache)single);

        KvCache Prefilled()
        {
            KvCache cache = attention.CreateCache(240);
            Steps(cache, 0, 200, new float[200 * attention.Shape.QueryWidth]);
            Steps(cache, 200, 1, new float[attention.Shape.QueryWidth]);
            Assert.True(((RowCache)cache).Scores!.HasEvicted);
            return cache;
        }

        void Steps(KvCache cache, int first, int tokens, Span<float> result) => attention.Attend(
            cache, sequence.QueriesAt(first..(first + tokens)), sequence.KeysAt(first..(first + tokens)), sequence.ValuesAt(first..(first + tokens)), result);
    }

    [Theory, MemberData(nameof(Variants))]
    public void ChunksOfAPrefillAddUp(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = HeavyHittersVariants.Named(name);
        Sequence sequence = Sequence.Random(attention.Shape, positions: 700, rows: 700, seed: 6, attention.Plan.Format);
        using KvCache whole = attention.CreateCache(700), chunks = attention.CreateCache(700);
        foreach (Range tokens in (Range[])[0..700])
            Prefill(whole, tokens);
        foreach (Range tokens in (Range[])[0..2, 2..18, 18..19, 19..36, 36..164, 164..170, 170..700])
            Prefill(chunks, tokens);
        for (int head = 0; head < attention.Shape.KeyValueHeads; head++)
            s_tolerance.Check(((RowCache)chunks).Scores!.Of(head), ((RowCache)whole).Scores!.Of(head), name);

        // A chunk of one token is a step, which a small budget would make evict.
        void Prefill(KvCache cache, Range tokens)
        {
            if (tokens is { Start.Value: 18, End.Value: 19 } && attention.Plan.Selection!.Keep < 19)
                tokens = 18..20;
            if (cache.Length > tokens.Start.Value)
                tokens = cache.Length..tokens.End.Value;
            attention.Attend(cache, sequence.QueriesAt(tokens), sequence.KeysAt(tokens), sequence.ValuesAt(tokens), new float[sequence.QueriesAt(tokens).Length]);
        }
    }

    /// <summary>Thousands of steps forth and back leave what the steps that remain would have left alone, bit for bit.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void TruncatedStepsLeaveNoTrace(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = HeavyHittersVariants.Named(name);
        const int Prompt = 100, Positions = 500;
        Sequence sequence = Sequence.Random(attention.Shape, Positions, rows: Positions, seed: 8, attention.Plan.Format);
        Sequence rejected = Sequence.Random(attention.Shape, Positions, rows: Positions, seed: 9, attention.Plan.Format);
        using KvCache cache = attention.CreateCache(Positions), plain = attention.CreateCache(Positions);
        var output = new float[Prompt * attention.Shape.QueryWidth];
        Attend(cache, sequence, 0..Prompt);
        Attend(plain, sequence, 0..Prompt);
        var random = new Random(3);
        while (cache.Length < Positions - AccumulatedScores.Undoable)
        {
            // As speculation goes: some tokens are tried, in one call or in several, and all but a few taken back.
            int start = cache.Length, tried = random.Next(1, AccumulatedScores.Undoable + 1);
            if (random.Next(2) == 0 || !((RowCache)cache).Scores!.HasEvicted)
            {
                for (int token = 0; token < tried; token++)
                    Attend(cache, rejected, (start + token)..(start + token + 1));
            }
            else
                Attend(cache, rejected, start..(start + tried));
            cache.Truncate(start);
            Attend(cache, sequence, start..(start + 1));
            Attend(plain, sequence, start..(start + 1));
            CheckSame((RowCache)cache, (RowCache)plain);
        }

        void Attend(KvCache target, Sequence from, Range tokens) =>
            attention.Attend(target, from.QueriesAt(tokens), from.KeysAt(tokens), from.ValuesAt(tokens), output.AsSpan(0, from.QueriesAt(tokens).Length));
    }

    [Theory, MemberData(nameof(Variants))]
    public void WhatIsGoneStaysGone(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = HeavyHittersVariants.Named(name);
        using var life = new Life(attention, capacity: 400, seed: 31);
        life.Attend(120);
        int[][] before = [.. Enumerable.Range(0, attention.Shape.KeyValueHeads).Select(head => Enumerable.Range(0, 400).ToArray())];
        for (int step = 0; step < 250; step++)
        {
            life.Attend(1);
            for (int head = 0; head < before.Length; head++)
            {
                int[] kept = life.Kept(head);
                Assert.Empty(kept.Except(before[head]));
                Assert.True(kept.Length <= attention.Plan.Selection!.Keep);
                before[head] = [.. kept, .. Enumerable.Range(life.Cache.Length, 400)];
            }
        }
    }

    [Fact]
    public void ABudgetOfEverythingIsDense()
    {
        IAttention attention = HeavyHittersVariants.Named("KeptBlocksBF16");
        Sequence sequence = Sequence.Random(attention.Shape, positions: 151, rows: 1, seed: 2, attention.Plan.Format);
        Result.OfStored(attention, sequence).CheckAgainst(Result.OfReference(ReferenceAttention.Of(attention.Plan), sequence), Tolerance.Float32, "151 of 151");
    }

    /// <summary>Without a query nothing has received any weight: of equal ones the newer stay.</summary>
    [Fact]
    public void TokensWithoutQueriesGoInTheirOrder()
    {
        IAttention attention = HeavyHittersVariants.Named("KeptWithAlibiAndCap");
        using var life = new Life(attention, capacity: 100, seed: 3);
        life.Append(99);
        life.Attend(1);
        Assert.Equal(Enumerable.Range(100 - 22, 22), life.Kept(0));
    }

    [Fact]
    public void ATruncationTooFarBackChangesNothing()
    {
        IAttention attention = HeavyHittersVariants.Named("KeptWithAlibiAndCap");
        using var life = new Life(attention, capacity: 200, seed: 5);
        life.Attend(40);
        Refused(39);                    // into the prefill
        for (int i = 0; i < AccumulatedScores.Undoable; i++)
            life.Attend(1);
        life.Cache.Truncate(40);        // all steps behind it
        for (int i = 0; i < AccumulatedScores.Undoable + 1; i++)
            life.Attend(1);
        Refused(40);
        life.Append(10);
        life.Cache.Truncate(57);        // nobody asked there
        life.Cache.Truncate(41);
        Refused(40);
        life.Cache.Truncate(0);
        life.Attend(3);
        life.Cache.Truncate(1);

        void Refused(int length)
        {
            float[] scores = life.Rows.Scores!.Of(1).ToArray();
            int[] kept = life.Kept(1);
            int before = life.Cache.Length;
            var refusal = Assert.Throws<InvalidOperationException>(() => life.Cache.Truncate(length));
            Assert.Contains("16 queries", refusal.Message);
            Assert.Equal(before, life.Cache.Length);
            Assert.Equal(scores, life.Rows.Scores.Of(1).ToArray());
            Assert.Equal(kept, life.Kept(1));
        }
    }

    [Fact]
    public void ABatchIsItsCachesAlone()
    {
        IAttention attention = HeavyHittersVariants.Named("KeptWithAlibiAndCap");
        using Life first = new(attention, 200, seed: 1), second = new(attention, 200, seed: 2), firstAlone = new(attention, 200, seed: 1), secondAlone = new(attention, 200, seed: 2);
        foreach (Life life in (Life[])[first, second, firstAlone, secondAlone])
        {
            life.Attend(60);
            life.Append(1);
        }

        int width = attention.Shape.QueryWidth;
        float[] queries = Sequence.Random(attention.Shape, 0, rows: 2, seed: 7).Queries, output = new float[2 * width], alone = new float[2 * width];
        attention.AttendBatch([first.Cache, second.Cache], queries, output);
        attention.Attend(firstAlone.Cache, queries.AsSpan(0, width), alone.AsSpan(0, width));
        attention.Attend(secondAlone.Cache, queries.AsSpan(width), alone.AsSpan(width));
        Assert.True(Result.SameBits(output, alone));
        CheckSame(first.Rows, firstAlone.Rows);
        CheckSame(second.Rows, secondAlone.Rows);

        var twice = Assert.Throws<ArgumentException>(() => attention.AttendBatch([first.Cache, first.Cache], queries, output));
        Assert.Contains("twice", twice.Message);
        CheckSame(first.Rows, firstAlone.Rows);
    }

    /// <summary>The plain loops score and evict as the kernels do, so a value that nobody reads changes nothing.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void InfinityThatIsGoneChangesNothing(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = HeavyHittersVariants.Named(name);
        using Life finite = new(attention, 300, seed: 12), infinite = new(attention, 300, seed: 12);
        float[] expected = finite.Attend(180), actual;
        expected = finite.Attend(1);
        int gone = Enumerable.Range(0, 180).First(position => Enumerable.Range(0, attention.Shape.KeyValueHeads).All(head => !finite.Kept(head).Contains(position)));
        infinite.Poison(gone);  // its value, so that weights are those of before
        infinite.Attend(180);
        actual = infinite.Attend(1);
        for (int step = 0; step < 20; step++)
        {
            s_tolerance.Check(actual, expected, name);
            for (int head = 0; head < attention.Shape.KeyValueHeads; head++)
            {
                Assert.Equal(finite.Kept(head), infinite.Kept(head));
                s_tolerance.Check(infinite.Rows.Scores!.Of(head)[..181], finite.Rows.Scores!.Of(head)[..181], name);
            }

            expected = finite.Attend(1);
            actual = infinite.Attend(1);
        }
    }

    /// <summary>In a prefill and in a step: the head's output is lost, its say in the scores too, and no more.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void ANaNQueryHasNoSay(string name, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        IAttention attention = HeavyHittersVariants.Named(name);
        AttentionShape shape = attention.Shape;
        Sequence sequence = Sequence.Random(shape, positions: 70, rows: 70, seed: 2, attention.Plan.Format);
        float[] queries = (float[])sequence.Queries.Clone();
        queries[30 * shape.QueryWidth] = queries[65 * shape.QueryWidth] = float.NaN; // the first head's, of one row in a prefill and of a step
        using KvCache cache = attention.CreateCache(70);
        var output = new float[70 * shape.QueryWidth];
        Attend(0, 60);
        for (int position = 60; position < 70; position++)
            Attend(position, 1);
        for (int row = 0; row < 70 * shape.QueryHeads; row++)
        {
            bool lost = row == 30 * shape.QueryHeads || row == 65 * shape.QueryHeads;
            Assert.Equal(lost, float.IsNaN(output[row * shape.HeadDim]));
        }

        // Every query that has a say gives each head a weight of 1 in all, but for what a sink takes.
        if (attention.Plan.HasSinkLogits || attention.Plan.Normalization != Normalization.Softmax)
            return;
        for (int head = 0; head < shape.KeyValueHeads; head++)
            Assert.Equal(70 - (head == 0 ? 2.0 / shape.GroupSize : 0), ((RowCache)cache).Scores!.Of(head).ToArray().Sum(score => (double)score), 1e-3);

        void Attend(int first, int tokens) => attention.Attend(
            cache, queries.AsSpan(first * shape.QueryWidth, tokens * shape.QueryWidth), sequence.KeysAt(first..(first + tokens)), sequence.ValuesAt(first..(first + tokens)),
            output.AsSpan(first * shape.QueryWidth, tokens * shape.QueryWidth));
    }

    /// <summary>What functions and sinks make of a head's weights is as good as what its query holds: in a prefill, and in the steps behind it.</summary>
    [Theory]
    [InlineData(float.NaN, 512), InlineData(float.NaN, 256), InlineData(float.NaN, 128)]
    [InlineData(float.PositiveInfinity, 512), InlineData(float.PositiveInfinity, 256), InlineData(float.PositiveInfinity, 128)]
    public void AHeadWhoseWeightsAreNotNumbersHasNoSay(float undefined, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        const int Prompt = 61, Positions = 90, Head = 2;
        var attention = new HeavyHittersVariants.KeptWhereDefined();
        AttentionShape shape = attention.Shape;
        Sequence sequence = Sequence.Random(shape, Positions, rows: Positions, seed: 6);
        float[] queries = (float[])sequence.Queries.Clone();
        foreach (int position in (int[])[30, 75])
            queries.AsSpan(position * shape.QueryWidth, shape.QueryWidth).Fill(float.NaN);
        for (int position = 0; position < Positions; position++)
            queries.AsSpan(position * shape.QueryWidth + Head * shape.HeadDim, shape.HeadDim).Fill(float.NaN);
        using KvCache expected = Attended(queries);
        attention.Bias[30] = attention.Bias[75] = attention.Sinks[Head] = undefined;
        using KvCache actual = Attended(sequence.Queries);
        s_tolerance.Check(((RowCache)actual).Scores!.Of(0), ((RowCache)expected).Scores!.Of(0).ToArray(), "scores");
        Assert.Equal(Kept((RowCache)expected, 0), Kept((RowCache)actual, 0));

        KvCache Attended(float[] rows)
        {
            KvCache cache = attention.CreateCache(Positions);
            Attend(cache, rows, 0, Prompt);
            for (int position = Prompt; position < Positions; position++)
                Attend(cache, rows, position, 1);
            return cache;
        }

        void Attend(KvCache cache, float[] rows, int first, int tokens) => attention.Attend(
            cache, rows.AsSpan(first * shape.QueryWidth, tokens * shape.QueryWidth), sequence.KeysAt(first..(first + tokens)), sequence.ValuesAt(first..(first + tokens)),
            new float[tokens * shape.QueryWidth]);
    }

    /// <summary>A function that reads outside of its table refuses the call, halfway through a step of many or of a batch: nothing is left of it.</summary>
    [Theory, InlineData(1), InlineData(5), InlineData(16)]
    public void ARefusedCallLeavesNoTrace(int tokens)
    {
        var attention = new HeavyHittersVariants.KeptByDocument();
        int[] all = attention.Document;
        using Life life = new(attention, 300, seed: 4), other = new(attention, 300, seed: 5), plain = new(attention, 300, seed: 4), otherPlain = new(attention, 300, seed: 5);
        foreach (Life each in (Life[])[life, other, plain, otherPlain])
        {
            each.Attend(100);
            for (int i = 0; i < 20; i++)
                each.Attend(1);
            each.Append(5);
        }

        attention.Document = all[..(125 + tokens - 1)]; // the last of the queries to come is outside
        Assert.Throws<IndexOutOfRangeException>(() => life.Attend(tokens));
        CheckSame(life.Rows, plain.Rows);

        attention.Document = all[..124]; // the newest query only
        float[] queries = Sequence.Random(attention.Shape, 0, 5, seed: 1).Queries, output = new float[queries.Length];
        Assert.Throws<IndexOutOfRangeException>(() => attention.Attend(life.Cache, queries, output));
        CheckSame(life.Rows, plain.Rows);
        Assert.All(output, x => Assert.Equal(0, x));
        Assert.Throws<IndexOutOfRangeException>(() => attention.AttendBatch([other.Cache, life.Cache], queries.AsSpan(0, 2 * attention.Shape.QueryWidth), output.AsSpan(0, 2 * attention.Shape.QueryWidth)));
        CheckSame(life.Rows, plain.Rows);
        CheckSame(other.Rows, otherPlain.Rows);

        attention.Document = all;
        Assert.True(Result.SameBits(life.Attend(tokens), plain.Attend(tokens)));
        CheckSame(life.Rows, plain.Rows);
        life.Cache.Truncate(125);
        plain.Cache.Truncate(125);
        CheckSame(life.Rows, plain.Rows);
    }

    [Fact]
    public void StepsThatCouldNotBeTakenBackAreRefused()
    {
        using var life = new Life(new HeavyHittersVariants.KeptByDocument(), 300, seed: 4);
        life.Attend(100);
        life.Attend(1);
        Assert.Contains("17 tokens", Assert.Throws<ArgumentException>("queries", () => life.Attend(17)).Message);
        Assert.Equal(101, life.Cache.Length);
    }

    [Fact]
    public void MoreQueriesThanPositions()
    {
        IAttention attention = HeavyHittersVariants.Named("KeptWithAlibiAndCap");
        Sequence sequence = Sequence.Random(attention.Shape, positions: 4, rows: 9, seed: 2);
        using KvCache cache = attention.CreateCache(4);
        attention.Append(cache, sequence.Keys, sequence.Values);
        Result result = Result.Unwritten(attention.Shape, 9);
        attention.Attend(cache, sequence.Queries, result.Output, result.LogSumExp);
        result.CheckAgainst(Result.OfReference(ReferenceAttention.Of(attention.Plan), sequence), Tolerance.Float32, "9 queries over 4 positions");
        Assert.Equal(4, ((RowCache)cache).Scores!.Of(0).ToArray().Sum(), 1e-4);
        cache.Truncate(3);
        Assert.Equal(3, ((RowCache)cache).Scores!.Of(0)[..3].ToArray().Sum(), 1e-4);
    }

    [Fact]
    public void CallsDoNotAllocate()
    {
        foreach (IAttention attention in HeavyHittersVariants.All)
        {
            Sequence sequence = Sequence.Random(attention.Shape, positions: 400, rows: 300, seed: 1);
            using KvCache cache = attention.CreateCache(400);
            var output = new float[300 * attention.Shape.QueryWidth];
            Kernels.AllocationTests.Measure(attention.Plan.Name, () =>
            {
                cache.Clear();
                Attend(0..300);
                Attend(300..308);
                cache.Truncate(302);
                for (int position = 302; position < 330; position++)
                    Attend(position..(position + 1));
                cache.Truncate(320);
                Attend(320..335);
            });

            void Attend(Range tokens) => attention.Attend(
                cache, sequence.Queries.AsSpan(0, tokens.GetOffsetAndLength(400).Length * attention.Shape.QueryWidth), sequence.KeysAt(tokens), sequence.ValuesAt(tokens),
                output.AsSpan(0, tokens.GetOffsetAndLength(400).Length * attention.Shape.QueryWidth));
        }
    }

    /// <summary>What the kernels count is what the plan says.</summary>
    [Fact]
    public void TrafficIsWhatKernelsCount()
    {
        foreach (IAttention attention in HeavyHittersVariants.All)
        {
            using var life = new Life(attention, capacity: 300, seed: 1);
            life.Attend(298);
            life.Attend(1);
            life.Rows.Trace = new SelectionTrace(attention.Shape);
            life.Attend(1);
            AttentionTraffic traffic = attention.Plan.Traffic(300);
            Assert.Equal(traffic.Stages[^2].BytesRead, life.Rows.Trace.ScorerBytes);
            Assert.Equal(traffic.Stages[^1].BytesRead, life.Rows.Trace.ChosenBytes);
        }
    }

    static int[] Kept(RowCache cache, int head) => [.. Enumerable.Range(0, cache.Length).Where(position => cache.Scores!.IsKept(head, position))];

    static void CheckSame(RowCache actual, RowCache expected)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int head = 0; head < expected.Shape.KeyValueHeads; head++)
        {
            Assert.True(Result.SameBits(actual.Scores!.Of(head)[..expected.Length], expected.Scores!.Of(head)[..expected.Length]), $"scores of head {head} at {expected.Length}");
            Assert.Equal(Kept(expected, head), Kept(actual, head));
        }
    }

    /// <summary>A cache and random tokens for it.</summary>
    sealed class Life : IDisposable
    {
        readonly IAttention _attention;
        readonly int _seed;
        int _poisoned = -1;

        public Life(IAttention attention, int capacity, int seed)
        {
            (_attention, _seed) = (attention, seed);
            Cache = attention.CreateCache(capacity);
            Rows.Trace = new SelectionTrace(attention.Shape);
        }

        public KvCache Cache { get; }

        public RowCache Rows => (RowCache)Cache;

        public float[] NewQueries { get; private set; } = [];

        public float[] NewKeys { get; private set; } = [];

        public float[] NewValues { get; private set; } = [];

        /// <summary>What is left to a head.</summary>
        public int[] Kept(int head) => HeavyHittersTests.Kept(Rows, head);

        /// <summary>The value at this position will be infinite.</summary>
        public void Poison(int position) => _poisoned = position;

        public void Append(int tokens)
        {
            Draw(tokens);
            _attention.Append(Cache, NewKeys, NewValues);
        }

        public float[] Attend(int tokens)
        {
            Draw(tokens);
            var output = new float[tokens * _attention.Shape.QueryWidth];
            _attention.Attend(Cache, NewQueries, NewKeys, NewValues, output);
            return output;
        }

        public void Dispose() => Cache.Dispose();

        void Draw(int tokens)
        {
            Sequence drawn = Sequence.Random(_attention.Shape, tokens, tokens, _seed * 1000 + Cache.Length, _attention.Plan.Format);
            (NewQueries, NewKeys, NewValues) = (drawn.Queries, drawn.Keys, drawn.Values);
            int width = _attention.Shape.KeyValueWidth, poisoned = _poisoned - Cache.Length;
            if (poisoned >= 0 && poisoned < tokens)
                NewValues.AsSpan(poisoned * width, width).Fill(float.PositiveInfinity);
        }
    }
}
