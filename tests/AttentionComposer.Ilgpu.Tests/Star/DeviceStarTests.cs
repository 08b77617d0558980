using AttentionComposer.Tests.Golden;
using AttentionComposer.Tests.Star;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>Star Attention on the device: the golden cases of both phases, and calls that cross every boundary it has.</summary>
public sealed class DeviceStarTests
{
    // Rotated keys are not exact in half precision.
    static readonly Tolerance s_rotatedFloat16 = new(2e-3, 2e-3);

    public static TheoryData<string, KvFormat> Cases()
    {
        var cases = new TheoryData<string, KvFormat>();
        foreach (string name in StarCase.Names)
            foreach (KvFormat format in AttentionCase.Floats)
                cases.Add(name, format);
        return cases;
    }

    public static TheoryData<string> Variants =>
        [.. typeof(StarVariants).GetNestedTypes().Select(type => type.Name).Where(name => AttentionCase.Floats.Contains(StarVariants.Named(name).Plan.Format))];

    [Fact]
    public void NoCaseIsLeftOut()
    {
        Assert.Equal(6 * 3, Cases().Count);
        Assert.Equal(12, GoldenCase.Of("star_phase1", "star_phase2").Count());
    }

    [Theory, MemberData(nameof(Cases))]
    public void BothPhases(string name, KvFormat format)
    {
        StarCase golden = StarCase.Named(name);
        using DeviceAttention attention = StarPipelines.Find(golden.Context.Shape, format, golden.Block, golden.Anchor).OnDevice(TestDevice.Accelerator);
        attention.Multiprocessors = 5;
        Tolerance? tolerance = format switch
        {
            KvFormat.BFloat16 => GoldenTolerance.BFloat16,
            KvFormat.Float16 when golden.Phase1.OptionalNumber("rope_theta") is not null => s_rotatedFloat16,
            _ => null,
        };

        using DeviceKvCache cache = attention.CreateCache(golden.Length + golden.Question.Rows);
        Result context = Result.Unwritten(attention.Shape, golden.Length), question = Result.Unwritten(attention.Shape, golden.Question.Rows);
        attention.Attend(cache, golden.Context.Queries, golden.Context.Keys, golden.Context.Values, context.Output, context.LogSumExp);
        Check(golden.Phase1, context);
        cache.EndContext();
        attention.Attend(cache, golden.Question.Queries, golden.Question.Keys, golden.Question.Values, question.Output, question.LogSumExp);
        Check(golden.Phase2, question);

        void Check(GoldenCase phase, Result result)
        {
            (tolerance ?? phase.Tolerance("out")).Check(result.Output, phase.Expected("out").SwapWithNext(0).Data, $"{phase.Name}, out");
            (tolerance ?? phase.Tolerance("lse")).Check(result.LogSumExp, phase.Expected("lse").SwapWithNext(0).Data, $"{phase.Name}, lse");
        }
    }

    /// <summary>Whatever the calls' lengths and wherever the context ends, each row sees what the definition says.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void AnyCallsMatchTheReference(string name)
    {
        IAttention cpu = StarVariants.Named(name);
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        foreach ((int positions, int context, int step) in ((int, int, int)[])[(3, 0, 7), (40, 38, 7), (140, 131, 128)])
        {
            Sequence sequence = Sequence.Random(cpu.Shape, positions, positions, seed: positions, cpu.Plan.Format);
            Result expected = Result.OfReference(ReferenceAttention.Of(cpu.Plan) with { ContextLength = context }, sequence);
            InSteps(attention, sequence, context, step).CheckAgainst(expected, Tolerance.Float32, $"{name}, {positions} positions, context {context}, steps of {step}");
        }

        // One call across the end of the context.
        Sequence whole = Sequence.Random(cpu.Shape, 60, 60, seed: 1, cpu.Plan.Format);
        using DeviceKvCache cache = attention.CreateCache(60);
        Result result = Result.Unwritten(cpu.Shape, 60);
        attention.Append(cache, whole.Keys, whole.Values);
        cache.EndContextAt(50);
        attention.Attend(cache, whole.Queries, result.Output, result.LogSumExp);
        result.CheckAgainst(Result.OfReference(ReferenceAttention.Of(cpu.Plan) with { ContextLength = 50 }, whole), Tolerance.Float32, $"{name}, one call");
    }

    /// <summary>Queries before the first position see nothing.</summary>
    [Fact]
    public void MoreQueriesThanPositions()
    {
        IAttention cpu = StarVariants.Named(nameof(StarVariants.Blocks37Anchor11F32));
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        Sequence sequence = Sequence.Random(cpu.Shape, 45, 60, seed: 1);
        DeviceResult.OfStored(attention, sequence).CheckAgainst(Result.OfReference(ReferenceAttention.Of(cpu.Plan), sequence), Tolerance.Float32, "60 rows over 45");
    }

    /// <summary>Sequences of different lengths and contexts, whose calls are cut differently, keep their numbers in the batch.</summary>
    [Fact]
    public void SequencesSeeTheirOwnContext()
    {
        var cpu = new Blocks();
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        (int Positions, int Context)[] sizes = [(40, 40), (40, 30), (17, 5)];
        const int Rows = 6;
        using DeviceKvCache cache = attention.CreateCache(40, sizes.Length);
        List<float> queries = [], output = [], logSumExp = [];
        for (int i = 0; i < sizes.Length; i++)
        {
            Sequence sequence = Sequence.Random(cpu.Shape, sizes[i].Positions, Rows, seed: i);
            attention.Append(cache.Part(i), sequence.Keys, sequence.Values);
            cache.Part(i).EndContextAt(sizes[i].Context);
            int batch = i;
            Result expected = Result.OfReference(
                ReferenceAttention.Of(cpu.Plan) with
                {
                    ContextLength = sizes[i].Context,
                    Score = (score, _, query, key) => Blocks.Shift((float)score, batch, query, key),
                },
                sequence);
            queries.AddRange(sequence.Queries);
            output.AddRange(expected.Output);
            logSumExp.AddRange(expected.LogSumExp);
        }

        Assert.Equal([40, 30, 5], cache.ContextLengths);
        var result = new Result(new float[output.Count], new float[logSumExp.Count]);
        attention.Attend(cache, queries.ToArray(), result.Output, result.LogSumExp);
        result.CheckAgainst(new([.. output], [.. logSumExp]), Tolerance.Float32, "batch");
    }

    [Fact]
    public void AContextEndsWithinItsSequence()
    {
        using DeviceAttention attention = new Blocks().OnDevice(TestDevice.Accelerator);
        using DeviceKvCache cache = attention.CreateCache(8);
        float[] rows = new float[4 * attention.Shape.KeyValueWidth];
        attention.Append(cache, rows, rows);
        Assert.Equal([4], cache.ContextLengths);
        Assert.Throws<ArgumentOutOfRangeException>("length", () => cache.EndContextAt(5));
        cache.EndContextAt(3);
        cache.Truncate(2);
        Assert.Equal([2], cache.ContextLengths);
        cache.Clear();
        attention.Append(cache, rows, rows);
        Assert.Equal([4], cache.ContextLengths);
    }

    /// <summary>Each piece in a step, the context's end set when it is reached.</summary>
    static Result InSteps(DeviceAttention attention, Sequence sequence, int context, int step)
    {
        using DeviceKvCache cache = attention.CreateCache(sequence.Positions);
        Result result = Result.Unwritten(sequence.Shape, sequence.Rows);
        for (int start = 0, end; start < sequence.Positions; start = end)
        {
            end = Math.Min(start + step, start < context ? context : sequence.Positions);
            if (start == context)
                cache.EndContext();
            attention.Attend(
                cache, sequence.QueriesAt(start..end), sequence.KeysAt(start..end), sequence.ValuesAt(start..end),
                result.Output.AsSpan(start * sequence.Shape.QueryWidth, (end - start) * sequence.Shape.QueryWidth),
                result.LogSumExp.AsSpan(start * sequence.Shape.QueryHeads, (end - start) * sequence.Shape.QueryHeads));
        }

        return result;
    }
}
