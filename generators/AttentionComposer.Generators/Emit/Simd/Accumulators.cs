using System;
using System.Collections.Generic;
using System.Linq;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>Emits what a register tile sums in: vectors that begin at 0, a row's in one statement.</summary>
static class Accumulators
{
    const int PerLine = 4;

    public static void Declare(SourceWriter writer, string v, IEnumerable<string> names)
    {
        string[] zeros = [.. names.Select(name => $"{name} = {v}<float>.Zero")];
        IEnumerable<string> lines = Enumerable.Range(0, (zeros.Length + PerLine - 1) / PerLine)
            .Select(line => string.Join(", ", new ArraySegment<string>(zeros, line * PerLine, Math.Min(PerLine, zeros.Length - line * PerLine))));
        writer.Write($"{v}<float> {string.Join(",\n    ", lines)};");
    }
}
