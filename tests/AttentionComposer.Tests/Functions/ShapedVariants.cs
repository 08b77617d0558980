using AttentionComposer;
using AttentionGym;

namespace AttentionComposer.Tests.Functions.Declared;

/// <summary>The kinds of loads and masks once more, each at another head size, group and format than the Gym's 8/2 heads of 64 in float32.</summary>
public static class ShapedVariants
{
    static readonly OrderedDictionary<string, Func<int, Variant>> s_byName = new()
    {
        [nameof(Documents8x8Of80F16)] = positions => Make(new Documents8x8Of80F16(DocumentsOf(positions)), it => (head, query, key) => it.Visible(query, key)),
        [nameof(Strided32x8Of128BF16)] = _ => Make(new Strided32x8Of128BF16(), _ => Strided32x8Of128BF16.Visible),
        [nameof(Distances8x8Of128)] = positions => Make(new Distances8x8Of128(TableOf(positions)), null, it => (score, head, query, key) => it.Biased(score, query, key)),
        [nameof(Buckets32x8Of80)] = _ => Make(new Buckets32x8Of80(TableOf(8 * 32)), null, it => it.Biased),
        [nameof(Keys12x4Of128F16)] = positions => Make(
            new Keys12x4Of128F16(TableOf(positions), positions / 3), it => (head, query, key) => it.Visible(query, key), it => (score, head, query, key) => it.Biased(score, key)),
        [nameof(CappedSinks5x1Of80BF16)] = _ => Make(new CappedSinks5x1Of80BF16(TableOf(5)), null, it => (score, head, query, key) => CappedSinks5x1Of80BF16.Capped(score), TableOf(5)),
        [nameof(CappedSinks5x1Of80I8)] = _ => Make(new CappedSinks5x1Of80I8(TableOf(5)), null, it => (score, head, query, key) => CappedSinks5x1Of80I8.Capped(score), TableOf(5)),
        [nameof(Documents8x2Of80I8)] = positions => Make(
            new Documents8x2Of80I8(DocumentsOf(positions), TableOf(positions)), it => (head, query, key) => it.Visible(query, key), it => (score, head, query, key) => it.Biased(score, key)),
    };

    public static IEnumerable<string> Names => s_byName.Keys;

    public static Variant Of(string name, int positions) => s_byName[name](positions);

    static Variant Make<T>(
        T attention, Func<T, Func<int, int, int, bool>>? mask, Func<T, Func<float, int, int, int, float>>? score = null, float[]? sinks = null)
        where T : IAttention => new(attention) { Mask = mask?.Invoke(attention), Score = score?.Invoke(attention), SinkLogits = sinks ?? [] };

    static int[] DocumentsOf(int positions) => [.. Enumerable.Range(0, positions).Select(i => i * 5 / positions)];

    static float[] TableOf(int count) => [.. Enumerable.Range(0, count).Select(i => 2 * MathF.Sin(i))];
}

[Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), KvCache(KvFormat.Float16)]
public sealed partial class Documents8x8Of80F16(int[] document)
{
    readonly int[] _document = document;

    [Mask] public bool Visible(int query, int key) => key <= query && _document[query] == _document[key];
}

[Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8), Causal, KvCache(KvFormat.BFloat16)]
public sealed partial class Strided32x8Of128BF16
{
    [Mask] public static bool Visible(int head, int query, int key) => (query - key) % 8 == head % 8 || query - key < 4;
}

[Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 8), Causal]
public sealed partial class Distances8x8Of128(float[] table)
{
    readonly float[] _table = table;

    [Score] public float Biased(float score, int query, int key) => score + _table[query - key];
}

[Attention(HeadDim = 80, QueryHeads = 32, KeyValueHeads = 8)]
public sealed partial class Buckets32x8Of80(float[] table)
{
    readonly float[] _table = table;

    [Score] public float Biased(float score, int head, int query, int key) => score + _table[Math.Min(7, Math.Abs(query - key) / 16) * 32 + head];
}

[Attention(HeadDim = 128, QueryHeads = 12, KeyValueHeads = 4), KvCache(KvFormat.Float16)]
public sealed partial class Keys12x4Of128F16(float[] table, int prefix)
{
    readonly float[] _table = table;
    readonly int _prefix = prefix;

    [Mask] public bool Visible(int query, int key) => key <= query || key < _prefix;

    [Score] public float Biased(float score, int key) => score + _table[key];
}

[Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 1), Causal, SlidingWindow(100), KvCache(KvFormat.BFloat16)]
public sealed partial class CappedSinks5x1Of80BF16(float[] sinks)
{
    [SinkLogits] readonly float[] _sinks = sinks;

    [Score] public static float Capped(float score) => 2 * MathF.Tanh(score / 2);
}

[Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 1), Causal, SlidingWindow(100), KvCache(KvFormat.Int8)]
public sealed partial class CappedSinks5x1Of80I8(float[] sinks)
{
    [SinkLogits] readonly float[] _sinks = sinks;

    [Score] public static float Capped(float score) => 2 * MathF.Tanh(score / 2);
}

/// <summary>Fields with the names that kernels have for the scales of rows.</summary>
[Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), KvCache(KvFormat.Int8)]
public sealed partial class Documents8x2Of80I8(int[] document, float[] table)
{
    readonly int[] keyScales = document;
    readonly float[] valueScales = table;

    [Mask] public bool Visible(int query, int key) => key <= query && keyScales[query] == keyScales[key];

    [Score] public float Biased(float score, int key) => score + valueScales[key];
}
