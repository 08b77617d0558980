using AttentionGym;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>Every variant of samples/AttentionGym on the device, against the float64 reference that calls the variant's own C# methods.</summary>
public sealed class DeviceConformanceTests
{
    static readonly (int Positions, int Rows)[] Sizes = [(1, 1), (7, 7), (257, 2), (257, 70), (600, 1)];

    public static TheoryData<string> Names => [.. Catalog.Names];

    [Theory, MemberData(nameof(Names))]
    public void KernelsMatchTheReference(string name)
    {
        foreach ((int positions, int rows) in Sizes)
        {
            Variant variant = Catalog.All(positions).Single(variant => variant.Name == name);
            Sequence sequence = Sequence.Random(variant.Attention.Shape, positions, rows, seed: positions + rows, variant.Attention.Plan.Format);
            using DeviceAttention attention = variant.Attention.OnDevice(TestDevice.Accelerator);
            attention.Multiprocessors = 1 + positions % 5;
            DeviceResult.OfStep(attention, sequence).CheckAgainst(
                Result.OfReference(variant.Reference, sequence), Tolerance.Float32, $"{name}, {positions} positions, {rows} rows");
        }
    }
}
