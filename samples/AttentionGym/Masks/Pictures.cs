using AttentionComposer;

namespace AttentionGym;

// Neighbourhoods in pictures and videos whose pixels are laid out in a row.

/// <summary>NATTEN: pixels at most 3 rows and 3 columns away, in a picture of 32 columns.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class Neighbourhood
{
    const int Columns = 32, Radius = 3;

    [Mask] public static bool Visible(int query, int key) =>
        Math.Abs(query / Columns - key / Columns) <= Radius && Math.Abs(query % Columns - key % Columns) <= Radius;
}

/// <summary>The same for pixels that are stored in tiles of 8 × 8.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class TiledNeighbourhood
{
    const int Tile = 8, TilesInRow = 4, Radius = 3;

    [Mask] public static bool Visible(int query, int key)
    {
        int rows = Math.Abs(Row(query) - Row(key));
        int columns = Math.Abs(Column(query) - Column(key));
        return rows <= Radius && columns <= Radius;
    }

    static int Row(int pixel) => pixel / (Tile * Tile) / TilesInRow * Tile + pixel % (Tile * Tile) / Tile;

    static int Column(int pixel) => pixel / (Tile * Tile) % TilesInRow * Tile + pixel % Tile;
}

/// <summary>The same along a Morton curve.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class MortonNeighbourhood
{
    const int Radius = 3;

    [Mask] public static bool Visible(int query, int key) =>
        Math.Abs(EvenBits(query) - EvenBits(key)) <= Radius && Math.Abs(EvenBits(query >> 1) - EvenBits(key >> 1)) <= Radius;

    static int EvenBits(int position)
    {
        int bits = position & 0x5555;
        for (int shift = 1; shift <= 4; shift *= 2)
            bits = (bits | bits >> shift) & (shift == 1 ? 0x3333 : shift == 2 ? 0x0F0F : 0x00FF);
        return bits;
    }
}

/// <summary>Sliding tiles in two dimensions: tiles of 64 pixels, 4 in a row, that touch.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class SlidingTiles
{
    [Mask] public static bool Visible(int query, int key)
    {
        int from = query / 64, to = key / 64;
        return Math.Abs(from / 4 - to / 4) <= 1 && Math.Abs(from % 4 - to % 4) <= 1;
    }
}

/// <summary>Sliding tiles in three dimensions: tiles of 64 voxels, 2 × 2 in a plane.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class SlidingTilesInSpace
{
    [Mask] public static bool Visible(int query, int key)
    {
        int from = query / 64, to = key / 64;
        bool near = true;
        for (int axis = 0; axis < 3; axis++)
        {
            int size = axis == 2 ? 1024 : 2;
            near &= Math.Abs(from % size - to % size) <= (axis == 2 ? 1 : 0);
            from /= size;
            to /= size;
        }

        return near;
    }
}

/// <summary>Video, within frames of 60 pixels.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class SpatialVideo
{
    [Mask] public static bool Visible(int query, int key) => query / 60 == key / 60;
}

/// <summary>Video, each pixel through time.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class TemporalVideo
{
    [Mask] public static bool Visible(int query, int key) => query % 60 == key % 60;
}
