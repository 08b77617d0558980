namespace AttentionComposer.Tests.Star;

/// <summary>Star Attention on one machine, with calls that cross every boundary it has.</summary>
public sealed class StarTests
{
    public static TheoryData<string> Variants => [.. typeof(StarVariants).GetNestedTypes().Select(type => type.Name)];

    /// <summary>Whatever the calls' lengths and wherever the context ends, each row sees what the definition says.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void AnyCallsMatchTheReference(string name)
    {
        IAttention attention = StarVariants.Named(name);
        (int Positions, int Context)[] sizes = [(1, 1), (3, 0), (40, 38), (75, 74), (140, 140), (300, 259), (300, 258), (515, 400)];
        foreach ((int positions, int context) in sizes)
        {
            Sequence sequence = Sequence.Random(attention.Shape, positions, positions, seed: positions, attention.Plan.Format);
            Result expected = Result.OfReference(ReferenceAttention.Of(attention.Plan) with { ContextLength = context }, sequence);
            foreach (int bits in KernelSettings.VectorWidths)
            {
                using var _ = KernelSettings.VectorBits(bits);
                foreach (int step in (int[])[1, 7, 128, 1000])
                    if (step > 1 || positions < 100)
                        InSteps(attention, sequence, context, step).CheckAgainst(
                            expected, Tolerance.Float32, $"{name}, {bits} bits, {positions} positions, context {context}, steps of {step}");

                Stored(attention, sequence, context).CheckAgainst(
                    expected, Tolerance.Float32, $"{name}, {bits} bits, {positions} positions, context {context}, one call across the end of the context");
            }
        }
    }

    /// <summary>Queries before the first position see nothing.</summary>
    [Theory]
    [InlineData(5, 9)]
    [InlineData(0, 3)]
    [InlineData(90, 200)]
    public void MoreQueriesThanPositions(int positions, int rows)
    {
        IAttention attention = StarVariants.Named(nameof(StarVariants.Blocks37Anchor11F32));
        Sequence sequence = Sequence.Random(attention.Shape, positions, rows, seed: 1);
        Result expected = Result.OfReference(ReferenceAttention.Of(attention.Plan), sequence);
        Result.OfStored(attention, sequence).CheckAgainst(expected, Tolerance.Float32, $"{rows} rows over {positions}");
    }

    /// <summary>A context that fits into one block is a causal pipeline's, bit for bit; so is everything behind an empty context.</summary>
    [Fact]
    public void OneBlockIsDense()
    {
        var dense = new Dense();
        Sequence sequence = Sequence.Random(dense.Shape, 129, 129, seed: 2);
        Result expected = Result.OfStored(dense, sequence);
        Result.OfStored(new Wide(), sequence).CheckSame(expected, "one block");
        Stored(new Narrow(), sequence, context: 0).CheckSame(expected, "no context");
    }

    /// <summary>A call's output does not depend on how the context before it was cut into calls.</summary>
    [Fact]
    public void BlocksInOneCallOrEachInItsOwnAreTheSame()
    {
        IAttention attention = StarVariants.Named(nameof(StarVariants.Blocks129AlibiSoftCapF32));
        Sequence sequence = Sequence.Random(attention.Shape, 600, 600, seed: 3);
        InSteps(attention, sequence, 600, 129).CheckSame(InSteps(attention, sequence, 600, 600), "blocks");
    }

    [Fact]
    public void BatchesSeeTheirOwnContext()
    {
        IAttention attention = StarVariants.Named(nameof(StarVariants.Blocks37Anchor11F16));
        (int Positions, int Context)[] sizes = [(100, 100), (100, 99), (38, 38), (36, 10), (300, 299)];
        KvCache[] caches = [.. sizes.Select(_ => attention.CreateCache(300))];
        var queries = new float[sizes.Length * attention.Shape.QueryWidth];
        var expected = new float[queries.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            Sequence sequence = Sequence.Random(attention.Shape, sizes[i].Positions, 1, seed: i, attention.Plan.Format);
            attention.Append(caches[i], sequence.Keys, sequence.Values);
            caches[i].ContextLength = sizes[i].Context;
            sequence.Queries.CopyTo(queries, i * attention.Shape.QueryWidth);
            Result.OfReference(ReferenceAttention.Of(attention.Plan) with { ContextLength = sizes[i].Context }, sequence)
                .Output.CopyTo(expected, i * attention.Shape.QueryWidth);
        }

        var output = new float[queries.Length];
        attention.AttendBatch(caches, queries, output);
        Tolerance.Float32.Check(output, expected, "batch");
    }

    /// <summary>Rows that do not see a NaN are as without it, in both phases.</summary>
    [Fact]
    public void ANaNStaysWithTheRowsThatSeeIt()
    {
        IAttention attention = StarVariants.Named(nameof(StarVariants.Blocks37Anchor11F32));
        Sequence sequence = Sequence.Random(attention.Shape, 160, 160, seed: 4);
        sequence.Values[(40 * attention.Shape.KeyValueHeads) * attention.Shape.HeadDim] = float.NaN; // position 40, of the second block
        Result result = Stored(attention, sequence, context: 150);
        Result expected = Result.OfReference(ReferenceAttention.Of(attention.Plan) with { ContextLength = 150 }, sequence);
        result.CheckAgainst(expected, Tolerance.Float32, "NaN");
        Assert.Contains(result.Output, float.IsNaN);
        Assert.DoesNotContain(result.Output[(74 * attention.Shape.QueryWidth)..(150 * attention.Shape.QueryWidth)], float.IsNaN);
    }

    /// <summary>Functions see the positions of the whole context, and the pieces of a call are no batch.</summary>
    [Fact]
    public void FunctionsSeeOneCall()
    {
        var attention = new WithFunction();
        Sequence sequence = Sequence.Random(attention.Shape, 100, 100, seed: 5);
        var reference = ReferenceAttention.Of(attention.Plan) with { ContextLength = 90, Score = (score, _, query, key) => score + 0.01 * (query - key) };
        Stored(attention, sequence, context: 90).CheckAgainst(Result.OfReference(reference, sequence), Tolerance.Float32, "function");
    }

    [Fact]
    public void ThePlanTellsBothPhases()
    {
        AttentionPlan plan = StarVariants.Named(nameof(StarVariants.Blocks37Anchor11F32)).Plan;
        Assert.Equal((37, 11), (plan.BlockSize, plan.AnchorSize));
        Assert.Contains("[0, 10] and [query / 37 * 37, query]", plan.ToString());
        Assert.Contains("keys behind the context: [0, query]", plan.ToString());
    }

    /// <summary>Each piece in a step, the context's end set when it is reached.</summary>
    static Result InSteps(IAttention attention, Sequence sequence, int context, int step)
    {
        using KvCache cache = attention.CreateCache(sequence.Positions);
        Result result = Result.Unwritten(sequence.Shape, sequence.Rows);
        for (int start = 0, end; start < sequence.Positions; start = end)
        {
            end = Math.Min(start + step, start < context ? context : sequence.Positions);
            if (start == context)
                cache.ContextLength = cache.Length;
            attention.Attend(
                cache, sequence.QueriesAt(start..end), sequence.KeysAt(start..end), sequence.ValuesAt(start..end),
                result.Output.AsSpan(start * sequence.Shape.QueryWidth, (end - start) * sequence.Shape.QueryWidth),
                result.LogSumExp.AsSpan(start * sequence.Shape.QueryHeads, (end - start) * sequence.Shape.QueryHeads));
        }

        return result;
    }

    static Result Stored(IAttention attention, Sequence sequence, int context)
    {
        using KvCache cache = attention.CreateCache(sequence.Positions);
        Result result = Result.Unwritten(sequence.Shape, sequence.Rows);
        attention.Append(cache, sequence.Keys, sequence.Values);
        cache.ContextLength = context;
        attention.Attend(cache, sequence.Queries, result.Output, result.LogSumExp);
        return result;
    }
}

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal]
sealed partial class Dense;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 129)]
sealed partial class Wide;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 16)]
sealed partial class Narrow;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), Causal, Star(BlockSize = 16)]
sealed partial class WithFunction
{
    [Score]
    static float Shift(float score, int batch, int query, int key) => score + 5 * batch + 0.01f * (query - key);
}
