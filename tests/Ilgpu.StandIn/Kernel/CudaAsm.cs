using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Execution;

namespace ILGPU.Runtime.Cuda;

public interface ICudaAsmEmitParameter;

/// <summary>What an instruction reads.</summary>
public struct Input<T> : ICudaAsmEmitParameter
    where T : struct
{
    public T Value;

    public static implicit operator Input<T>(T v) => new() { Value = v };
}

/// <summary>What an instruction reads and overwrites.</summary>
public struct Ref<T> : ICudaAsmEmitParameter
    where T : struct
{
    public T Value;

    public static implicit operator Ref<T>(T v) => new() { Value = v };
}

/// <summary>Instructions of PTX by their text. The stand-in carries out those that kernels here use, as NVIDIA's PTX ISA describes them.</summary>
public static class CudaAsm
{
    const string Exp2 = "ex2.approx.ftz.f32 %0, %1;";
    const string Max = "max.NaN.f32 %0, %1, %2;";
    const string ToFloat16 = "cvt.rn.f16x2.f32 %0, %1, %2;";
    const string ToBFloat16 = "cvt.rn.bf16x2.f32 %0, %1, %2;";
    const string MultiplyFloat16 = "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};";
    const string MultiplyBFloat16 = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};";

    public static void Emit<T0, T1>(string asm, out T0 arg0, T1 arg1)
        where T0 : struct
        where T1 : struct
    {
        Require(asm, Exp2);
        float power = MathF.Pow(2, As<T1, float>(arg1));
        arg0 = As<float, T0>(float.IsSubnormal(power) ? 0 : power);
    }

    public static void Emit<T0, T1, T2>(string asm, out T0 arg0, T1 arg1, T2 arg2)
        where T0 : struct
        where T1 : struct
        where T2 : struct
    {
        float first = As<T1, float>(arg1), second = As<T2, float>(arg2);
        if (asm == Max)
        {
            arg0 = As<float, T0>(MathF.Max(first, second));
            return;
        }

        Require(asm, ToFloat16, ToBFloat16);
        arg0 = As<uint, T0>(Round(first) << 16 | Round(second));

        uint Round(float value) => asm == ToFloat16 ? BitConverter.HalfToUInt16Bits((System.Half)value) : BFloat16(value);
    }

    public static void EmitRef<T0, T1, T2, T3, T4, T5, T6, T7, T8, T9>(
        string asm, ref T0 arg0, ref T1 arg1, ref T2 arg2, ref T3 arg3, ref T4 arg4, ref T5 arg5, ref T6 arg6, ref T7 arg7, ref T8 arg8, ref T9 arg9)
        where T0 : struct, ICudaAsmEmitParameter
        where T1 : struct, ICudaAsmEmitParameter
        where T2 : struct, ICudaAsmEmitParameter
        where T3 : struct, ICudaAsmEmitParameter
        where T4 : struct, ICudaAsmEmitParameter
        where T5 : struct, ICudaAsmEmitParameter
        where T6 : struct, ICudaAsmEmitParameter
        where T7 : struct, ICudaAsmEmitParameter
        where T8 : struct, ICudaAsmEmitParameter
        where T9 : struct, ICudaAsmEmitParameter
    {
        Require(asm, MultiplyFloat16, MultiplyBFloat16);
        bool isFloat16 = asm == MultiplyFloat16;
        var own = new TileOperands { A0 = Word(arg4), A1 = Word(arg5), A2 = Word(arg6), A3 = Word(arg7), B0 = Word(arg8), B1 = Word(arg9) };
        KernelThread thread = KernelThread.Current;
        ReadOnlySpan<TileOperands> warp = MemoryMarshal.Cast<byte, TileOperands>(thread.Warp.ExchangeAll(thread.Lane, own, "CudaAsm.EmitRef"));

        // A lane holds two columns of two rows.
        int row = thread.Lane / 4, column = thread.Lane % 4 * 2;
        Add(ref arg0, TileOperands.Dot(isFloat16, warp, row, column));
        Add(ref arg1, TileOperands.Dot(isFloat16, warp, row, column + 1));
        Add(ref arg2, TileOperands.Dot(isFloat16, warp, row + 8, column));
        Add(ref arg3, TileOperands.Dot(isFloat16, warp, row + 8, column + 1));

        static uint Word<T>(T argument)
            where T : struct => As<T, Input<uint>>(argument).Value;

        static void Add<T>(ref T argument, float value)
            where T : struct => argument = As<Ref<float>, T>(As<T, Ref<float>>(argument).Value + value);
    }

    // To the nearest, and to the even one of two; what is not finite stays so.
    static uint BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsFinite(value) ? (bits + 0x7fff + ((bits >> 16) & 1)) >> 16 : float.IsNaN(value) ? 0x7fffu : bits >> 16;
    }

    static void Require(string asm, params ReadOnlySpan<string> instructions)
    {
        if (!instructions.Contains(asm))
            throw new NotSupportedException($"The stand-in does not know the instruction {asm}");
    }

    static TTo As<TFrom, TTo>(TFrom value)
        where TFrom : struct
        where TTo : struct => typeof(TFrom) == typeof(TTo)
            ? Unsafe.As<TFrom, TTo>(ref value)
            : throw new NotSupportedException($"The instruction takes {typeof(TTo)} where it is given {typeof(TFrom)}.");

    /// <summary>What one lane holds of A, 16 rows of 16 halves, and of B, 16 halves of 8 columns: two neighbouring ones along the 16 in each word.</summary>
    [StructLayout(LayoutKind.Sequential, Size = WarpExchange.SlotBytes)]
    struct TileOperands
    {
        public uint A0, A1, A2, A3, B0, B1;

        /// <summary>The product of a row of A and a column of B.</summary>
        public static float Dot(bool isFloat16, ReadOnlySpan<TileOperands> warp, int row, int column)
        {
            float sum = 0;
            for (int quarter = 0; quarter < 4; quarter++)
            {
                TileOperands ofRow = warp[row % 8 * 4 + quarter], ofColumn = warp[column * 4 + quarter];
                sum += Dot(row < 8 ? ofRow.A0 : ofRow.A1, ofColumn.B0) + Dot(row < 8 ? ofRow.A2 : ofRow.A3, ofColumn.B1);
            }

            return sum;

            float Dot(uint a, uint b) => Low(a) * Low(b) + Low(a >> 16) * Low(b >> 16);

            float Low(uint word) => isFloat16 ? (float)BitConverter.UInt16BitsToHalf((ushort)word) : BitConverter.UInt32BitsToSingle(word << 16);
        }
    }
}
