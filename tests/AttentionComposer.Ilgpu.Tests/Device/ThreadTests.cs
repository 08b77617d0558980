using ILGPU;
using ILGPU.Runtime;
using AttentionComposer.Ilgpu.Kernels;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>What kernels rely on in groups, warps and memory; the stand-in and ILGPU have to agree on it.</summary>
public sealed class ThreadTests
{
    [Fact]
    public void EveryThreadKnowsItsPlace()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> places = TestDevice.Upload<int>(new int[3 * 64]);
        TestDevice.Run<int>(StorePlaces, places, groups: 3, threads: 64);
        Assert.Equal(
            Enumerable.Range(0, 3 * 64).Select(i => (((i / 64 * 100) + i % 64) * 100 + i % 64 / 32) * 100 + i % 32), TestDevice.Download(places));
    }

    static void StorePlaces(ArrayView<int> places) =>
        places[Grid.IdxX * Group.DimX + Group.IdxX] = ((Grid.IdxX * 100 + Group.IdxX) * 100 + Warp.WarpIdx) * 100 + Warp.LaneIdx;

    [Fact]
    public void ShufflesExchangeBetweenTheLanesOfAWarp()
    {
        using MemoryBuffer1D<float, Stride1D.Dense> values = TestDevice.Upload<float>([.. Enumerable.Range(0, 128).Select(i => (float)i)]);
        TestDevice.Run<float>(SumWarps, values, groups: 1, threads: 128);
        Assert.Equal(
            Enumerable.Range(0, 128).Select(i => (float)Enumerable.Range(i / 32 * 32, 32).Sum()), TestDevice.Download(values));
    }

    static void SumWarps(ArrayView<float> values)
    {
        float sum = values[Group.IdxX];
        sum += Warp.ShuffleXor(sum, 16);
        sum += Warp.ShuffleXor(sum, 8);
        sum += Warp.ShuffleXor(sum, 4);
        sum += Warp.ShuffleXor(sum, 2);
        sum += Warp.ShuffleXor(sum, 1);
        values[Group.IdxX] = sum;
    }

    [Fact]
    public void GroupsShareMemoryBetweenBarriers()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> values = TestDevice.Upload<int>([.. Enumerable.Range(0, 5 * 96)]);
        TestDevice.Run<int>(Reverse, values, groups: 5, threads: 96);
        Assert.Equal(Enumerable.Range(0, 5 * 96).Select(i => i / 96 * 96 + (95 - i % 96) * 3), TestDevice.Download(values));
    }

    // Two allocations of one type, told apart by their order.
    static void Reverse(ArrayView<int> values)
    {
        ArrayView<int> first = SharedMemory.Allocate<int>(96);
        ArrayView<int> twice = SharedMemory.Allocate<int>(96);
        int start = Grid.IdxX * Group.DimX, value = values[start + Group.IdxX] - start;
        first[Group.IdxX] = value;
        twice[Group.IdxX] = 2 * value;
        Group.Barrier();
        int mirror = 95 - Group.IdxX;
        values[start + Group.IdxX] = start + first[mirror] + twice[mirror];
    }

    [Fact]
    public void ABarrierTellsWhetherAnyThreadAgrees()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> values = TestDevice.Upload<int>(new int[2 * 64]);
        TestDevice.Run<int>(AskInTurn, values, groups: 2, threads: 64);
        Assert.Equal(Enumerable.Repeat(0b1011, 2 * 64), TestDevice.Download(values));
    }

    static void AskInTurn(ArrayView<int> values)
    {
        int answers = Group.BarrierOr(Group.IdxX == 63) ? 1 : 0;
        answers += Group.BarrierOr(Group.IdxX < 40) ? 2 : 0;
        answers += Group.BarrierOr(Group.IdxX < 0) ? 4 : 0;
        answers += Group.BarrierOr(true) ? 8 : 0;
        values[Grid.IdxX * Group.DimX + Group.IdxX] = answers;
    }

    [Fact]
    public void ViewsAreReadInOtherSizes()
    {
        using MemoryBuffer1D<float, Stride1D.Dense> values = TestDevice.Upload<float>([.. Enumerable.Range(0, 64).Select(i => (float)i)]);
        TestDevice.Run<float>(SwapChunks, values, groups: 1, threads: 8);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (float)(i / 4 % 2 == 0 ? i + 4 : i - 4)), TestDevice.Download(values));
    }

    static void SwapChunks(ArrayView<float> values)
    {
        ArrayView<Float4> pair = values.Cast<Float4>().SubView(2 * Group.IdxX, 2);
        Float4 first = pair[0];
        pair[0] = pair[1];
        pair[1] = first;
    }

    [Fact]
    public void HalvesAreWidenedExactly()
    {
        ushort[] bits = [0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xbc01, 0x7bff, 0x7c00, 0xfc00];
        using MemoryBuffer1D<uint, Stride1D.Dense> values = TestDevice.Upload<uint>([.. bits.Select(x => x | (uint)x << 16)]);
        TestDevice.Run<uint>(WidenLow, values, groups: 1, threads: bits.Length);
        Assert.Equal(bits.Select(x => (float)BitConverter.UInt16BitsToHalf(x)), TestDevice.Download(values).Select(BitConverter.UInt32BitsToSingle));
    }

    static void WidenLow(ArrayView<uint> values)
    {
        float value = Interop.IntAsFloat((ushort)values[Group.IdxX]);
        values[Group.IdxX] = Interop.FloatAsInt(value);
    }
}
