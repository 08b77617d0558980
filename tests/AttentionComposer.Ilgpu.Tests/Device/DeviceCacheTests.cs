using AttentionComposer.Ilgpu.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>What lies in a device cache.</summary>
public sealed class DeviceCacheTests
{
    // Ties, overflows, subnormal numbers, NaN: what rounding has to get right.
    static readonly float[] Hard =
    [
        0, -0f, 1, -1, 1.0004883f, 1.0014648f, 2049, 2051, 65504, 65519.996f, 65520, -1e9f, 6.1035156e-5f, 6.097555e-5f, 5.9604645e-8f, 2.9802322e-8f,
        2.9802326e-8f, 8.9406967e-8f, 1e-12f, float.Epsilon, float.MaxValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 1.00390625f, 1.01171875f, 3.3895314e38f, -3.4e38f,
    ];

    [Fact]
    public void HalvesAreRoundedToNearestEven()
    {
        Chunk[] chunks = Stored(new DenseFloat16(), out float[] keys);
        for (int i = 0; i < keys.Length; i++)
            AssertSame((float)(System.Half)keys[i], (float)BitConverter.UInt16BitsToHalf(Bits(chunks, i, 40)), keys[i]);
    }

    [Fact]
    public void BFloat16IsRoundedToNearestEven()
    {
        Chunk[] chunks = Stored(new WindowBFloat16(), out float[] keys);
        for (int i = 0; i < keys.Length; i++)
            AssertSame(Sequence.Round(keys[i], KvFormat.BFloat16), BitConverter.UInt32BitsToSingle((uint)Bits(chunks, i, 40) << 16), keys[i]);
    }

    [Fact]
    public void ACacheTakesWhatItSays()
    {
        using DeviceAttention attention = new DenseFloat16().OnDevice(TestDevice.Accelerator);
        using DeviceKvCache cache = attention.CreateCache(100, sequences: 3);
        Assert.Equal(2 * 3 * 4 * 100 * 40 * 2, cache.SizeInBytes);
        Assert.Equal(2 * 4 * 100 * 40 * 2, cache.Part(1).SizeInBytes);
    }

    /// <summary>The keys of one head's rows, as they come to lie.</summary>
    static Chunk[] Stored(IAttention pipeline, out float[] keys)
    {
        using DeviceAttention attention = pipeline.OnDevice(TestDevice.Accelerator);
        AttentionShape shape = pipeline.Shape;
        const int Tokens = 3;
        float[] all = new float[Tokens * shape.KeyValueWidth];
        for (int i = 0; i < all.Length; i++)
            all[i] = Hard[i % Hard.Length];
        using DeviceKvCache cache = attention.CreateCache(Tokens);
        attention.Append(cache, all, all);
        var chunks = new Chunk[cache.Keys.Length];
        cache.Keys.CopyToCPU<Chunk, ArrayView<Chunk>>(TestDevice.Accelerator.DefaultStream, chunks);

        // [token, head, channel] to [head, token, channel].
        keys = new float[all.Length];
        for (int token = 0; token < Tokens; token++)
            for (int head = 0; head < shape.KeyValueHeads; head++)
                all.AsSpan((token * shape.KeyValueHeads + head) * shape.HeadDim, shape.HeadDim).CopyTo(keys.AsSpan((head * Tokens + token) * shape.HeadDim));
        return chunks;
    }

    static ushort Bits(Chunk[] chunks, int scalar, int headDim)
    {
        Chunk chunk = chunks[scalar / headDim * (headDim / 8) + scalar % headDim / 8];
        uint pair = (scalar % 8 / 2) switch { 0 => chunk.X, 1 => chunk.Y, 2 => chunk.Z, _ => chunk.W };
        return (ushort)(scalar % 2 == 0 ? pair : pair >> 16);
    }

    static void AssertSame(float expected, float actual, float source) => Assert.True(
        expected.Equals(actual) && (float.IsNaN(expected) || float.IsNegative(expected) == float.IsNegative(actual)),
        $"{source:R} became {actual:R} instead of {expected:R}");
}
