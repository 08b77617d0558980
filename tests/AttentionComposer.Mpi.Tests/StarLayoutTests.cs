using AttentionComposer.Tests.Golden;
using AttentionComposer.Tests.Star;

namespace AttentionComposer.Mpi.Tests;

/// <summary>Who holds which blocks. These need no MPI.</summary>
public sealed class StarLayoutTests
{
    public static TheoryData<string> Names => [.. StarCase.Names];

    [Theory, MemberData(nameof(Names))]
    public void HostsHoldTheGoldenRanges(string name)
    {
        StarCase golden = StarCase.Named(name);
        var layout = new StarLayout(golden.Length, golden.Block, golden.Hosts);
        float[] expected = golden.Phase1.Expected("host_ranges").Data;
        for (int host = 0; host < golden.Hosts; host++)
        {
            (int start, int end) = layout.PositionsOf(host);
            if (expected[2 * host] != expected[2 * host + 1] || start != end) // an empty range may stand anywhere
                Assert.Equal((expected[2 * host], expected[2 * host + 1]), (start, end));
        }
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(100, 7, 4)]
    [InlineData(100, 1000, 3)]
    [InlineData(int.MaxValue, 32768, 64)]
    public void EveryPositionHasOneHost(int length, int block, int hosts)
    {
        var layout = new StarLayout(length, block, hosts);
        int position = 0;
        for (int host = 0; host < hosts; host++)
        {
            (int start, int end) = layout.PositionsOf(host);
            Assert.Equal(position, start);
            Assert.Equal(host < layout.Encoders, end > start);
            position = end;
        }

        Assert.Equal(length, position);
    }
}
