namespace AttentionComposer.Ilgpu.Tests;

/// <summary>NaN and infinity stay within the rows that see them, though the device has no careful kernel; large and small numbers are numbers like others.</summary>
public sealed class DeviceNonFiniteTests
{
    const int Positions = 90;

    public static TheoryData<Type> Pipelines() => [typeof(Dense), typeof(DenseFloat16), typeof(WindowBFloat16)];

    [Theory, MemberData(nameof(Pipelines))]
    public void OneScalarReachesOnlyTheRowsThatSeeIt(Type pipeline)
    {
        using DeviceAttention attention = ((IAttention)Activator.CreateInstance(pipeline)!).OnDevice(TestDevice.Accelerator);
        Sequence clean = Sequence.Random(attention.Shape, Positions, Positions, seed: 7, attention.Plan.Format);
        int key = attention.Shape.KeyValueWidth, query = attention.Shape.QueryWidth;
        CheckSeenOnly(attention, clean with { Keys = With(clean.Keys, 40 * key + 5, float.NaN) }, "NaN among the keys");
        CheckSeenOnly(attention, clean with { Keys = With(clean.Keys, 64 * key + 5, float.NegativeInfinity) }, "-infinity among the keys");
        CheckSeenOnly(attention, clean with { Values = With(clean.Values, 64 * key + 5, float.NaN) }, "NaN among the values");
        CheckSeenOnly(attention, clean with { Values = With(clean.Values, key + 5, float.PositiveInfinity) }, "infinity among the values");
        CheckSeenOnly(attention, clean with { Queries = With(clean.Queries, 50 * query + 3, float.NaN) }, "NaN among the queries");
    }

    /// <summary>The rows of a prefill, and the last two as steps of a decoder.</summary>
    static void CheckSeenOnly(DeviceAttention attention, Sequence sequence, string what)
    {
        Result expected = Result.OfReference(ReferenceAttention.Of(attention.Plan), sequence);
        Compare(DeviceResult.OfStep(attention, sequence), 0, "prefill");

        const int Decoded = Positions - 2;
        attention.Multiprocessors = 4;
        Compare(DeviceResult.OfStored(attention, sequence with { Queries = sequence.QueriesAt(Decoded..).ToArray() }), Decoded, "decode");
        attention.Multiprocessors = 1;

        void Compare(Result actual, int firstRow, string phase)
        {
            CompareAll(actual.Output, expected.Output.AsSpan(firstRow * sequence.Shape.QueryWidth), $"{what}, {phase}, output");
            CompareAll(actual.LogSumExp, expected.LogSumExp.AsSpan(firstRow * sequence.Shape.QueryHeads), $"{what}, {phase}, log-sum-exp");
        }

        // Of a row that sees a NaN it matters that it is not passed off as a number, not which scalars of it are NaN or infinite.
        static void CompareAll(float[] actual, ReadOnlySpan<float> expected, string what)
        {
            for (int i = 0; i < actual.Length; i++)
                if (float.IsNaN(expected[i]) ? float.IsFinite(actual[i]) : !Tolerance.Float32.Accepts(actual[i], expected[i]))
                    Assert.Fail($"{what}: {actual[i]} instead of {expected[i]} at {i}");
        }
    }

    /// <summary>Subnormal and almost infinite halves among the values.</summary>
    [Theory]
    [InlineData(6e-8f)]
    [InlineData(5e-5f)]
    [InlineData(60000f)]
    public void ExtremeHalvesAreExact(float scale)
    {
        using DeviceAttention attention = new DenseFloat16().OnDevice(TestDevice.Accelerator);
        Sequence sequence = Sequence.Random(attention.Shape, 50, 50, seed: 9);
        sequence = (sequence with { Values = Array.ConvertAll(sequence.Values, x => MathF.Tanh(x) * scale) }).Rounded(KvFormat.Float16);
        Result expected = Result.OfReference(ReferenceAttention.Of(attention.Plan), sequence);
        new Tolerance(2e-5 * scale, 2e-5).Check(DeviceResult.OfStep(attention, sequence).Output, expected.Output, $"{scale}");
    }

    [Theory]
    [InlineData(-3e4f)]
    [InlineData(3e4f)]
    public void LargeScoresDoNotOverflow(float height)
    {
        using DeviceAttention attention = new Dense().OnDevice(TestDevice.Accelerator);
        Sequence sequence = Sequence.Random(attention.Shape, 100, 100, seed: 10);
        sequence = sequence with { Keys = Array.ConvertAll(sequence.Keys, _ => 1f), Queries = Array.ConvertAll(sequence.Queries, _ => height) };
        DeviceResult.OfStep(attention, sequence).CheckAgainst(
            Result.OfReference(ReferenceAttention.Of(attention.Plan), sequence), Tolerance.Float32, $"scores of {height}");
    }

    static float[] With(float[] scalars, int index, float value)
    {
        float[] changed = [.. scalars];
        changed[index] = value;
        return changed;
    }
}
