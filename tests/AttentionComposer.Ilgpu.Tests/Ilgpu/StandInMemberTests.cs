extern alias StandIn;

using System.Reflection;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>The stand-in has nothing that ILGPU does not have in the same words.</summary>
public sealed class StandInMemberTests
{
    const BindingFlags Public = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.FlattenHierarchy;

    static readonly Assembly[] Real = [typeof(global::ILGPU.Context).Assembly, typeof(global::ILGPU.Algorithms.XMath).Assembly];

    public static TheoryData<Type> Types() => [.. typeof(StandIn::ILGPU.Context).Assembly.GetExportedTypes()];

    [Theory, MemberData(nameof(Types))]
    public void EveryMemberIsIlgpus(Type standIn)
    {
        Type? real = Real.Select(assembly => assembly.GetType(standIn.FullName!)).SingleOrDefault(type => type is not null);
        Assert.True(real is not null, $"ILGPU has no {standIn}.");
        Assert.Equal((real.IsValueType, real.IsInterface, real.IsEnum), (standIn.IsValueType, standIn.IsInterface, standIn.IsEnum));

        string[] missing = [.. standIn.GetMembers(Public | BindingFlags.DeclaredOnly).Select(Signature).Except(real.GetMembers(Public).Select(Signature))];
        Assert.True(missing.Length == 0, $"ILGPU's {real} has no {string.Join(", no ", missing)}.");
    }

    // Name, parameters and type, with type parameters by their names.
    static string Signature(MemberInfo member) => $"{member.MemberType} {member}";
}
