using AttentionComposer.Kernels;
using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>The golden cases of exact top-k, with renormalised, lost and spread remainders, and of pages: outputs and sets of positions.</summary>
public sealed class GoldenSelectionTests
{
    public static TheoryData<string, KvFormat, int> Cases()
    {
        var cases = new TheoryData<string, KvFormat, int>();
        foreach (GoldenCase golden in GoldenCase.Of(SelectionCase.Operators))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                foreach (int bits in KernelSettings.VectorWidths)
                    if (SelectionCase.PipelineOf(golden, format) is not null)
                        cases.Add(golden.Name, format, bits);
        return cases;
    }

    [Fact]
    public void NoCaseIsLeftOut() =>
        Assert.Equal(GoldenCase.Of(SelectionCase.Operators).Count() * 3, Cases().Count(row => row[1] is KvFormat.Float32));

    [Theory, MemberData(nameof(Cases))]
    public void Step(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Named(name);
        IAttention attention = SelectionCase.PipelineOf(golden, format)!;
        Sequence sequence = SelectionCase.SequenceOf(golden);

        SelectionTrace trace = GoldenSparQTests.Run(attention, sequence, watched: true, out float[] output);
        GoldenSparQTests.Run(attention, sequence, watched: false, out float[] unwatched);
        golden.Tolerance("out").Check(output, golden.Expected("out").Data, $"{name}, watched");
        golden.Tolerance("out").Check(unwatched, golden.Expected("out").Data, name);

        Tensor expected = golden.Expected(golden.Operator == "page_select" ? "pages" : "indices");
        int heads = expected.Dimensions[0], each = trace.Positions.Length / heads;
        int[][] chosen = [.. Enumerable.Range(0, heads).Select(head => trace.Positions[head * each])];
        if (golden.Operator == "page_select")
            chosen = [.. chosen.Select(positions => positions.Select(position => position / golden.Integer("page")).Distinct().ToArray())];
        GoldenSparQTests.CheckSets(expected, chosen, "choice");
    }
}
