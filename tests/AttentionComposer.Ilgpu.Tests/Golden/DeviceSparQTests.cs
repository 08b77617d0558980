using AttentionComposer.Tests.Golden;
using AttentionComposer.Tests.Selection;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>The golden cases of SparQ on the device, and its steps against the CPU's.</summary>
public sealed class DeviceSparQTests
{
    public static TheoryData<string, KvFormat> Cases(string op)
    {
        var cases = new TheoryData<string, KvFormat>();
        foreach (GoldenCase golden in GoldenCase.Of(op))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                if (SparQCase.PipelineOf(golden, format) is not null)
                    cases.Add(golden.Name, format);
        return cases;
    }

    [Fact]
    public void NoCaseIsLeftOut()
    {
        Assert.Equal(GoldenCase.Of("sparq").Count(), Cases("sparq").Count(row => row[1] is KvFormat.Float32));
        Assert.Equal(2, Cases("sparq_decode").Count(row => row[1] is KvFormat.Float32));
    }

    [Theory, MemberData(nameof(Cases), "sparq")]
    public void Step(string name, KvFormat format)
    {
        GoldenCase golden = GoldenCase.Named(name);
        using DeviceAttention attention = SparQCase.PipelineOf(golden, format)!.OnDevice(TestDevice.Accelerator);
        attention.Multiprocessors = 3;
        (Sequence sequence, _) = SparQCase.VisibleOf(golden);
        golden.Tolerance("out").Check(DeviceResult.OfStored(attention, sequence).Output, golden.Expected("out").Data, name);
    }

    [Theory, MemberData(nameof(Cases), "sparq_decode")]
    public void Decode(string name, KvFormat format)
    {
        GoldenCase golden = GoldenCase.Named(name);
        using DeviceAttention attention = SparQCase.PipelineOf(golden, format)!.OnDevice(TestDevice.Accelerator);
        int start = golden.Integer("start"), steps = golden.Integer("steps");
        Sequence sequence = SparQCase.DecodedOf(golden, attention.Shape);
        using DeviceKvCache cache = attention.CreateCache(start + steps);
        attention.Append(cache, sequence.KeysAt(..start), sequence.ValuesAt(..start));
        List<float> outputs = [];
        for (int step = 0; step < steps; step++)
        {
            var output = new float[attention.Shape.QueryWidth];
            Range position = (start + step)..(start + step + 1);
            attention.Attend(cache, sequence.QueriesAt(step..(step + 1)), sequence.KeysAt(position), sequence.ValuesAt(position), output);
            outputs.AddRange(output);
        }

        golden.Tolerance("out").Check([.. outputs], golden.Expected("out").Data, name);
    }

    /// <summary>Sequences of different lengths, of which some are too short to choose; full blocks of values, and a truncation into one.</summary>
    [Theory]
    [InlineData(typeof(Sparse))]
    [InlineData(typeof(SparseWindow))]
    public void StepsAreThoseOfTheCpu(Type pipeline)
    {
        var cpu = (IAttention)Activator.CreateInstance(pipeline)!;
        using DeviceAttention attention = cpu.OnDevice(TestDevice.Accelerator);
        int[] lengths = [700, 5, 257];
        const int Longest = 700, TakenBack = 190;
        using DeviceKvCache cache = attention.CreateCache(Longest, lengths.Length);
        List<float> expected = [], queries = [];
        for (int i = 0; i < lengths.Length; i++)
        {
            Sequence sequence = Sequence.Random(cpu.Shape, lengths[i], 1, seed: i, cpu.Plan.Format);
            Sequence rejected = Sequence.Random(cpu.Shape, Longest, 1, seed: 10 + i, cpu.Plan.Format);
            int kept = Math.Max(0, lengths[i] - TakenBack);
            DeviceKvCache part = cache.Part(i);
            attention.Append(part, sequence.KeysAt(..kept), sequence.ValuesAt(..kept));
            attention.Append(part, rejected.KeysAt(kept..lengths[i]), rejected.ValuesAt(kept..lengths[i]));
            part.Truncate(kept);
            attention.Append(part, sequence.KeysAt(kept..), sequence.ValuesAt(kept..));
            queries.AddRange(sequence.Queries);
            expected.AddRange(Result.OfStored(cpu, sequence).Output);
        }

        float[] output = new float[expected.Count];
        attention.Attend(cache, queries.ToArray(), output);
        Tolerance.Float32.Check(output, expected.ToArray(), cpu.Plan.Name);
    }

    [Fact]
    public void ADenseCacheIsRefused()
    {
        using DeviceAttention sparse = new Sparse().OnDevice(TestDevice.Accelerator), dense = new Dense().OnDevice(TestDevice.Accelerator);
        using DeviceKvCache cache = dense.CreateCache(4);
        float[] row = new float[dense.Shape.KeyValueWidth];
        Assert.StartsWith(
            "Sparse: the cache was made for 6/2 heads of 64 in Float32; this pipeline needs one for 6/2 heads of 64 in Float32, keys by channel, mean values.",
            Assert.Throws<ArgumentException>(() => sparse.Append(cache, row, row)).Message);
    }
}
