using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace ILGPU
{
    public enum OptimizationLevel
    {
        O0,
        O1,
        O2,
    }

    /// <summary>What accelerators are made in.</summary>
    public sealed class Context : IDisposable
    {
        Context(CPUDevice? device) => Device = device;

        internal CPUDevice? Device { get; }

        public static Context Create(Action<Builder> buildingCallback)
        {
            var builder = new Builder();
            buildingCallback(builder);
            return new Context(builder.Device);
        }

        /// <summary>A device other than the CPU where there is one; the stand-in has none.</summary>
        public Device GetPreferredDevice(bool preferCPU) =>
            Device ?? throw new NotSupportedException("The stand-in runs kernels on the CPU only. Build with -p:WithIlgpu=true for other devices.");

        public void Dispose()
        {
        }

        /// <summary>The settings of a context.</summary>
        public sealed class Builder
        {
            internal Builder()
            {
            }

            internal CPUDevice? Device { get; set; }

            public Builder Optimize(OptimizationLevel level) => this;
        }
    }

    public static class AlgorithmContext
    {
        /// <summary>Lets kernels use <see cref="Algorithms.XMath"/>.</summary>
        public static Context.Builder EnableAlgorithms(this Context.Builder builder) => builder;
    }

    /// <summary>The extents of a launch: groups, and threads in a group.</summary>
    public readonly struct KernelConfig(Index3D gridDim, Index3D groupDim)
    {
        public Index3D GridDim { get; } = gridDim;

        public Index3D GroupDim { get; } = groupDim;
    }
}

namespace ILGPU.Runtime
{
    /// <summary>What an accelerator can be made of.</summary>
    public abstract class Device
    {
        private protected Device()
        {
        }

        public abstract Accelerator CreateAccelerator(Context context);
    }
}

namespace ILGPU.Runtime.Cuda
{
    public static class CudaContextExtensions
    {
        /// <summary>Adds NVIDIA's cards; the stand-in knows none.</summary>
        public static Context.Builder Cuda(this Context.Builder builder) => builder;
    }

    public readonly struct CudaArchitecture(int major, int minor)
    {
        public int Major { get; } = major;

        public int Minor { get; } = minor;
    }

    /// <summary>A card. No device makes one here; tests do, of kernels with instructions that only cards have: see <see cref="CudaAsm"/>.</summary>
    public sealed class CudaAccelerator : Accelerator
    {
        internal CudaAccelerator(Context context)
            : base(context)
        {
        }

        public override AcceleratorType AcceleratorType => AcceleratorType.Cuda;

        public CudaArchitecture Architecture => new(9, 0);
    }
}

namespace ILGPU.Runtime.CPU
{
    /// <summary>The CPU as a device.</summary>
    public sealed class CPUDevice(int numThreadsPerWarp, int numWarpsPerMultiprocessor, int numMultiprocessors) : Device
    {
        public override Accelerator CreateAccelerator(Context context)
        {
            if (numThreadsPerWarp != Warp.WarpSize || numWarpsPerMultiprocessor < 1 || numMultiprocessors < 1)
                throw new NotSupportedException($"The stand-in has warps of {Warp.WarpSize} lanes.");
            return new CPUAccelerator(context);
        }
    }

    public sealed class CPUAccelerator : Accelerator
    {
        internal CPUAccelerator(Context context)
            : base(context)
        {
        }

        public override AcceleratorType AcceleratorType => AcceleratorType.CPU;
    }

    public static class CPUContextExtensions
    {
        public static Context.Builder CPU(this Context.Builder builder, CPUDevice desc)
        {
            builder.Device = desc;
            return builder;
        }
    }
}
