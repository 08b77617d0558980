namespace AttentionComposer.Tests.Selection;

/// <summary>The pipelines of the golden cases <c>double_sparsity</c>; a name lists its parameters. The channels come from each case's calibration.</summary>
static partial class GoldenDoubleSparsityPipelines
{
    /// <summary>A pipeline that takes its channels after it was made.</summary>
    public interface ILabelled : IAttention
    {
        int[] Channels { set; }
    }

    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, DoubleSparsity(Rank = 8, TopK = 64)]
    public sealed partial class LabelsOf128x8x2R8N64F32 : ILabelled
    {
        [LabelChannels] int[] _channels = new int[16];

        public int[] Channels { set => _channels = value; }
    }

    [Attention(HeadDim = 128, QueryHeads = 8, KeyValueHeads = 2), Causal, DoubleSparsity(Rank = 8, TopK = 64), KvCache(KvFormat.Float16)]
    public sealed partial class LabelsOf128x8x2R8N64F16 : ILabelled
    {
        [LabelChannels] int[] _channels = new int[16];

        public int[] Channels { set => _channels = value; }
    }

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, DoubleSparsity(Rank = 8, TopK = 12)]
    public sealed partial class LabelsOf64x8x2R8N12F32 : ILabelled
    {
        [LabelChannels] int[] _channels = new int[16];

        public int[] Channels { set => _channels = value; }
    }

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, DoubleSparsity(Rank = 8, TopK = 12, PerHead = true)]
    public sealed partial class LabelsOf64x8x2R8N12PerHeadF32 : ILabelled
    {
        [LabelChannels] int[] _channels = new int[16];

        public int[] Channels { set => _channels = value; }
    }

    [Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, DoubleSparsity(Rank = 8, TopK = 12, PerHead = true), KvCache(KvFormat.Float16)]
    public sealed partial class LabelsOf64x8x2R8N12PerHeadF16 : ILabelled
    {
        [LabelChannels] int[] _channels = new int[16];

        public int[] Channels { set => _channels = value; }
    }

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 2), Causal, DoubleSparsity(Rank = 10, TopK = 32)]
    public sealed partial class LabelsOf80x8x2R10N32F32 : ILabelled
    {
        [LabelChannels] int[] _channels = new int[20];

        public int[] Channels { set => _channels = value; }
    }

    [Attention(HeadDim = 80, QueryHeads = 8, KeyValueHeads = 8), Causal, DoubleSparsity(Rank = 10, TopK = 8, PerHead = true)]
    public sealed partial class LabelsOf80x8x8R10N8PerHeadF32 : ILabelled
    {
        [LabelChannels] int[] _channels = new int[80];

        public int[] Channels { set => _channels = value; }
    }
}
