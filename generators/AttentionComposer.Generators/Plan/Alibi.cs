using System;
using System.Collections.Generic;

namespace AttentionComposer.Generators.Plan;

/// <summary>The slopes of ALiBi (arXiv 2108.12409, and the authors' code for counts that are no power of two).</summary>
static class Alibi
{
    public static IEnumerable<double> Slopes(int heads)
    {
        int power = 1;
        while (power * 2 <= heads)
            power *= 2;

        for (int head = 0; head < power; head++)
            yield return Math.Pow(2, -8.0 * (head + 1) / power);

        // The rest are the 1st, 3rd, 5th ... slopes of the ladder for twice as many heads.
        for (int head = 0; head < heads - power; head++)
            yield return Math.Pow(2, -8.0 * (2 * head + 1) / (2 * power));
    }
}
