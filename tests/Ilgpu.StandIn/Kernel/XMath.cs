namespace ILGPU.Algorithms;

/// <summary>Mathematics that kernels may use.</summary>
public static class XMath
{
    public static float Exp2(float value) => MathF.Pow(2, value);

    public static float Exp(float value) => MathF.Exp(value);

    public static float Log2(float value) => MathF.Log2(value);

    public static float Log(float value) => MathF.Log(value);

    public static float Pow(float @base, float exp) => MathF.Pow(@base, exp);

    public static float Rem(float x, float y) => x % y;

    public static float Sqrt(float value) => MathF.Sqrt(value);

    public static float Tanh(float value) => MathF.Tanh(value);

    public static float Sin(float value) => MathF.Sin(value);

    public static float Cos(float value) => MathF.Cos(value);

    public static float Abs(float value) => MathF.Abs(value);

    public static int Abs(int value) => Math.Abs(value);

    public static float Floor(float value) => MathF.Floor(value);

    public static float Ceiling(float value) => MathF.Ceiling(value);

    public static float Truncate(float value) => MathF.Truncate(value);

    public static float RoundToEven(float value) => MathF.Round(value, MidpointRounding.ToEven);
}
