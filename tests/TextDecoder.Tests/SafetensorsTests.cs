using System.Text;
using TextDecoder.Tests.Support;
using TextDecoder.Weights;

namespace TextDecoder.Tests;

public class SafetensorsTests
{
    static SafetensorsWriter Sample() => new SafetensorsWriter()
        .Tensor("a", [2, 3], [1, 2, 3, 4, 5, 6], TensorFormat.Float32)
        .Tensor("b", [4], [0.5f, -1, 2, 3], TensorFormat.Float16)
        .Tensor("c", [2, 2], [1, 2, 3, 4], TensorFormat.BFloat16);

    static Dictionary<string, StoredTensor> Read(byte[] bytes) => Safetensors.Read(new MemoryStream(bytes));

    [Fact]
    public void Tensors_come_back_as_they_were_stored()
    {
        var tensors = Read(Sample().ToArray());
        Assert.Equal(["a", "b", "c"], tensors.Keys.Order());
        Assert.Equal([0.5f, -1, 2, 3], WeightMatrix.ReadVector(tensors["b"]));
        var row = new float[3];
        WeightMatrix.Read(tensors["a"]).CopyRow(1, row);
        Assert.Equal([4, 5, 6], row);
        row = new float[2];
        WeightMatrix.Read(tensors["c"]).CopyRow(1, row);
        Assert.Equal([3, 4], row);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}""", "stored as I64")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,12]}}""", "cannot take 12 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999],"data_offsets":[0,399996]}}""", "reaches past its end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "cannot take")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""", "cannot take")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "reaches past its end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", "lacks")]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", "lacks")]
    [InlineData("""{"a":3}""", "lacks")]
    [InlineData("""[1]""", "not laid out")]
    [InlineData("""{"a":""", "not valid JSON")]
    public void Damaged_headers_are_refused(string header, string message) =>
        Assert.Contains(message, Assert.Throws<ModelException>(() => Read(Sample().ToArray(header))).Message);

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        var bytes = Sample().ToArray();
        for (int length = 0; length < bytes.Length; length++)
            Assert.Throws<ModelException>(() => Read(bytes[..length]));
    }

    [Fact]
    public void Damaged_bytes_end_in_the_one_exception_or_in_numbers()
    {
        var bytes = Sample().ToArray();
        var random = new Random(21);
        for (int i = 0; i < 20_000; i++)
        {
            var damaged = (byte[])bytes.Clone();
            for (int flips = random.Next(1, 4); flips > 0; flips--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                foreach (var tensor in Read(damaged).Values)
                    WeightMatrix.ReadVector(tensor with { Shape = [tensor.Shape.Aggregate(1L, (a, b) => a * b)] });
            }
            catch (ModelException)
            {
            }
        }
    }

    [Fact]
    public void Shards_are_read_together()
    {
        using var directory = new TemporaryDirectory();
        directory.File("one.safetensors", new SafetensorsWriter().Tensor("a", [1], [1], TensorFormat.Float32).ToArray());
        directory.File("two.safetensors", new SafetensorsWriter().Tensor("b", [1], [2], TensorFormat.Float32).ToArray());
        directory.File("model.safetensors.index.json", """{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}""");
        var opened = new List<Stream>();
        var tensors = Safetensors.ReadDirectory(directory.Path, path =>
        {
            opened.Add(File.OpenRead(path));
            return opened[^1];
        });
        Assert.Equal([2], WeightMatrix.ReadVector(tensors["b"]));
        opened.ForEach(file => file.Dispose());
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../one.safetensors"}}""", "does not name a file beside it")]
    [InlineData("""{"weight_map":{"a":7}}""", "does not name a file beside it")]
    [InlineData("""{"weight_map":[]}""", "not laid out")]
    [InlineData("""{"weight_map":{"a":"three.safetensors"}}""", "which is not there")]
    [InlineData("""{}""", "no weight_map")]
    public void An_index_leads_to_files_beside_it_only(string index, string message)
    {
        using var directory = new TemporaryDirectory();
        directory.File("model.safetensors.index.json", Encoding.UTF8.GetBytes(index));
        var error = Assert.Throws<ModelException>(() => Safetensors.ReadDirectory(directory.Path, File.OpenRead));
        Assert.Contains(message, error.Message);
    }
}
