using AttentionComposer.Ilgpu.Kernels;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>What kernels compute in place of C#'s own functions.</summary>
public sealed class DeviceMathTests
{
    [Fact]
    public void BitsAreCountedAsInCSharp()
    {
        var random = new Random(1);
        foreach (int x in Enumerable.Range(0, 1000).Select(_ => random.Next(int.MinValue, int.MaxValue)).Concat([0, 1, -1, int.MinValue, int.MaxValue]))
            Assert.Equal(int.PopCount(x), DeviceMath.PopCount(x));
    }
}
