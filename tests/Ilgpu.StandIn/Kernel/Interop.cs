using System.Runtime.CompilerServices;

namespace ILGPU;

/// <summary>Bits as numbers.</summary>
public static class Interop
{
    public static int SizeOf<T>()
        where T : unmanaged => Unsafe.SizeOf<T>();

    public static uint FloatAsInt(float value) => BitConverter.SingleToUInt32Bits(value);

    public static float IntAsFloat(uint value) => BitConverter.UInt32BitsToSingle(value);

    public static Half IntAsFloat(ushort value) => new(BitConverter.UInt16BitsToHalf(value));
}

/// <summary>An IEEE binary16.</summary>
public readonly struct Half
{
    readonly System.Half _value;

    internal Half(System.Half value) => _value = value;

    public static implicit operator float(Half halfValue) => (float)halfValue._value;
}
