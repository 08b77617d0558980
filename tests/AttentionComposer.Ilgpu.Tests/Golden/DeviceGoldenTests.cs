using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>Every golden case that the CPU's kernels pass, on the device.</summary>
public sealed class DeviceGoldenTests
{
    public static TheoryData<string, KvFormat> Cases()
    {
        var cases = new TheoryData<string, KvFormat>();
        foreach (GoldenCase golden in GoldenCase.Of("attention", "local_plus_initial"))
            foreach (KvFormat format in AttentionCase.Floats)
                cases.Add(golden.Name, format);
        return cases;
    }

    public static TheoryData<KvFormat> Formats() => [.. AttentionCase.Floats];

    [Fact]
    public void NoCaseIsLeftOut() => Assert.Equal(78 * 3, Cases().Count);

    [Theory, MemberData(nameof(Cases))]
    public void Kernels(string name, KvFormat format)
    {
        AttentionCase golden = AttentionCase.Of(GoldenCase.Named(name));
        using DeviceAttention attention = golden.Pipeline(format).OnDevice(TestDevice.Accelerator);
        Result expected = Result.OfReference(golden.Reference, golden.Sequence.Rounded(format));

        Check(DeviceResult.OfStored(attention, golden.Sequence), "stored");
        attention.Multiprocessors = 11; // keys in several parts, which are merged
        Check(golden.Sequence.Rows <= golden.Sequence.Positions
            ? DeviceResult.OfStep(attention, golden.Sequence)
            : DeviceResult.OfStored(attention, golden.Sequence), "in parts");

        void Check(Result result, string how)
        {
            result.CheckAgainst(expected, Tolerance.Float32, $"{attention.Plan.Name}, {how}, against the reference on rounded inputs");
            golden.Check(result, format == KvFormat.BFloat16 ? GoldenTolerance.BFloat16 : null);
        }
    }

    [Theory, MemberData(nameof(Formats))]
    public void SplitKeys(KvFormat format)
    {
        GoldenCase golden = GoldenCase.Of("split_kv").Single();
        Sequence sequence = AttentionCase.SequenceOf(golden);
        using DeviceAttention attention = Pipelines.Find(sequence.Shape, format, golden.Number("scale")).OnDevice(TestDevice.Accelerator);
        GoldenMerge.CheckSplitKeys(golden, sequence, format, piece => DeviceResult.OfStored(attention, piece));
    }

    [Theory, MemberData(nameof(Formats))]
    public void SharedPrefix(KvFormat format)
    {
        GoldenCase golden = GoldenCase.Of("cascade").Single();
        AttentionShape shape = AttentionCase.SequenceOf(golden, "k_prefix", "v_prefix").Shape;
        using DeviceAttention attention = Pipelines.Find(shape, format, golden.Number("scale")).OnDevice(TestDevice.Accelerator);
        GoldenMerge.CheckSharedPrefix(golden, format, piece => DeviceResult.OfStored(attention, piece));
    }
}
