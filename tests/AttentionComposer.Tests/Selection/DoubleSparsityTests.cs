using AttentionComposer.Kernels;

namespace AttentionComposer.Tests.Selection;

/// <summary>Calibration, and what becomes of wrong channels; <see cref="SelectionTests"/> covers the rest.</summary>
public sealed partial class DoubleSparsityTests
{
    static readonly AttentionShape s_shape = new(HeadDim: 32, QueryHeads: 4, KeyValueHeads: 2);

    [Fact]
    public void CalibrationFindsTheChannelsThatMatter()
    {
        Sequence sequence = Sequence.Random(s_shape, positions: 50, rows: 50, seed: 1);
        foreach (int token in Enumerable.Range(0, 50))
        {
            sequence.Keys[token * s_shape.KeyValueWidth + 5] *= 9;          // of the first head
            sequence.Queries[token * s_shape.QueryWidth + 32 + 17] *= 20;   // of one query head of its group
            sequence.Keys[token * s_shape.KeyValueWidth + 32 + 2] *= 9;     // of the second
        }

        int[] channels = DoubleSparsity.Calibrate(sequence.Queries, sequence.Keys, s_shape, rank: 2);
        Assert.Equal([5, 17], channels[..2]);
        Assert.Contains(2, channels[2..]);
        Assert.Equal([.. Enumerable.Range(0, 32), .. Enumerable.Range(0, 32)], DoubleSparsity.Calibrate(sequence.Queries, sequence.Keys, s_shape, rank: 99));
    }

    [Fact]
    public void OfEqualChannelsTheLowerStay() =>
        Assert.Equal([0, 1, 2, 0, 1, 2], DoubleSparsity.Calibrate(new float[s_shape.QueryWidth], new float[s_shape.KeyValueWidth], s_shape, rank: 3));

    [Fact]
    public void CalibrationRefusesWhatItCannotRank()
    {
        Assert.Throws<ArgumentOutOfRangeException>("rank", () => DoubleSparsity.Calibrate(new float[128], new float[64], s_shape, rank: 0));
        Assert.Throws<ArgumentException>("keys", () => DoubleSparsity.Calibrate(new float[128], new float[63], s_shape, rank: 1));
        Assert.Throws<ArgumentException>("queries", () => DoubleSparsity.Calibrate(new float[64], new float[64], s_shape, rank: 1));
        Assert.Throws<ArgumentException>("keys", () => DoubleSparsity.Calibrate([], [], s_shape, rank: 1));
        var keys = new float[64];
        keys[40] = float.NaN;
        Assert.Contains("head 1", Assert.Throws<ArgumentException>("queries", () => DoubleSparsity.Calibrate(new float[128], keys, s_shape, rank: 1)).Message);
    }

    /// <summary>With all channels the labels are the keys, so the choice is the exact one.</summary>
    [Fact]
    public void AllChannelsAreExactTopK()
    {
        var attention = new AllChannels { Channels = [.. Enumerable.Range(0, 32).Reverse(), .. Enumerable.Range(0, 32)] };
        Sequence sequence = Sequence.Random(attention.Shape, positions: 300, rows: 1, seed: 11);
        SelectionTrace labels = GoldenSparQTests.Run(attention, sequence, watched: true, out float[] _);
        SelectionTrace exact = GoldenSparQTests.Run(new ExactTop(), sequence, watched: true, out float[] _);
        Assert.Equal(exact.Positions, labels.Positions);
    }

    [Fact]
    public void WrongChannelsAreRefused()
    {
        var attention = new AllChannels();
        Refuse(null, "AllChannels.Channels is null");
        Refuse(new int[63], "2 × 32 = 64");
        Refuse([.. Enumerable.Range(0, 32), .. Enumerable.Range(1, 32)], "channel 32");
        Refuse([.. Enumerable.Range(0, 32), -1, .. Enumerable.Range(0, 31)], "channel -1");
        Refuse([.. Enumerable.Range(0, 32), 0, .. Enumerable.Range(0, 31)], "twice");

        void Refuse(int[]? channels, string message)
        {
            attention.Channels = channels!;
            Assert.Contains(message, Assert.Throws<InvalidOperationException>(() => attention.CreateCache(10)).Message);
        }
    }

    [Fact]
    public void ACacheOfOtherChannelsIsRefused()
    {
        int[] forwards = [.. Enumerable.Range(0, 32), .. Enumerable.Range(0, 32)], backwards = [.. forwards.Reverse()];
        AllChannels attention = new() { Channels = forwards }, other = new() { Channels = backwards };
        using KvCache cache = attention.CreateCache(10);
        float[] keys = new float[64], queries = new float[128], output = new float[128];
        attention.Append(cache, keys, keys);
        Assert.Throws<InvalidOperationException>(() => other.Append(cache, keys, keys));
        Assert.Throws<InvalidOperationException>(() => other.Attend(cache, queries, output));
        Assert.Throws<InvalidOperationException>(() => other.Attend(cache, queries, keys, keys, output));
        Assert.Throws<InvalidOperationException>(() => other.AttendBatch([cache], queries, output));
        Assert.Equal(1, cache.Length);
        attention.Channels = [.. forwards]; // the same ones in another array
        attention.Attend(cache, queries, keys, keys, output);
        Assert.Equal(2, cache.Length);
    }

    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 2), Causal, DoubleSparsity(Rank = 64, TopK = 20, PerHead = true)]
    sealed partial class AllChannels
    {
        [LabelChannels] public int[] Channels = [];
    }

    [Attention(HeadDim = 32, QueryHeads = 4, KeyValueHeads = 2), Causal, Pages(Size = 1, Count = 20, KeepLast = false, PerHead = true)]
    sealed partial class ExactTop;
}
