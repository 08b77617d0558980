using System.Reflection;
using TextDecoder.Text;

namespace TextDecoder.Weights;

/// <summary>A model ready to decode with.</summary>
sealed record LlamaModel(string Name, LlamaConfig Config, LlamaWeights Weights, ITokenizer Tokenizer)
{
    const string EmbeddedName = "dotnet-docs.gguf";
    const int BufferSize = 1 << 18;

    /// <summary>The model inside this program, trained on the .NET API documentation.</summary>
    /// <exception cref="ModelException">This build has none.</exception>
    public static LlamaModel ReadEmbedded()
    {
        using var file = Assembly.GetExecutingAssembly().GetManifestResourceStream(EmbeddedName)
            ?? throw new ModelException("This build of the sample holds no model; name one with --model.");
        return ReadGguf(EmbeddedName, file);
    }

    /// <summary>Reads a GGUF file, a safetensors file with its config.json beside it, or a directory of the latter.</summary>
    /// <exception cref="ModelException">There is no such model, it is damaged, or it is of a kind that is not run.</exception>
    public static LlamaModel Read(string path)
    {
        if (Directory.Exists(path))
            return ReadSafetensors(path, open => Safetensors.ReadDirectory(path, open));
        if (!File.Exists(path))
            throw new ModelException($"There is no model at '{path}'.");

        using var file = Open(path);
        Span<byte> start = stackalloc byte[Gguf.Magic.Length];
        if (file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual(Gguf.Magic))
        {
            file.Position = 0;
            return ReadGguf(Path.GetFileName(path), file);
        }

        if (Path.GetExtension(path) == ".safetensors")
            return ReadSafetensors(Path.GetDirectoryName(Path.GetFullPath(path))!, open => Safetensors.Read(open(path)));
        throw new ModelException($"'{path}' is neither a GGUF file (it does not begin with 'GGUF') nor a .safetensors file.");
    }

    /// <summary>Reads a GGUF file.</summary>
    /// <param name="name">What to call the model where it does not say.</param>
    /// <param name="stream">The file, readable and seekable.</param>
    /// <exception cref="ModelException">The file is damaged, or its model is of a kind that is not run.</exception>
    public static LlamaModel ReadGguf(string name, Stream stream)
    {
        var file = new Gguf(stream);
        var config = LlamaConfig.Read(file);
        var tokenizer = FitTokenizer(GgufTokenizer.Read(file), config);
        var weights = LlamaWeights.Read(config, file.Tensors, TensorNames.Gguf, interleaved: true);
        return new LlamaModel(file.Text("general.name", name), config, weights, tokenizer);
    }

    static LlamaModel ReadSafetensors(string directory, Func<Func<string, Stream>, Dictionary<string, StoredTensor>> read)
    {
        string configPath = Path.Combine(directory, "config.json");
        if (!File.Exists(configPath))
            throw new ModelException($"There is no config.json in '{directory}'.");
        var (config, tokenizer) = UntrustedJson.Read(File.ReadAllBytes(configPath), $"'{configPath}'", json =>
        {
            var config = LlamaConfig.Read(json);
            return (config, FitTokenizer(JsonTokenizer.Read(directory, json, config.VocabularySize), config));
        });

        var opened = new List<Stream>();
        try
        {
            var tensors = read(path =>
            {
                opened.Add(Open(path));
                return opened[^1];
            });
            var weights = LlamaWeights.Read(config, tensors, TensorNames.HuggingFace, interleaved: false);
            return new LlamaModel(Path.GetFileName(Path.TrimEndingDirectorySeparator(directory)), config, weights, tokenizer);
        }
        finally
        {
            opened.ForEach(file => file.Dispose());
        }
    }

    /// <summary>Embeddings may be padded beyond the vocabulary, but each token needs one.</summary>
    static ITokenizer FitTokenizer(ITokenizer tokenizer, LlamaConfig config) =>
        tokenizer.VocabularySize <= config.VocabularySize
            ? tokenizer
            : throw new ModelException(
                $"The tokenizer has {tokenizer.VocabularySize} tokens, but the model has embeddings for {config.VocabularySize} only.");

    static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize);
}
