namespace AttentionComposer.Generators.Tests;

/// <summary>Generated files as a person has read them. Each is also compiled, by <see cref="GeneratorRun"/>.</summary>
public sealed class SnapshotTests
{
    [Fact]
    public void Dense() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8)]
        public sealed partial class Dense;
        """).Text);

    [Fact]
    public void CausalGrouped() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
        [Causal]
        [KvCache(KvFormat.Float16)]
        public sealed partial class CausalGrouped;
        """).Text);

    /// <summary>Rows with scales: a key's goes into its score, a value's into its weight.</summary>
    [Fact]
    public void CausalInt8() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
        [Causal]
        [KvCache(KvFormat.Int8)]
        public sealed partial class CausalInt8;
        """).Text);

    [Fact]
    public void EverythingOverARing() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
        [Causal, SlidingWindow(4096), Sinks(4), Alibi, SoftCap(50f)]
        public sealed partial class EverythingOverARing;
        """).Text);

    /// <summary>Star is bounds and a cut, which the driver makes: the kernels are those of a causal pipeline.</summary>
    [Fact]
    public void StarContext() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
        [Causal, Star(BlockSize = 4096, AnchorSize = 1024)]
        public sealed partial class StarContext;
        """).Text);

    /// <summary>A head size that is no multiple of the widest vector, groups of 5, a scale, nesting, and the global namespace.</summary>
    [Fact]
    public void NestedOddSizes() => Snapshot.Verify(GeneratorRun.Of(
        """
        partial class Outer
        {
            internal partial record struct Inner
            {
                [Attention(HeadDim = 80, QueryHeads = 5, KeyValueHeads = 1), Causal, Scale(0.05f), KvCache(KvFormat.BFloat16)]
                partial class Pipeline;
            }
        }
        """).Text);

    /// <summary>A selection whose groups share a choice and whose cache keeps a second copy of the keys.</summary>
    [Fact]
    public void SparQGrouped() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
        [Causal, Alibi, SparQ(Rank = 32, TopK = 128, Reallocation = SparQReallocation.Always)]
        [KvCache(KvFormat.Float16)]
        public sealed partial class SparQGrouped;
        """).Text);

    /// <summary>A selection by the past: keys are evicted before a step and receive its weights afterwards; a prefill gives its own in a second pass.</summary>
    [Fact]
    public void HeavyHittersGrouped() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
        [Causal, SoftCap(30f), HeavyHitters(Budget = 256)]
        [KvCache(KvFormat.Float16)]
        public sealed partial class HeavyHittersGrouped;
        """).Text);

    /// <summary>SparQ's scorer with channels from a field of the pipeline.</summary>
    [Fact]
    public void DoubleSparsityGrouped() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
        [Causal, DoubleSparsity(Rank = 16, TopK = 128)]
        public sealed partial class DoubleSparsityGrouped(int[] channels)
        {
            [LabelChannels] readonly int[] _channels = channels;
        }
        """).Text);

    /// <summary>A mask and scores beside a selection: candidates and chosen keys go through the same functions, tables are read by position and by list.</summary>
    [Fact]
    public void SparQWithFunctions() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 8)]
        [Causal, SparQ(Rank = 16, TopK = 64)]
        sealed partial class SparQWithFunctions(int[] document, float[] bias)
        {
            readonly int[] _document = document;
            readonly float[] _bias = bias;

            [Mask]  bool SameDocument(int query, int key) => _document[query] == _document[key];
            [Score] float Biased(float score, int query, int key) => score + _bias[query - key];
        }
        """).Text);

    /// <summary>Pages by head: a bound for each page, and a choice for each query head.</summary>
    [Fact]
    public void PagesByHead() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
        [Causal, SoftCap(30f), Pages(Size = 16, Count = 32, PerHead = true)]
        public sealed partial class PagesByHead;
        """).Text);
}
