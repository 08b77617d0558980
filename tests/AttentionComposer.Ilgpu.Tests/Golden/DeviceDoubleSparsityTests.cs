using AttentionComposer.Tests.Golden;
using AttentionComposer.Tests.Selection;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>The golden cases of Double Sparsity on the device, and what becomes of wrong channels.</summary>
public sealed class DeviceDoubleSparsityTests
{
    public static TheoryData<string, KvFormat> Cases()
    {
        var cases = new TheoryData<string, KvFormat>();
        foreach (GoldenCase golden in GoldenCase.Of("double_sparsity"))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                if (DoubleSparsityCase.PipelineOf(golden, format) is not null)
                    cases.Add(golden.Name, format);
        return cases;
    }

    [Fact]
    public void NoCaseIsLeftOut() => Assert.Equal(GoldenCase.Of("double_sparsity").Count(), Cases().Count(row => row[1] is KvFormat.Float32));

    [Theory, MemberData(nameof(Cases))]
    public void Step(string name, KvFormat format)
    {
        GoldenCase golden = GoldenCase.Named(name);
        GoldenDoubleSparsityPipelines.ILabelled pipeline = DoubleSparsityCase.PipelineOf(golden, format)!;
        pipeline.Channels = DoubleSparsityCase.ChannelsOf(golden, pipeline.Shape);
        using DeviceAttention attention = pipeline.OnDevice(TestDevice.Accelerator);
        attention.Multiprocessors = 3;
        golden.Tolerance("out").Check(DeviceResult.OfStored(attention, SelectionCase.SequenceOf(golden)).Output, golden.Expected("out").Data, name);
    }

    [Fact]
    public void WrongChannelsAreRefused()
    {
        var pipeline = new Labelled();
        using DeviceAttention attention = pipeline.OnDevice(TestDevice.Accelerator);
        Refuse(null, "Labelled.Channels is null");
        Refuse(new int[7], "2 × 4 = 8");
        Refuse([0, 1, 2, 3, 0, 1, 2, 32], "channel 32");
        Refuse([0, 1, 2, 3, 0, 1, 2, 1], "twice");

        void Refuse(int[]? channels, string message)
        {
            pipeline.Channels = channels!;
            Assert.Contains(message, Assert.Throws<InvalidOperationException>(() => attention.CreateCache(10)).Message);
        }
    }

    [Fact]
    public void ACacheOfOtherChannelsIsRefused()
    {
        var pipeline = new Labelled { Channels = [0, 1, 2, 3, 4, 5, 6, 7] };
        using DeviceAttention attention = pipeline.OnDevice(TestDevice.Accelerator);
        using DeviceKvCache cache = attention.CreateCache(10);
        Assert.Equal(2 * 2 * 10 * 32 * 4 + 2 * 4 * 12 * 4, cache.SizeInBytes); // and columns of 12, whole chunks
        float[] keys = new float[64], queries = new float[128], output = new float[128];
        attention.Append(cache, keys, keys);
        pipeline.Channels = [7, 6, 5, 4, 3, 2, 1, 0];
        const string Message = "Labelled: the cache keeps labels of other channels than the pipeline's label channels now are. Make a new cache with this pipeline's CreateCache.";
        Assert.Equal(Message, Assert.Throws<InvalidOperationException>(() => attention.Append(cache, keys, keys)).Message);
        Assert.Equal(Message, Assert.Throws<InvalidOperationException>(() => attention.Attend(cache, queries, output)).Message);
        Assert.Equal(Message, Assert.Throws<InvalidOperationException>(() => attention.Attend(cache, queries, keys, keys, output)).Message);
        Assert.Equal(1, cache.Lengths[0]);
        pipeline.Channels = [.. cache.Labels]; // the same ones in another array
        attention.Attend(cache, queries, keys, keys, output);
        Assert.Equal(2, cache.Lengths[0]);
    }
}
