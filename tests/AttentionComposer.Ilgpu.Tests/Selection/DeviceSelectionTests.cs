using AttentionComposer.Tests.Golden;
using AttentionComposer.Tests.Selection;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>The selections of whole keys and of pages on the device: the golden cases, and the variants of the CPU's tests against the CPU.</summary>
public sealed class DeviceSelectionTests
{
    static readonly Tolerance s_tolerance = new(1e-4, 1e-4);

    public static TheoryData<string, KvFormat> Cases()
    {
        var cases = new TheoryData<string, KvFormat>();
        foreach (GoldenCase golden in GoldenCase.Of(SelectionCase.Operators))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                if (SelectionCase.PipelineOf(golden, format) is not null)
                    cases.Add(golden.Name, format);
        return cases;
    }

    /// <summary>The variants in formats that devices have.</summary>
    internal static IEnumerable<IAttention> OnDevice => SelectionVariants.All.Where(attention => attention.Plan.Format != KvFormat.Int8);

    public static TheoryData<string> Variants() => [.. OnDevice.Select(attention => attention.Plan.Name)];

    [Fact]
    public void NoCaseIsLeftOut() =>
        Assert.Equal(GoldenCase.Of(SelectionCase.Operators).Count(), Cases().Count(row => row[1] is KvFormat.Float32));

    [Theory, MemberData(nameof(Cases))]
    public void Step(string name, KvFormat format)
    {
        GoldenCase golden = GoldenCase.Named(name);
        using DeviceAttention attention = SelectionCase.PipelineOf(golden, format)!.OnDevice(TestDevice.Accelerator);
        attention.Multiprocessors = 3;
        golden.Tolerance("out").Check(DeviceResult.OfStored(attention, SelectionCase.SequenceOf(golden)).Output, golden.Expected("out").Data, name);
    }

    /// <summary>Appends of one and of many, with truncations between: pages fill in part, and lose keys.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void StepsAreThoseOfTheCpu(string name)
    {
        IAttention cpu = SelectionVariants.Named(name);
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        attention.Multiprocessors = 2;
        Sequence sequence = Sequence.Random(cpu.Shape, positions: 720, rows: 1, seed: 4, cpu.Plan.Format);
        using DeviceKvCache cache = attention.CreateCache(720);
        using KvCache cpuCache = cpu.CreateCache(720);
        foreach (int length in (int[])[1, 65, 121, 119, 310, 302, 303, 720])
        {
            if (length < cpuCache.Length)
            {
                cache.Truncate(length);
                cpuCache.Truncate(length);
            }

            Result expected = Result.Unwritten(cpu.Shape, 1), actual = Result.Unwritten(cpu.Shape, 1);
            attention.Append(cache, sequence.KeysAt(cpuCache.Length..length), sequence.ValuesAt(cpuCache.Length..length));
            attention.Attend(cache, sequence.Queries, actual.Output, actual.LogSumExp);
            cpu.Append(cpuCache, sequence.KeysAt(cpuCache.Length..length), sequence.ValuesAt(cpuCache.Length..length));
            cpu.Attend(cpuCache, sequence.Queries, expected.Output, expected.LogSumExp);
            actual.CheckAgainst(expected, s_tolerance, $"{name} at {length}");
        }
    }

    /// <summary>Sequences of different lengths, of which some are too short to choose; the prompt and the last positions come in other rhythms for each.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void SequencesChooseForThemselves(string name)
    {
        IAttention cpu = SelectionVariants.Named(name);
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        int[] lengths = [500, 1, 131];
        using DeviceKvCache cache = attention.CreateCache(500, lengths.Length);
        KvCache[] cpuCaches = [.. lengths.Select(cpu.CreateCache)];
        float[] queries = new float[lengths.Length * cpu.Shape.QueryWidth], expected = new float[queries.Length], actual = new float[queries.Length];
        for (int i = 0; i < lengths.Length; i++)
        {
            Sequence sequence = Sequence.Random(cpu.Shape, lengths[i], 1, seed: i, cpu.Plan.Format);
            attention.Append(cache.Part(i), sequence.Keys, sequence.Values);
            cpu.Append(cpuCaches[i], sequence.Keys, sequence.Values);
            sequence.Queries.CopyTo(queries, i * cpu.Shape.QueryWidth);
        }

        attention.Attend(cache, queries, actual);
        cpu.AttendBatch(cpuCaches, queries, expected);
        s_tolerance.Check(actual, expected, name);
    }

    /// <summary>Queries with NaN or infinity have no say in their group's choice, and keep their results to themselves.</summary>
    [Theory, MemberData(nameof(Variants))]
    public void ANaNQuerySpoilsItsOwnHeadOnly(string name)
    {
        IAttention cpu = SelectionVariants.Named(name);
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        Sequence sequence = Sequence.Random(cpu.Shape, positions: 300, rows: 1, seed: 22, cpu.Plan.Format);
        sequence.Queries[3] = float.NaN;
        int width = cpu.Shape.HeadDim;
        float[] output = DeviceResult.OfStored(attention, sequence).Output, expected = Result.OfStored(cpu, sequence).Output;
        Assert.All(output[..width], x => Assert.True(float.IsNaN(x)));
        s_tolerance.Check(output.AsSpan(width), expected.AsSpan(width), name);
    }
}
