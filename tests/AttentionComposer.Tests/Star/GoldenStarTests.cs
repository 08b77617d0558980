using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Star;

/// <summary>The golden cases of Star Attention's two phases on one machine.</summary>
public sealed class GoldenStarTests
{
    // Keys and values round to 8 significant bits; see GoldenTests.
    static readonly Tolerance BFloat16 = new(3e-2, 3e-2);

    // Rotated keys are not exact in half precision.
    static readonly Tolerance RotatedFloat16 = new(2e-3, 2e-3);

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
        Check(golden.Phase1, Result.OfReference(golden.Reference, golden.Context), null);
        Check(golden.Phase2, Result.OfReference(golden.Reference, golden.Whole), null);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Kernels(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        StarCase golden = StarCase.Named(name);
        IAttention attention = StarPipelines.Find(golden.Context.Shape, format, golden.Block, golden.Anchor);
        Tolerance? tolerance = format switch
        {
            KvFormat.BFloat16 => BFloat16,
            KvFormat.Float16 when golden.Phase1.OptionalNumber("rope_theta") is not null => RotatedFloat16,
            _ => null,
        };

        using KvCache cache = attention.CreateCache(golden.Length + golden.Question.Rows);
        Result context = Result.Unwritten(golden.Context.Shape, golden.Length);
        attention.Attend(cache, golden.Context.Queries, golden.Context.Keys, golden.Context.Values, context.Output, context.LogSumExp);
        Check(golden.Phase1, context, tolerance);

        cache.ContextLength = cache.Length;
        Result question = Result.Unwritten(golden.Context.Shape, golden.Question.Rows);
        attention.Attend(cache, golden.Question.Queries, golden.Question.Keys, golden.Question.Values, question.Output, question.LogSumExp);
        Check(golden.Phase2, question, tolerance);
    }

    static void Check(GoldenCase golden, Result result, Tolerance? tolerance)
    {
        (tolerance ?? golden.Tolerance("out")).Check(result.Output, golden.Expected("out").SwapWithNext(0).Data, $"{golden.Name}, out");
        (tolerance ?? golden.Tolerance("lse")).Check(result.LogSumExp, golden.Expected("lse").SwapWithNext(0).Data, $"{golden.Name}, lse");
    }
}
