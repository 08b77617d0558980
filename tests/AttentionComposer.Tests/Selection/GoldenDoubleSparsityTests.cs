using AttentionComposer.Kernels;
using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>The golden cases of Double Sparsity: the calibrated channels, the sets of positions and the outputs.</summary>
public sealed class GoldenDoubleSparsityTests
{
    public static TheoryData<string, KvFormat, int> Cases()
    {
        var cases = new TheoryData<string, KvFormat, int>();
        foreach (GoldenCase golden in GoldenCase.Of("double_sparsity"))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                foreach (int bits in KernelSettings.VectorWidths)
                    if (DoubleSparsityCase.PipelineOf(golden, format) is not null)
                        cases.Add(golden.Name, format, bits);
        return cases;
    }

    [Fact]
    public void NoCaseIsLeftOut() =>
        Assert.Equal(GoldenCase.Of("double_sparsity").Count() * 3, Cases().Count(row => row[1] is KvFormat.Float32));

    [Theory, MemberData(nameof(Cases))]
    public void Step(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Named(name);
        GoldenDoubleSparsityPipelines.ILabelled attention = DoubleSparsityCase.PipelineOf(golden, format)!;
        int[] channels = DoubleSparsityCase.ChannelsOf(golden, attention.Shape);
        GoldenSparQTests.CheckSets(golden.Expected("channels"), [.. channels.Chunk(golden.Integer("r"))], "calibrated channels");

        attention.Channels = channels;
        SelectionTrace trace = GoldenSparQTests.Run(attention, SelectionCase.SequenceOf(golden), watched: true, out float[] output);
        golden.Tolerance("out").Check(output, golden.Expected("out").Data, name);
        GoldenSparQTests.CheckSets(golden.Expected("channels"), trace.Channels, "channels");
        Tensor expected = golden.Expected("indices");
        int each = trace.Positions.Length / expected.Dimensions[0];
        GoldenSparQTests.CheckSets(expected, [.. Enumerable.Range(0, expected.Dimensions[0]).Select(head => trace.Positions[head * each])], "positions");
    }
}
