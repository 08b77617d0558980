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

    [Fact]
    public void EverythingOverARing() => Snapshot.Verify(GeneratorRun.Of(
        """
        namespace Decoder;

        [Attention(HeadDim = 128, QueryHeads = 32, KeyValueHeads = 8)]
        [Causal, SlidingWindow(4096), Sinks(4), Alibi, SoftCap(50f)]
        public sealed partial class EverythingOverARing;
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
}
