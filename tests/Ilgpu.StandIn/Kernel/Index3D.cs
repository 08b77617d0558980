namespace ILGPU;

/// <summary>A group's or a thread's place in three dimensions, or their extent.</summary>
public readonly record struct Index3D
{
    public Index3D(int x, int y, int z) => (X, Y, Z) = (x, y, z);

    public int X { get; }

    public int Y { get; }

    public int Z { get; }

    public override string ToString() => $"({X}, {Y}, {Z})";
}
