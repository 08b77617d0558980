namespace AttentionComposer.Ilgpu.Tests;

[Attention(HeadDim = 192, QueryHeads = 40, KeyValueHeads = 1), Causal, KvCache(KvFormat.Float16)]
sealed partial class FortyHeadsOfOne;

[Attention(HeadDim = 256, QueryHeads = 4, KeyValueHeads = 2), Causal]
sealed partial class LongRows;

[Attention(HeadDim = 128, QueryHeads = 16, KeyValueHeads = 2), Causal, KvCache(KvFormat.BFloat16)]
sealed partial class EightHeadsOfOne;

[Attention(HeadDim = 32, QueryHeads = 2, KeyValueHeads = 1), Causal]
sealed partial class Wrapped
{
    [Score] public static float Wrap(float score, int query, int key) => score + 0.25f * (0.7f * (key - query) % 3f);
}

/// <summary>Shapes in which a group of threads is cut differently: more heads a key than one tile of rows has, rows of more than one load a lane.</summary>
public sealed class DeviceShapeTests
{
    public static TheoryData<Type> Shapes() => [typeof(FortyHeadsOfOne), typeof(LongRows), typeof(EightHeadsOfOne)];

    [Theory, MemberData(nameof(Shapes))]
    public void EveryShapeMatchesTheReference(Type pipeline)
    {
        var cpu = (IAttention)Activator.CreateInstance(pipeline)!;
        Check(cpu, ReferenceAttention.Of(cpu.Plan));
    }

    [Fact]
    public void RemaindersOfFloatsKeepTheDividendsSign()
    {
        var cpu = new Wrapped();
        Check(cpu, ReferenceAttention.Of(cpu.Plan) with { Score = (score, _, query, key) => Wrapped.Wrap((float)score, query, key) });
    }

    static void Check(IAttention cpu, ReferenceAttention reference)
    {
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        foreach ((int positions, int rows) in ((int, int)[])[(1, 1), (100, 1), (70, 3), (90, 40)])
        {
            attention.Multiprocessors = 1 + positions % 3;
            Sequence sequence = Sequence.Random(cpu.Shape, positions, rows, seed: positions, cpu.Plan.Format);
            DeviceResult.OfStep(attention, sequence).CheckAgainst(
                Result.OfReference(reference, sequence), Tolerance.Float32, $"{cpu.Plan.Name}, {positions} positions, {rows} rows");
        }
    }
}
