using System.Reflection;
using System.Runtime.CompilerServices;
using AttentionComposer.Ilgpu.Kernels;
using AttentionComposer.Kernels;
using AttentionComposer.Tests.Selection;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>What ILGPU makes of the kernels for a Hopper card. It takes no card to find out.</summary>
public sealed class PtxTests
{
    static readonly Type[] Pipelines = [.. typeof(PtxTests).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(IDeviceKernels)))];

    /// <summary>The variants of the gym, the tests' own pipelines, and of the golden ones one for each shape and format.</summary>
    public static TheoryData<Type> EmittedKernels() =>
        [.. Pipelines.Where(type => !type.IsNested), .. Pipelines.Where(type => type.IsNested).GroupBy(type => (type.DeclaringType, Fused(type).Traits.Format), (_, types) => types.First())];

    [Theory, MemberData(nameof(EmittedKernels))]
    public void Decode(Type pipeline)
    {
        Ptx ptx = Ptx.Of(Kernels(pipeline).Decode.Method, Kernels(pipeline).Traits.DecodeGroupsPerMultiprocessor);
        ptx.CheckStaysInRegisters();
        ptx.CheckSpills();
        ptx.CheckAddressSpaces();

        // A batch's keys, the next batch's, and the values.
        Assert.True(ptx.Count("ld.global.v4") >= 3, $"{pipeline}: {ptx.Count("ld.global.v4")} loads of 16 bytes");
        Assert.True(ptx.Count("st.global.v4") >= 1, $"{pipeline}: no stores of 16 bytes");
    }

    [Theory, MemberData(nameof(EmittedKernels))]
    public void Prefill(Type pipeline)
    {
        Ptx ptx = Ptx.Of(Kernels(pipeline).Prefill.Method, Kernels(pipeline).Traits.PrefillGroupsPerMultiprocessor);
        ptx.CheckStaysInRegisters();
        ptx.CheckSpills();
        ptx.CheckAddressSpaces();
        Assert.True(ptx.Count("ld.global.v4") >= 2, $"{pipeline}: {ptx.Count("ld.global.v4")} loads of 16 bytes");
        Assert.True(ptx.Count("ld.shared.v4") >= 3, $"{pipeline}: {ptx.Count("ld.shared.v4")} loads of 16 bytes from shared memory");
    }

    public static TheoryData<Type> TensorKernels() => [.. Pipelines.Where(type => Kernels(type).TensorPrefill is not null && !type.IsNested)];

    [Theory, MemberData(nameof(TensorKernels))]
    public void TensorPrefill(Type pipeline)
    {
        Ptx ptx = Ptx.Of(Kernels(pipeline).TensorPrefill!.Method, Kernels(pipeline).Traits.PrefillGroupsPerMultiprocessor);

        // Operands of an instruction given by its text pass through local memory; the assembler takes it out again.
        ptx.CheckCalls();
        ptx.CheckSpills();
        int parts = (Fused(pipeline).Traits.Shape.HeadDim + 31) / 32;
        bool isFloat16 = Fused(pipeline).Traits.Format == KvFormat.Float16;
        (string format, int terms, int keys) = isFloat16 ? ("f16", 2, 64) : ("bf16", 3, 32);
        Assert.Equal(terms * parts * keys / 2, ptx.Count($"mma.sync.aligned.m16n8k16.row.col.f32.{format}.{format}.f32"));
        Assert.True(ptx.Count("ld.shared.v4") >= parts * keys / 4, $"{pipeline}: {ptx.Count("ld.shared.v4")} loads of 16 bytes from shared memory");
        Assert.True(ptx.Count("ld.global.v4") >= 4, $"{pipeline}: {ptx.Count("ld.global.v4")} loads of 16 bytes");
    }

    static IDeviceKernels Kernels(Type pipeline) => (IDeviceKernels)Fused(pipeline);

    // Kernels are static: what the pipeline's fields hold is of no account.
    static IFusedKernels Fused(Type pipeline) => (IFusedKernels)RuntimeHelpers.GetUninitializedObject(pipeline);

    /// <summary>Scorers, those of the tests' own variants all, and of the golden pipelines one for each method and format.</summary>
    public static TheoryData<Type> Selections() =>
    [
        .. Pipelines.Where(type => Kernels(type).Score is not null)
            .GroupBy(type => type.DeclaringType == typeof(SelectionVariants) ? type.Name : (object)(Fused(type).Traits.Selection!.Method, Fused(type).Traits.Format), (_, types) => types.First()),
    ];

    [Theory, MemberData(nameof(Selections))]
    public void Score(Type pipeline)
    {
        Ptx ptx = Ptx.Of(Kernels(pipeline).Score!.Method);
        ptx.CheckStaysInRegisters();
        ptx.CheckSpills();
        ptx.CheckAddressSpaces();
        Assert.True(ptx.Count("ld.global.v4") >= 1, $"{pipeline}: {ptx.Count("ld.global.v4")} loads of 16 bytes");
    }

    public static TheoryData<Type> Evictions() => [.. Pipelines.Where(type => Kernels(type).SumWeights is not null)];

    [Theory, MemberData(nameof(Evictions))]
    public void SumWeights(Type pipeline)
    {
        Ptx ptx = Ptx.Of(Kernels(pipeline).SumWeights!.Method);
        ptx.CheckStaysInRegisters();
        ptx.CheckSpills();
        ptx.CheckAddressSpaces();
        Assert.True(ptx.Count("ld.global.v4") >= 2, $"{pipeline}: {ptx.Count("ld.global.v4")} loads of 16 bytes");
        Assert.True(ptx.Count("ld.shared.v4") >= 3, $"{pipeline}: {ptx.Count("ld.shared.v4")} loads of 16 bytes from shared memory");
    }

    public static TheoryData<string, string> LibraryKernels()
    {
        var kernels = new TheoryData<string, string>();
        foreach (Type type in typeof(MergeKernel).Assembly.GetExportedTypes().Where(type => type.Name.EndsWith("Kernel", StringComparison.Ordinal)))
            foreach (MethodInfo kernel in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
                kernels.Add(type.FullName!, kernel.Name);
        return kernels;
    }

    [Theory, MemberData(nameof(LibraryKernels))]
    public void KernelsOfTheLibrary(string type, string kernel)
    {
        Ptx ptx = Ptx.Of(typeof(MergeKernel).Assembly.GetType(type)!.GetMethod(kernel)!);
        ptx.CheckStaysInRegisters();
        ptx.CheckSpills();
        ptx.CheckAddressSpaces();
    }
}
