using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Kernels;

/// <summary>
/// The functions under every kernel, by themselves: the tolerance for whole kernels would forgive errors that are large for these.
/// </summary>
public sealed class VectorMathTests
{
    /// <summary>Two units in the last place.</summary>
    const double TwoUlp = 2.4e-7;

    [Fact]
    public void Exp2IsExactToTwoUnits()
    {
        for (float x = 0; x >= -125.9f; x -= 0.0137f)
            CheckExp2(x, Math.Pow(2, x));
        foreach (float x in new[] { -1e-30f, -1e-8f, -0.5f, -0.49999997f, -0.50000006f, -1, -64.5f, -125 })
            CheckExp2(x, Math.Pow(2, x));

        static void CheckExp2(float x, double expected)
        {
            foreach (float actual in Exp2(x))
                Assert.True(Math.Abs(actual - expected) <= TwoUlp * expected, $"2^{x} is {expected}, not {actual}");
        }
    }

    [Fact]
    public void Exp2AtTheEnds()
    {
        Assert.All(Exp2(0), power => Assert.Equal(1, power));
        Assert.All(Exp2(-126.5f), power => Assert.Equal(0, power));
        Assert.All(Exp2(-1e30f), power => Assert.Equal(0, power));
        Assert.All(Exp2(float.NegativeInfinity), power => Assert.Equal(0, power));
        Assert.All(Exp2(float.NaN), power => Assert.Equal(float.NaN, power));
    }

    [Fact]
    public void ExpIsExactToTwoUnits()
    {
        for (float x = -86.28f; x <= 88.7f; x += 0.0137f)
            CheckExp(x);
        foreach (float x in new[] { 0, 1e-30f, -1e-8f, 0.34657f, 0.34658f, 88.722f, -86.289f })
            CheckExp(x);
        Assert.All(Exp(0), power => Assert.Equal(1, power));
        Assert.All(Exp(88.8f), power => Assert.Equal(float.PositiveInfinity, power));
        Assert.All(Exp(float.PositiveInfinity), power => Assert.Equal(float.PositiveInfinity, power));
        Assert.All(Exp(-86.3f), power => Assert.Equal(0, power));
        Assert.All(Exp(float.NegativeInfinity), power => Assert.Equal(0, power));
        Assert.All(Exp(float.NaN), power => Assert.Equal(float.NaN, power));

        static void CheckExp(float x)
        {
            foreach (float actual in Exp(x))
                Assert.True(Math.Abs(actual - Math.Exp(x)) <= TwoUlp * Math.Exp(x), $"e^{x} is {Math.Exp(x)}, not {actual}");
        }
    }

    /// <summary>Near 0, where soft caps work, as well as at the bounds.</summary>
    [Fact]
    public void TanhIsExactToAFewUnits()
    {
        List<float> arguments = [0, 1e-30f, 1e-20f, 1e-10f, 8.9f, 9, 9.1f, 100, 1e30f, float.PositiveInfinity];
        for (float x = 1e-6f; x < 12; x *= 1.0031f)
            arguments.Add(x);
        foreach (float x in arguments)
            foreach (float signed in new[] { x, -x })
                foreach (float actual in Tanh(signed))
                    Assert.True(
                        Math.Abs(actual - Math.Tanh(signed)) <= 2 * TwoUlp * Math.Abs(Math.Tanh(signed)),
                        $"tanh({signed}) is {Math.Tanh(signed)}, not {actual}");
        Assert.All(Tanh(float.NaN), value => Assert.Equal(float.NaN, value));
    }

    /// <summary>Every finite half there is, subnormal ones included, at every vector width.</summary>
    [Fact]
    public void EveryHalfIsReadAsItsValueTimesAPowerOfTwo()
    {
        short[] halves = [.. Enumerable.Range(0, 1 << 16).Select(bits => (short)bits)];
        float[] expected = Array.ConvertAll(halves, bits => MathF.ScaleB((float)BitConverter.Int16BitsToHalf(bits), -112));
        CheckRows<Float16Row, short>(halves, expected);
    }

    [Fact]
    public void EveryBFloat16IsReadAsItsValue()
    {
        ushort[] stored = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];
        CheckRows<BFloat16Row, ushort>(stored, Array.ConvertAll(stored, bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)));
    }

    [Fact]
    public void EveryInt8IsReadAsItsValue()
    {
        sbyte[] stored = [.. Enumerable.Range(0, 1 << 8).Select(bits => (sbyte)bits)];
        CheckRows<Int8Row, sbyte>(stored, Array.ConvertAll(stored, x => (float)x));
    }

    [Fact]
    public void LanesAreSummed()
    {
        float[] x = [.. Enumerable.Range(0, 64).Select(i => (float)(i * i % 97))];
        float[] sums = [.. x.Chunk(16).Select(vector => vector.Sum())];
        Vector512<float> Of(int i) => Vector512.Create(x.AsSpan(i * 16));
        Vector512<float> quads = Lanes.SumQuads(Of(0), Of(1), Of(2), Of(3));
        Vector512<float> four = Lanes.SumLanes(quads, Vector512<float>.Zero, quads + quads, Vector512<float>.One);
        Assert.Equal([.. sums, 0, 0, 0, 0, .. sums.Select(sum => 2 * sum), 4, 4, 4, 4], Scalars(four));
        foreach (int largest in Enumerable.Range(0, 16))
        {
            Vector512<float> vector = Vector512.WithElement(Of(0) * 0, largest, 3f);
            Assert.Equal(3, Lanes.Max(vector));
        }
    }

    static float[] Exp2(float x) =>
    [
        .. Scalars(VectorMath.Exp2(Vector512.Create(x))),
        .. Scalars(VectorMath.Exp2(Vector256.Create(x))),
        .. Scalars(VectorMath.Exp2(Vector128.Create(x))),
    ];

    static float[] Exp(float x) =>
    [
        .. Scalars(VectorMath.Exp(Vector512.Create(x))),
        .. Scalars(VectorMath.Exp(Vector256.Create(x))),
        .. Scalars(VectorMath.Exp(Vector128.Create(x))),
    ];

    static float[] Tanh(float x) =>
    [
        .. Scalars(VectorMath.Tanh(Vector512.Create(x))),
        .. Scalars(VectorMath.Tanh(Vector256.Create(x))),
        .. Scalars(VectorMath.Tanh(Vector128.Create(x))),
    ];

    // Infinities and NaN do not survive the widening of halves: their rows take the careful kernel.
    static void CheckRows<TFormat, T>(T[] stored, float[] expected)
        where TFormat : IRowFormat<T>
        where T : unmanaged
    {
        for (int i = 0; i < stored.Length; i += 16)
        {
            float[][] read =
            [
                Scalars(TFormat.Load512(ref stored[0], i)),
                [.. Scalars(TFormat.Load256(ref stored[0], i)), .. Scalars(TFormat.Load256(ref stored[0], i + 8))],
                [.. Enumerable.Range(0, 4).SelectMany(quad => Scalars(TFormat.Load128(ref stored[0], i + 4 * quad)))],
            ];
            foreach (float[] scalars in read)
                for (int j = 0; j < 16; j++)
                    if (float.IsFinite(expected[i + j]))
                        Assert.Equal(BitConverter.SingleToInt32Bits(expected[i + j]), BitConverter.SingleToInt32Bits(scalars[j]));
        }
    }

    static float[] Scalars<TVector>(TVector vector)
        where TVector : struct =>
        MemoryMarshal.Cast<TVector, float>(MemoryMarshal.CreateReadOnlySpan(ref vector, 1)).ToArray();
}
