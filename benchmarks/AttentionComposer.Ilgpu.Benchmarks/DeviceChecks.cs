using System.Diagnostics;
using System.Reflection;
using AttentionComposer.Ilgpu.Tests;
using ILGPU.Runtime;
using Xunit;
using Xunit.Sdk;

namespace AttentionComposer.Ilgpu.Benchmarks;

/// <summary>Runs tests/AttentionComposer.Ilgpu.Tests on a device: all golden cases, the gym's variants, the verbs.</summary>
static class DeviceChecks
{
    static readonly IEnumerable<Type> Classes =
    [
        typeof(ThreadTests),
        .. typeof(ThreadTests).Assembly.GetExportedTypes().Where(type => type.Name.StartsWith("Device", StringComparison.Ordinal)).OrderBy(type => type.Name, StringComparer.Ordinal),
    ];

    /// <summary>Runs every nth case and prints what failed.</summary>
    /// <param name="accelerator">Where.</param>
    /// <param name="every">n.</param>
    /// <param name="only">What the names of the classes contain.</param>
    /// <returns>Whether all passed.</returns>
    public static bool Run(Accelerator accelerator, int every, string only)
    {
        TestDevice.Accelerator = accelerator;
        int all = 0, failed = 0;
        foreach (Type type in Classes.Where(type => type.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            int passed = 0;
            var clock = Stopwatch.StartNew();
            foreach ((MethodInfo test, object?[] arguments) in Cases(type))
            {
                if (all++ % every != 0)
                    continue;
                try
                {
                    test.Invoke(Activator.CreateInstance(type), BindingFlags.DoNotWrapExceptions, null, arguments, null);
                    passed++;
                }
                catch (Exception exception)
                {
                    failed++;
                    Console.WriteLine($"FAILED {type.Name}.{test.Name}({string.Join(", ", arguments)}): {exception.Message}");
                }
            }

            Console.WriteLine($"{type.Name}: {passed} passed in {clock.Elapsed.TotalSeconds:0} s");
        }

        return failed == 0;
    }

    static IEnumerable<(MethodInfo Test, object?[] Arguments)> Cases(Type type)
    {
        foreach (MethodInfo test in type.GetMethods().Where(method => method.IsDefined(typeof(FactAttribute))))
        {
            DataAttribute[] data = [.. test.GetCustomAttributes<DataAttribute>()];
            if (data.Length == 0)
                yield return (test, []);
            foreach (object?[] arguments in data.SelectMany(attribute => attribute.GetData(test)))
                yield return (test, arguments);
        }
    }
}
