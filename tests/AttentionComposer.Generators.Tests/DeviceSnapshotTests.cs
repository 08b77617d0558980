namespace AttentionComposer.Generators.Tests;

/// <summary>Kernels for devices as a person has read them. The declarations of all other tests are compiled for devices too, by <see cref="GeneratorRun"/>.</summary>
public sealed class DeviceSnapshotTests
{
    /// <summary>Four query heads share each row; a warp reads two rows at a time.</summary>
    [Fact]
    public void CausalGrouped() => Snapshot.Verify(GeneratorRun.OnDevice(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
        [Causal]
        [KvCache(KvFormat.Float16)]
        public sealed partial class CausalGrouped;
        """).DeviceText);

    /// <summary>Two intervals of keys, a table of slopes, and a row of keys that fills a warp.</summary>
    [Fact]
    public void WindowWithSinks() => Snapshot.Verify(GeneratorRun.OnDevice(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 8)]
        [Causal, SlidingWindow(4096), Sinks(4), Alibi, SoftCap(50f)]
        public sealed partial class WindowWithSinks;
        """).DeviceText);

    /// <summary>Functions over captured tables, of which one is checked while the kernel runs.</summary>
    [Fact]
    public void PackedDocuments() => Snapshot.Verify(GeneratorRun.OnDevice(
        """
        namespace Decoder;

        [Attention(HeadDim = 64, QueryHeads = 12, KeyValueHeads = 12)]
        [KvCache(KvFormat.BFloat16)]
        public sealed partial class PackedDocuments(int[] document, float[] slopes)
        {
            readonly int[] _document = document;
            readonly float[] _slopes = slopes;

            [Score] float Alibi(float score, int head, int query, int key) => score + _slopes[head] * (key - query);
            [Mask] bool Visible(int query, int key) => key <= query && _document[query] == _document[key];
        }
        """).DeviceText);

    /// <summary>More rows than one warp computes, rows that no power of 2 divides, a row that ends before the warp does, and weights that nothing divides.</summary>
    [Fact]
    public void ManyHeadsOfOddSize() => Snapshot.Verify(GeneratorRun.OnDevice(
        """
        namespace Decoder;

        public partial struct Layers
        {
            [Attention(HeadDim = 200, QueryHeads = 18, KeyValueHeads = 2)]
            [Causal, Normalizer(Normalization.Sigmoid)]
            public sealed partial class ManyHeadsOfOddSize;
        }
        """).DeviceText);

    /// <summary>A scorer over whole keys beside a mask and a score by head; two rows of a thread's own.</summary>
    [Fact]
    public void TopKWithFunctions() => Snapshot.Verify(GeneratorRun.OnDevice(
        """
        namespace Decoder;

        [Attention(HeadDim = 64, QueryHeads = 12, KeyValueHeads = 2)]
        [Causal, TopK(128, Remainder = TopKRemainder.Spread)]
        [KvCache(KvFormat.Float16)]
        public sealed partial class TopKWithFunctions(int[] document, float[] slopes)
        {
            readonly int[] _document = document;
            readonly float[] _slopes = slopes;

            [Score] float Distance(float score, int head, int query, int key) => score + _slopes[head] * (key - query);
            [Mask] bool SameDocument(int query, int key) => _document[query] == _document[key];
        }
        """).DeviceText);

    /// <summary>A scorer over columns of keys, and a decode kernel that takes its keys from a list. The window makes two intervals of candidates.</summary>
    [Fact]
    public void SparQOverAWindow() => Snapshot.Verify(GeneratorRun.OnDevice(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 24, KeyValueHeads = 8)]
        [Causal, SlidingWindow(8192), Sinks(4)]
        [SparQ(Rank = 30, TopK = 128, Local = 64)]
        [KvCache(KvFormat.Float16)]
        public sealed partial class SparQOverAWindow;
        """).DeviceText);

    /// <summary>Weights summed over queries, for the keys of a list or for all; a score that knows head and distance.</summary>
    [Fact]
    public void HeavyHittersWithSlopes() => Snapshot.Verify(GeneratorRun.OnDevice(
        """
        namespace Decoder;

        [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
        [Causal, Alibi, HeavyHitters(Budget = 128)]
        [KvCache(KvFormat.BFloat16)]
        public sealed partial class HeavyHittersWithSlopes;
        """).DeviceText);

    /// <summary>Bounds of pages, as the newest key of each would score; pages of other documents are left out.</summary>
    [Fact]
    public void PagesOfDocuments() => Snapshot.Verify(GeneratorRun.OnDevice(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 24, KeyValueHeads = 8)]
        [Causal, SlidingWindow(8192), Sinks(4), Alibi]
        [Pages(Size = 16, Count = 64)]
        [KvCache(KvFormat.Float16)]
        public sealed partial class PagesOfDocuments(int[] document)
        {
            readonly int[] _document = document;

            [Mask] bool SameDocument(int query, int key) => _document[query] == _document[key];
        }
        """).DeviceText);
}
