namespace ILGPU;

/// <summary>How elements lie in memory.</summary>
public static class Stride1D
{
    /// <summary>One behind the other.</summary>
    public readonly struct Dense;
}
