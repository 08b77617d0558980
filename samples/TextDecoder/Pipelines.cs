using AttentionComposer;

namespace TextDecoder;

// Each class below is a whole attention pipeline: the generator writes its kernels at compile time. A head's size and the
// head counts are part of the kernel, so every geometry is declared: add yours the same way, and to the list at the end.

// The shipped model and others of its kind: 4 query heads and 2 key/value heads of 64.

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal]
sealed partial class Dense;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, KvCache(KvFormat.Float16)]
sealed partial class DenseFloat16;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, KvCache(KvFormat.Int8)]
sealed partial class DenseInt8;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, KvCache(KvFormat.BFloat16)]
sealed partial class DenseBFloat16;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SlidingWindow(256)]
sealed partial class Window;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SlidingWindow(256), Sinks(4)]
sealed partial class WindowAndSinks;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SoftCap(50f)]
sealed partial class SoftCapped;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, Alibi]
sealed partial class WithAlibi;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SparQ(Rank = 16, TopK = 64)]
sealed partial class SparQ;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, TopK(64)]
sealed partial class ExactTopK;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, Pages(Size = 16, Count = 4)]
sealed partial class PageSelection;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, HeavyHitters(Budget = 64)]
sealed partial class HeavyHitters;

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, DoubleSparsity(Rank = 16, TopK = 64)]
sealed partial class LabelSelection(int[] channels) : ICalibrated
{
    [LabelChannels] readonly int[] _channels = channels;

    public IAttention With(int[] channels) => new LabelSelection(channels);
}

[Attention(HeadDim = 64, QueryHeads = 4, KeyValueHeads = 2)]
[Causal, SlidingWindow(60), Sinks(4)]
sealed partial class Local;

// SmolLM2-135M: 9 query heads and 3 key/value heads of 64.

[Attention(HeadDim = 64, QueryHeads = 9, KeyValueHeads = 3)]
[Causal]
sealed partial class SmolDense;

[Attention(HeadDim = 64, QueryHeads = 9, KeyValueHeads = 3)]
[Causal, KvCache(KvFormat.Float16)]
sealed partial class SmolDenseFloat16;

[Attention(HeadDim = 64, QueryHeads = 9, KeyValueHeads = 3)]
[Causal, KvCache(KvFormat.Int8)]
sealed partial class SmolDenseInt8;

[Attention(HeadDim = 64, QueryHeads = 9, KeyValueHeads = 3)]
[Causal, SlidingWindow(1024), Sinks(4)]
sealed partial class SmolWindowAndSinks;

[Attention(HeadDim = 64, QueryHeads = 9, KeyValueHeads = 3)]
[Causal, SparQ(Rank = 16, TopK = 128)]
sealed partial class SmolSparQ;

// TinyLlama-1.1B: 32 query heads and 4 key/value heads of 64.

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 4)]
[Causal]
sealed partial class TinyDense;

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 4)]
[Causal, KvCache(KvFormat.Float16)]
sealed partial class TinyDenseFloat16;

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 4)]
[Causal, KvCache(KvFormat.Int8)]
sealed partial class TinyDenseInt8;

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 4)]
[Causal, SlidingWindow(1024), Sinks(4)]
sealed partial class TinyWindowAndSinks;

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 4)]
[Causal, SparQ(Rank = 16, TopK = 128)]
sealed partial class TinySparQ;

// Llama 3.2 1B: 32 query heads and 8 key/value heads of 64.

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8)]
[Causal]
sealed partial class Llama1BDense;

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, KvCache(KvFormat.Float16)]
sealed partial class Llama1BDenseFloat16;

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, KvCache(KvFormat.Int8)]
sealed partial class Llama1BDenseInt8;

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SlidingWindow(4096), Sinks(4)]
sealed partial class Llama1BWindowAndSinks;

[Attention(HeadDim = 64, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SparQ(Rank = 16, TopK = 128)]
sealed partial class Llama1BSparQ;

// Llama 3 8B and 3.1 8B: 32 query heads and 8 key/value heads of 128.

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal]
sealed partial class Llama8BDense;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, KvCache(KvFormat.Float16)]
sealed partial class Llama8BDenseFloat16;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, KvCache(KvFormat.Int8)]
sealed partial class Llama8BDenseInt8;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SlidingWindow(4096), Sinks(4)]
sealed partial class Llama8BWindowAndSinks;

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
[Causal, SparQ(Rank = 32, TopK = 128)]
sealed partial class Llama8BSparQ;

/// <summary>What <c>--attention</c> chooses from.</summary>
static class Pipelines
{
    /// <summary>The one without <c>--attention</c>.</summary>
    public const string Default = "dense";

    /// <summary>Name, what the help says, attributes, and one instance for each geometry.</summary>
    static readonly Pipeline[] _all =
    [
        new(Default, "all positions, cache in float32", "[Causal]",
            [new Dense(), new SmolDense(), new TinyDense(), new Llama1BDense(), new Llama8BDense()]),
        new("dense-f16", "all positions, cache in float16", "[Causal, KvCache(KvFormat.Float16)]",
            [new DenseFloat16(), new SmolDenseFloat16(), new TinyDenseFloat16(), new Llama1BDenseFloat16(), new Llama8BDenseFloat16()]),
        new("dense-bf16", "all positions, cache in bfloat16", "[Causal, KvCache(KvFormat.BFloat16)]", [new DenseBFloat16()]),
        new("dense-int8", "all positions, cache in 8-bit integers with a scale a row", "[Causal, KvCache(KvFormat.Int8)]",
            [new DenseInt8(), new SmolDenseInt8(), new TinyDenseInt8(), new Llama1BDenseInt8(), new Llama8BDenseInt8()]),
        new("window", "the last 256 positions", "[Causal, SlidingWindow(256)]", [new Window()]),
        new("window-sinks", "the last 256 positions (1024 or 4096 in larger models) and the first 4", "[Causal, SlidingWindow(256), Sinks(4)]",
            [new WindowAndSinks(), new SmolWindowAndSinks(), new TinyWindowAndSinks(), new Llama1BWindowAndSinks(), new Llama8BWindowAndSinks()]),
        new("softcap", "all positions, scores capped at 50", "[Causal, SoftCap(50f)]", [new SoftCapped()]),
        new("sparq", "a quarter of the channels of all positions, and 64 positions (128 in larger models) in full", "[Causal, SparQ(Rank = 16, TopK = 64)]",
            [new SparQ(), new SmolSparQ(), new TinySparQ(), new Llama1BSparQ(), new Llama8BSparQ()]),
        new("topk", "the 64 positions with the best scores", "[Causal, TopK(64)]", [new ExactTopK()]),
        new("pages", "the 4 pages of 16 positions whose bounds are best", "[Causal, Pages(Size = 16, Count = 4)]", [new PageSelection()]),
        new("h2o", "the 64 positions that have received most attention so far, and the last", "[Causal, HeavyHitters(Budget = 64)]", [new HeavyHitters()]),
        new("double-sparsity", "a quarter of the channels of all positions, the same for every query, and 64 positions in full",
            "[Causal, DoubleSparsity(Rank = 16, TopK = 64)]", [new LabelSelection([])]),
        new("local", "the last 60 positions and the first 4", "[Causal, SlidingWindow(60), Sinks(4)]", [new Local()]),
        new("alibi", "all positions, scores falling with distance", "[Causal, Alibi]", [new WithAlibi()]),
    ];

    /// <summary>The names, in the order of the help.</summary>
    public static IEnumerable<string> Names => _all.Select(pipeline => pipeline.Name);

    /// <summary>One line for each name.</summary>
    public static string Help => string.Join('\n', _all.Select(pipeline => $"  {pipeline.Name,-15} {pipeline.Summary}"));

    /// <summary>The pipeline of that name for a model's heads.</summary>
    /// <exception cref="CommandException">There is none; the message says what to declare.</exception>
    public static IAttention Find(string name, AttentionShape shape)
    {
        var named = Array.Find(_all, pipeline => pipeline.Name == name)
            ?? throw new CommandException($"There is no attention '{name}'; there are {string.Join(", ", Names)}.");
        return Array.Find(named.Instances, attention => attention.Shape == shape)
            ?? throw new CommandException(
                $"""
                No '{name}' attention is declared for this model's {shape}; add it to Pipelines.cs and to the list at its end:

                    [Attention(HeadDim = {shape.HeadDim}, QueryHeads = {shape.QueryHeads}, KeyValueHeads = {shape.KeyValueHeads})]
                    {named.Attributes}
                    sealed partial class MyAttention;
                """);
    }

    sealed record Pipeline(string Name, string Summary, string Attributes, IAttention[] Instances);
}
