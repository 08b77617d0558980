using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Star;

/// <summary>The golden cases of Star Attention's two phases on one machine.</summary>
public sealed class GoldenStarTests
{
    public static TheoryData<string, KvFormat, int> Cases()
    {
        var cases = new TheoryData<string, KvFormat, int>();
        foreach (string name in StarCase.Names)
            foreach (var format in Enum.GetValues<KvFormat>())
                foreach (int bits in KernelSettings.VectorWidths)
                    cases.Add(name, format, bits);
        return cases;
    }

    public static TheoryData<string> Names => [.. StarCase.Names];

    [Fact]
    public void NoCaseIsLeftOut()
    {
        Assert.Equal(6, StarCase.Names.Count);
        Assert.Equal(12, GoldenCase.Of("star_phase1", "star_phase2").Count());
    }

    [Theory, MemberData(nameof(Names))]
    public void Reference(string name)
    {
        StarCase golden = StarCase.Named(name);
        Check(golden, golden.Phase1, KvFormat.Float32, Result.OfReference(golden.Reference, golden.Context));
        Check(golden, golden.Phase2, KvFormat.Float32, Result.OfReference(golden.Reference, golden.Whole));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Kernels(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        StarCase golden = StarCase.Named(name);
        IAttention attention = StarPipelines.Find(golden.Context.Shape, format, golden.Block, golden.Anchor);
        using KvCache cache = attention.CreateCache(golden.Length + golden.Question.Rows);
        Result context = Result.Unwritten(golden.Context.Shape, golden.Length);
        attention.Attend(cache, golden.Context.Queries, golden.Context.Keys, golden.Context.Values, context.Output, context.LogSumExp);
        Check(golden, golden.Phase1, format, context);

        cache.ContextLength = cache.Length;
        Result question = Result.Unwritten(golden.Context.Shape, golden.Question.Rows);
        attention.Attend(cache, golden.Question.Queries, golden.Question.Keys, golden.Question.Values, question.Output, question.LogSumExp);
        Check(golden, golden.Phase2, format, question);
    }

    static void Check(StarCase golden, GoldenCase phase, KvFormat format, Result result)
    {
        Result expected = golden.Expected(phase, format);
        (Tolerance output, Tolerance logSumExp) = golden.ToleranceOf(phase, format);
        output.Check(result.Output, expected.Output, $"{phase.Name}, out");
        logSumExp.Check(result.LogSumExp, expected.LogSumExp, $"{phase.Name}, lse");
    }
}
