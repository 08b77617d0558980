using TextDecoder.Tests.Support;
using TextDecoder.Weights;

namespace TextDecoder.Tests;

public class GgufTests
{
    /// <summary>A file with every kind of value and tensor.</summary>
    static GgufWriter Sample() => new GgufWriter()
        .Set("u8", (byte)200).Set("i8", (sbyte)-3).Set("u16", (ushort)60000).Set("i16", (short)-300)
        .Set("u32", 4000000000u).Set("i32", -7).Set("f32", 0.5f).Set("flag", true).Set("text", "grüße")
        .Set("u64", 5ul).Set("i64", -5L).Set("f64", 0.25)
        .Set("texts", (string[])["a", "", "ä"]).Set("numbers", (int[])[1, -2, 3])
        .Set("floats", (float[])[0.5f, 1.5f]).Set("flags", (bool[])[true, false])
        .Tensor("m", [3, 32], [.. Enumerable.Range(0, 96).Select(i => i / 8f)], TensorFormat.Float32)
        .Tensor("h", [2, 5], [.. Enumerable.Range(0, 10).Select(i => i - 4.5f)], TensorFormat.Float16)
        .Tensor("b", [5], [1, 2, 3, 4, 5], TensorFormat.BFloat16)
        .Tensor("q", [2, 64], [.. Enumerable.Range(0, 128).Select(i => MathF.Sin(i))], TensorFormat.Q8_0);

    static Gguf Read(byte[] bytes) => new(new MemoryStream(bytes));

    [Fact]
    public void Every_kind_of_value_is_read()
    {
        var file = Read(Sample().ToArray());
        Assert.Equal([200, -3, 60000, -300, 4000000000, -7, 5, -5],
            new[] { "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64" }.Select(key => file.Integer(key)));
        Assert.Equal(0.5, file.Number("f32"));
        Assert.Equal(0.25, file.Number("f64"));
        Assert.True(file.Flag("flag", false));
        Assert.Equal("grüße", file.Text("text"));
        Assert.Equal(["a", "", "ä"], file.Array<string>("texts")!);
        Assert.Equal([1L, -2, 3], file.Array<long>("numbers")!);
        Assert.Equal([0.5, 1.5], file.Array<double>("floats")!);
        Assert.Equal([true, false], file.Array<bool>("flags")!);
        Assert.Equal(7, file.Integer("absent", 7));
        Assert.Null(file.Array<long>("absent"));
    }

    [Fact]
    public void Tensors_come_back_as_they_were_stored()
    {
        var file = Read(Sample().ToArray());
        Assert.Equal([3L, 32L], file.Tensors["m"].Shape);
        float[] sines = [.. Enumerable.Range(0, 128).Select(i => MathF.Sin(i))];
        foreach (var (name, expected) in new Dictionary<string, float[]>
        {
            ["m"] = [.. Enumerable.Range(0, 96).Select(i => i / 8f)],
            ["h"] = [.. Enumerable.Range(0, 10).Select(i => i - 4.5f)],
            ["b"] = [1, 2, 3, 4, 5],
            ["q"] = StoredNumbers.Decode(StoredNumbers.Encode(sines, TensorFormat.Q8_0), TensorFormat.Q8_0),
        })
            Assert.Equal(expected, Numbers(file.Tensors[name]));
    }

    [Fact]
    public void A_wrong_kind_or_a_missing_value_is_named()
    {
        var file = Read(Sample().ToArray());
        Assert.Contains("'text'", Assert.Throws<ModelException>(() => file.Integer("text")).Message);
        Assert.Contains("'u8'", Assert.Throws<ModelException>(() => file.Text("u8")).Message);
        Assert.Contains("'texts'", Assert.Throws<ModelException>(() => file.Array<long>("texts")).Message);
        Assert.Contains("'absent'", Assert.Throws<ModelException>(() => file.Number("absent")).Message);
    }

    [Fact]
    public void Other_versions_and_tensor_types_are_refused_by_name()
    {
        var old = Sample();
        old.Version = 1;
        Assert.Contains("version 1", Assert.Throws<ModelException>(() => Read(old.ToArray())).Message);
        var quantised = Sample().Retype("m", 12);
        Assert.Contains("'m' is stored as Q4_K", Assert.Throws<ModelException>(() => Read(quantised.ToArray())).Message);
        Assert.Contains("does not begin with 'GGUF'", Assert.Throws<ModelException>(() => Read("GGML1234"u8.ToArray())).Message);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        var bytes = Sample().ToArray();
        for (int length = 0; length < bytes.Length; length++)
            Assert.Throws<ModelException>(() => Read(bytes[..length]));
    }

    [Theory]
    [InlineData(8)]   // number of tensors
    [InlineData(16)]  // number of values
    [InlineData(24)]  // length of the first key
    public void Absurd_counts_are_refused_before_memory_is_taken_for_them(int place)
    {
        foreach (long count in (long[])[long.MaxValue, 1L << 40, -1, 1 << 30])
        {
            var bytes = Sample().ToArray();
            BitConverter.TryWriteBytes(bytes.AsSpan(place), count);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<ModelException>(() => Read(bytes));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    [Fact]
    public void Damaged_bytes_end_in_the_one_exception_or_in_numbers()
    {
        var bytes = Sample().ToArray();
        var random = new Random(20);
        for (int i = 0; i < 20_000; i++)
        {
            var damaged = (byte[])bytes.Clone();
            for (int flips = random.Next(1, 4); flips > 0; flips--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                foreach (var tensor in Read(damaged).Tensors.Values)
                    Numbers(tensor);
            }
            catch (ModelException)
            {
            }
        }
    }

    static float[] Numbers(StoredTensor tensor)
    {
        long count = tensor.Shape.Aggregate(1L, (a, b) => a * b);
        return WeightMatrix.ReadVector(tensor with { Shape = [count] });
    }
}
