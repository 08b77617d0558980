using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Ilgpu.Tests;

[Attention(HeadDim = 128, QueryHeads = 6, KeyValueHeads = 2), Causal, KvCache(KvFormat.Float16)]
sealed partial class TensorGrouped;

[Attention(HeadDim = 80, QueryHeads = 2, KeyValueHeads = 2), KvCache(KvFormat.Float16)]
sealed partial class TensorEncoder;

[Attention(HeadDim = 40, QueryHeads = 4, KeyValueHeads = 1), Causal, SlidingWindow(90), Sinks(5), Alibi, SoftCap(5f), KvCache(KvFormat.Float16)]
sealed partial class TensorWindow;

[Attention(HeadDim = 128, QueryHeads = 6, KeyValueHeads = 2), Causal, KvCache(KvFormat.BFloat16)]
sealed partial class TensorBFloat16;

[Attention(HeadDim = 96, QueryHeads = 3, KeyValueHeads = 3), Causal, SlidingWindow(50), Sinks(5), Alibi, SoftCap(5f), KvCache(KvFormat.BFloat16)]
sealed partial class TensorWindowBFloat16;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2), KvCache(KvFormat.Float16), Normalizer(Normalization.SoftmaxOne)]
sealed partial class TensorDocuments(int[] document, float[] slopes)
{
    readonly int[] _document = document;
    readonly float[] _slopes = slopes;

    [Score] float ByDistance(float score, int head, int query, int key) => score + _slopes[head] * (key - query);

    [Mask] bool IsSeen(int query, int key) => key <= query && _document[query] == _document[key];
}

/// <summary>The kernel for tensor cores, on a card or on the one that the stand-in plays.</summary>
public sealed class DeviceTensorTests
{
    const int Positions = 150;

    public static TheoryData<string, KvFormat> Cases()
    {
        var cases = new TheoryData<string, KvFormat>();
        foreach (GoldenCase golden in GoldenCase.Of("attention", "local_plus_initial").Where(golden => AttentionCase.Of(golden).Sequence.Rows > 4))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float16, KvFormat.BFloat16])
                if (format == KvFormat.Float16 || golden.Name.EndsWith("/everything", StringComparison.Ordinal))
                    cases.Add(golden.Name, format);
        return cases;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Golden(string name, KvFormat format)
    {
        AttentionCase golden = AttentionCase.Of(GoldenCase.Named(name));
        using DeviceAttention? attention = OnTensorCores(golden.Pipeline(format));
        if (attention is null)
            return;
        attention.Multiprocessors = 5;
        Result result = DeviceResult.OfStored(attention, golden.Sequence);
        golden.Check(result, format == KvFormat.BFloat16 ? GoldenTolerance.BFloat16 : null);
        result.CheckAgainst(Result.OfReference(golden.Reference, golden.Sequence.Rounded(format)), Tolerance.Float32, name);
    }

    public static TheoryData<string> Pipelines() =>
        [nameof(TensorGrouped), nameof(TensorEncoder), nameof(TensorWindow), nameof(TensorBFloat16), nameof(TensorWindowBFloat16), nameof(TensorDocuments)];

    [Theory, MemberData(nameof(Pipelines))]
    public void RowsMatchTheCpu(string pipeline)
    {
        IAttention cpu = Make(pipeline);
        using DeviceAttention? attention = OnTensorCores(cpu);
        if (attention is null)
            return;
        foreach ((int positions, int rows, int multiprocessors) in ((int, int, int)[])[(9, 9, 1), (Positions, 70, 1), (Positions, 33, 7)])
        {
            attention.Multiprocessors = multiprocessors;
            Sequence sequence = Sequence.Random(cpu.Shape, positions, rows, seed: rows, cpu.Plan.Format);
            Result expected = Result.OfStored(cpu, sequence);
            DeviceResult.OfStep(attention, sequence).CheckAgainst(expected, Tolerance.Float32, $"{pipeline}, {rows} rows");
        }
    }

    /// <summary>What is not finite comes out as from the kernel without tensor cores: in rows that see it, and in no others.</summary>
    [Theory]
    [InlineData(float.NaN, 40, nameof(TensorGrouped))]
    [InlineData(float.PositiveInfinity, 40, nameof(TensorGrouped))]
    [InlineData(float.NegativeInfinity, 0, nameof(TensorBFloat16))]
    public void WhatIsNotFiniteIsLeftToTheOtherKernel(float odd, int position, string pipeline)
    {
        IAttention cpu = Make(pipeline);
        using DeviceAttention? attention = OnTensorCores(cpu);
        if (attention is null)
            return;
        foreach (string where in (string[])["keys", "values", "queries"])
        {
            Sequence sequence = Sequence.Random(cpu.Shape, 80, 40, seed: 3, cpu.Plan.Format);
            (where switch { "keys" => sequence.Keys, "values" => sequence.Values, _ => sequence.Queries })[(position / 2 * 2 + 1) * cpu.Shape.HeadDim + 7] = odd;
            Result result = DeviceResult.OfStored(attention, sequence);
            attention.UsesTensorCores = false;
            Result expected = DeviceResult.OfStored(attention, sequence);
            attention.UsesTensorCores = true;
            result.CheckAgainst(expected, Tolerance.Float32, where);
            Assert.Contains(result.Output, scalar => !float.IsFinite(scalar));
            Assert.Contains(result.Output, float.IsFinite);
        }
    }

    /// <summary>Rows of any size are split alike; weights keep their digits whatever the largest one is.</summary>
    [Theory]
    [InlineData(1e-30f, 1f, nameof(TensorGrouped))]
    [InlineData(3e4f, 1e-4f, nameof(TensorGrouped))]
    [InlineData(1e30f, 0f, nameof(TensorGrouped))]
    [InlineData(1e30f, 1e-30f, nameof(TensorBFloat16))]
    public void SizesDoNotMatter(float queries, float keys, string pipeline)
    {
        IAttention cpu = Make(pipeline);
        using DeviceAttention? attention = OnTensorCores(cpu);
        if (attention is null)
            return;
        Sequence sequence = Sequence.Random(cpu.Shape, 80, 40, seed: 4, cpu.Plan.Format);
        foreach (ref float scalar in sequence.Queries.AsSpan())
            scalar *= queries;
        foreach (ref float scalar in sequence.Keys.AsSpan())
            scalar = Sequence.Round(scalar * keys, cpu.Plan.Format);
        DeviceResult.OfStored(attention, sequence).CheckAgainst(Result.OfStored(cpu, sequence), Tolerance.Float32, $"{queries} and {keys}");
    }

    /// <summary>One weight of 1 beside many that float16 alone would round to nothing, or to too much.</summary>
    [Fact]
    public void SmallWeightsCount()
    {
        var cpu = new TensorEncoder();
        using DeviceAttention? attention = OnTensorCores(cpu);
        if (attention is null)
            return;
        Sequence sequence = Sequence.Random(cpu.Shape, 2000, 5, seed: 5, KvFormat.Float16);
        Array.Fill(sequence.Queries, 1);
        for (int position = 0; position < 2000; position++)
            sequence.Keys.AsSpan(position * cpu.Shape.KeyValueWidth, cpu.Shape.KeyValueWidth).Fill(position == 77 ? 0 : -1.75f); // logits of 0, and of -15.7
        DeviceResult.OfStored(attention, sequence).CheckAgainst(Result.OfStored(cpu, sequence), Tolerance.Float32, "small weights");
    }

    [Fact]
    public void WhereThereAreNoneTheyCannotBeUsed()
    {
        using DeviceAttention attention = new Dense().OnDevice(TestDevice.WithTensorCores ?? TestDevice.Accelerator);
        Assert.False(attention.UsesTensorCores);
        Assert.StartsWith("Dense on ", Assert.Throws<NotSupportedException>(() => attention.UsesTensorCores = true).Message);
        attention.UsesTensorCores = false;
    }

    static IAttention Make(string pipeline) => pipeline switch
    {
        nameof(TensorGrouped) => new TensorGrouped(),
        nameof(TensorEncoder) => new TensorEncoder(),
        nameof(TensorWindow) => new TensorWindow(),
        nameof(TensorBFloat16) => new TensorBFloat16(),
        nameof(TensorWindowBFloat16) => new TensorWindowBFloat16(),
        _ => new TensorDocuments([.. Enumerable.Range(0, Positions).Select(position => position / 37)], [0.1f, 0.2f, -0.1f, 0]),
    };

    static DeviceAttention? OnTensorCores(IAttention pipeline)
    {
        if (TestDevice.WithTensorCores is not { } accelerator)
            return null;
        DeviceAttention attention = pipeline.OnDevice(accelerator);
        Assert.True(attention.UsesTensorCores);
        return attention;
    }
}
