using System.Collections.Generic;

namespace AttentionComposer.Generators.Model;

/// <summary>Types that generated code names, and where they live.</summary>
static class UsedNames
{
    static readonly Dictionary<string, string> s_namespaces = Read(new()
    {
        ["System"] = "Action Math MathF Span ReadOnlySpan ReadOnlyMemory",
        ["System.Runtime.CompilerServices"] = "MethodImpl MethodImplOptions Unsafe",
        ["System.Runtime.Intrinsics"] = "Vector128 Vector256 Vector512",
        ["AttentionComposer"] = "AttentionPlan AttentionShape KvCache KvFormat Normalization",
        ["AttentionComposer.Kernels"] =
            "AttentionDriver BlockView IntRange LaneMath TableLoad Truth BFloat16Row Float16Row Float32Row Int8Row IFusedKernels KernelCall KernelTraits KeyBits KeyRange Lanes Lanes128 Lanes256 Lanes512 OnlineSoftmax Panels Prefetch IPanelSizes IPrefillProducts Products128 Products256 Products512 RowScalars VectorMath " +
            "Candidates Channels IEvictionKernels ISelectionKernels Labels Remainder SelectionCall Survivors",
        ["AttentionComposer.Ilgpu.Kernels"] = "Chunk DeviceCall DeviceMath DeviceSelection DeviceTables DeviceTraits Float4 Float8 IDeviceKernels",
        ["ILGPU"] = "ArrayView Grid Interop SharedMemory Warp",
        ["ILGPU.Algorithms"] = "XMath",
    });

    public static IEnumerable<string> All => s_namespaces.Keys;

    /// <summary>The name with its namespace, from the root.</summary>
    public static string Qualified(string name) => $"global::{s_namespaces[name]}.{name}";

    static Dictionary<string, string> Read(Dictionary<string, string> namesByNamespace)
    {
        var namespaces = new Dictionary<string, string>();
        foreach (KeyValuePair<string, string> entry in namesByNamespace)
        {
            foreach (string name in entry.Value.Split(' '))
                namespaces.Add(name, entry.Key);
        }

        return namespaces;
    }
}
