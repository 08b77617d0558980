using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>The stand-in fails where a GPU would return nonsense, or hang.</summary>
public sealed class FaultTests
{
    [Fact]
    public void AccessOutsideOfAView() => Fails(Outside, "Thread 5 of group (0, 0, 0) of the kernel Outside: Index 64 is outside of a view of 64 elements");

    static void Outside(ArrayView<int> values)
    {
        if (Group.IdxX == 5)
            values[values.IntLength] = 1;
    }

    [Fact]
    public void NegativeIndex() => Fails(Negative, "Index -1 is outside");

    static void Negative(ArrayView<int> values) => values[-1] = 1;

    [Fact]
    public void UnalignedView() => Fails(Unaligned, "has to begin at a multiple of 16 bytes");

    static void Unaligned(ArrayView<int> values) => _ = values.SubView(1, 8).Cast<Kernels.Chunk>();

    [Fact]
    public void BarrierThatSomeThreadsSkip() => Fails(SkipBarrier, "wait for each other at different places");

    static void SkipBarrier(ArrayView<int> values)
    {
        if (Group.IdxX != 3)
            Group.Barrier();
    }

    [Fact]
    public void ShuffleThatSomeLanesSkip() => Fails(SkipShuffle, "wait for each other at different places");

    static void SkipShuffle(ArrayView<int> values)
    {
        if (Warp.LaneIdx < 16)
            values[Group.IdxX] = Warp.ShuffleXor(Group.IdxX, 1);
        Group.Barrier();
    }

    [Fact]
    public void SharedMemoryOfDifferentSizes() => Fails(DifferentSizes, "ask for different shared memory");

    static void DifferentSizes(ArrayView<int> values) => _ = SharedMemory.Allocate<int>(Group.IdxX == 0 ? 4 : 8);

    [Fact]
    public void TooMuchSharedMemory() => Fails(TooMuch, "shared memory ends at 49152 bytes");

    static void TooMuch(ArrayView<int> values)
    {
        _ = SharedMemory.Allocate<int>(12 * 1024);
        _ = SharedMemory.Allocate<int>(1);
    }

    [Fact]
    public void MembersOfKernelsOutsideOfOne() => Assert.Throws<InvalidOperationException>(() => Group.IdxX);

    [Fact]
    public void NothingRunsBeforeSomebodyWaits()
    {
        using MemoryBuffer1D<int, Stride1D.Dense> values = TestDevice.Upload<int>([0]);
        using AcceleratorStream stream = TestDevice.Accelerator.CreateStream();
        TestDevice.Accelerator.LoadKernel<ArrayView<int>>(StoreSeven, new KernelSpecialization(1, null))(
            stream, new KernelConfig(new Index3D(1, 1, 1), new Index3D(1, 1, 1)), values.AsContiguous());
        Assert.Equal([0], TestDevice.Download(values));
        stream.Synchronize();
        Assert.Equal([7], TestDevice.Download(values));
    }

    static void StoreSeven(ArrayView<int> values) => values[0] = 7;

    [Fact]
    public void ADeviceClearsNothing()
    {
        using MemoryBuffer1D<float, Stride1D.Dense> values = TestDevice.Accelerator.Allocate1D<float>(3);
        Assert.All(TestDevice.Download(values), x => Assert.True(float.IsNaN(x)));
    }

    static void Fails(Action<ArrayView<int>> kernel, string message)
    {
        using MemoryBuffer1D<int, Stride1D.Dense> values = TestDevice.Upload<int>(new int[64]);
        Exception failure = Assert.ThrowsAny<Exception>(() => TestDevice.Run(kernel, values, groups: 2, threads: 64));
        Assert.Contains(message, failure.Message);

        // The threads are fit for the next kernel.
        TestDevice.Run<int>(StoreSeven, values, groups: 1, threads: 32);
        Assert.Equal(7, TestDevice.Download(values)[0]);
    }
}
