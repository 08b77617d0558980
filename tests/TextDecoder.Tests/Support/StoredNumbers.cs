using System.Buffers.Binary;
using TextDecoder.Weights;

namespace TextDecoder.Tests.Support;

/// <summary>Numbers to a file's bytes and back, written apart from the code under test.</summary>
static class StoredNumbers
{
    public static byte[] Encode(float[] values, TensorFormat format)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        switch (format)
        {
            case TensorFormat.Float32:
                foreach (float value in values)
                    writer.Write(value);
                break;
            case TensorFormat.Float16:
                foreach (float value in values)
                    writer.Write((Half)value);
                break;
            case TensorFormat.BFloat16:
                foreach (float value in values)
                    writer.Write((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
                break;
            case TensorFormat.Q8_0:
                foreach (var block in values.Chunk(32))
                {
                    float scale = block.Max(Math.Abs) / 127;
                    writer.Write((Half)scale);
                    foreach (float value in block)
                        writer.Write((sbyte)(scale == 0 ? 0 : Math.Clamp(MathF.Round(value / scale), -127, 127)));
                }

                break;
        }

        return stream.ToArray();
    }

    public static float[] Decode(byte[] bytes, TensorFormat format) => format switch
    {
        TensorFormat.Float32 => [.. bytes.Chunk(4).Select(b => BinaryPrimitives.ReadSingleLittleEndian(b))],
        TensorFormat.Float16 => [.. bytes.Chunk(2).Select(b => (float)BinaryPrimitives.ReadHalfLittleEndian(b))],
        TensorFormat.BFloat16 => [.. bytes.Chunk(2).Select(b => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(b) << 16))],
        _ => [.. bytes.Chunk(34).SelectMany(b => b.Skip(2).Select(q => (sbyte)q * (float)BinaryPrimitives.ReadHalfLittleEndian(b)))],
    };
}
