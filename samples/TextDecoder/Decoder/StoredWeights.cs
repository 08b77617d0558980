using System.Runtime.CompilerServices;
using TextDecoder.Weights;

namespace TextDecoder.Decoder;

/// <summary>A row of a <see cref="WeightMatrix"/>.</summary>
/// <param name="numbers">Its numbers, or its quants.</param>
/// <param name="scales">The scales of its quants.</param>
readonly unsafe struct WeightRow(byte* numbers, float* scales)
{
    public readonly byte* Numbers = numbers;
    public readonly float* Scales = scales;
}

/// <summary>One storage format: how a few numbers of a row become a vector of floats.</summary>
interface IStoredWeights
{
    /// <summary>What <see cref="Load"/>'s numbers must still be multiplied by: once for a whole sum.</summary>
    static abstract float Factor { get; }

    /// <summary>Loads a vector from a column that is a multiple of the vector's count.</summary>
    static abstract TVector Load<TLanes, TVector>(WeightRow row, int column)
        where TLanes : struct, IVectorLanes<TVector> where TVector : struct;

    /// <summary>Loads one number, with the factor in it.</summary>
    static abstract float LoadOne(WeightRow row, int column);
}

/// <summary><see cref="TensorFormat.Float32"/>.</summary>
readonly unsafe struct Float32Weights : IStoredWeights
{
    public static float Factor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(WeightRow row, int column)
        where TLanes : struct, IVectorLanes<TVector> where TVector : struct =>
        TLanes.Load((float*)row.Numbers + column);

    public static float LoadOne(WeightRow row, int column) => ((float*)row.Numbers)[column];
}

/// <summary><see cref="TensorFormat.Float16"/>.</summary>
readonly unsafe struct Float16Weights : IStoredWeights
{
    // The bits of a float16, moved to the place of a float32's, stand for the number times 2^-112: the exponents' biases differ
    // by 112. Numbers below 2^-14 become subnormal, which is exact. Infinities come out as 65536, but no trained weight is one.
    public static float Factor => 5.192296858534828e33f; // 2^112

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(WeightRow row, int column)
        where TLanes : struct, IVectorLanes<TVector> where TVector : struct =>
        TLanes.ShiftAndMask(TLanes.LoadShortBits((short*)row.Numbers + column), 13, 0x8FFF_E000);

    public static float LoadOne(WeightRow row, int column) => (float)((Half*)row.Numbers)[column];
}

/// <summary><see cref="TensorFormat.BFloat16"/>.</summary>
readonly unsafe struct BFloat16Weights : IStoredWeights
{
    public static float Factor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(WeightRow row, int column)
        where TLanes : struct, IVectorLanes<TVector> where TVector : struct =>
        TLanes.ShiftAndMask(TLanes.LoadShortBits((short*)row.Numbers + column), 16, 0xFFFF_0000);

    public static float LoadOne(WeightRow row, int column) =>
        BitConverter.UInt32BitsToSingle((uint)((ushort*)row.Numbers)[column] << 16);
}

/// <summary><see cref="TensorFormat.Q8_0"/>.</summary>
readonly unsafe struct Q8Weights : IStoredWeights
{
    public static float Factor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(WeightRow row, int column)
        where TLanes : struct, IVectorLanes<TVector> where TVector : struct =>
        TLanes.Multiply(
            TLanes.LoadSignedBytes((sbyte*)row.Numbers + column), TLanes.Broadcast(row.Scales[(uint)column / StoredTensor.BlockSize]));

    public static float LoadOne(WeightRow row, int column) =>
        ((sbyte*)row.Numbers)[column] * row.Scales[(uint)column / StoredTensor.BlockSize];
}
