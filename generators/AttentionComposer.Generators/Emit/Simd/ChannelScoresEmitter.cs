using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the dot products of a chunk of keys with the group's queries in some channels: a few channels at a time go over the whole chunk,
/// whose scores stay in the first cache. A channel of neighbouring keys is contiguous, so lanes are keys and nothing is summed across them.
/// </summary>
/// <remarks>
/// While some channels are in use, those that follow are prefetched, and behind the last ones the first of the next chunk: without these, the memory
/// idled at the start of each chunk, which cost a fifth of the rate. Further ahead than <see cref="BytesAhead"/> they fall out of the first cache again.
/// </remarks>
static class ChannelScoresEmitter
{
    const int RankMultiple = 8; // Candidates pads the channels to it
    const int ChunkKeys = 1024; // as there
    const int BytesAhead = 16 << 10;

    public static void Emit(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        int group = plan.Spec.GroupSize, rank = PaddedRank(selection);
        (int heads, int channels, int vectors) = TileOf(group, tile.Bits);
        string v = $"Vector{tile.Bits}";
        int ahead = ChannelsAhead(plan, tile);
        int[] headNumbers = Enumerable.Range(0, heads).ToArray(), channelNumbers = Enumerable.Range(0, channels).ToArray();
        int[] vectorNumbers = Enumerable.Range(0, vectors).ToArray();

        writer.Write($"""
            /// <summary>
            /// Scores a chunk by {selection.Rank} channels, {channels} channels and {heads} head{(heads == 1 ? "" : "s")} at a time; prefetches {ahead} channels ahead, behind the last one
            /// the first ones of the chunk that starts <paramref name="next"/> slots further on.
            /// </summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open($"static void ChannelScores(in Candidates candidates, ref {format.Scalar} columns, nint stride, int count, nint next, ref float scores)");
        writer.Write("""
            ref int channels = ref candidates.Channels[0];
            ref float queries = ref candidates.ChannelQueries[0];
            """);
        writer.Open($"for (int channel = 0; channel < {rank}; channel += {channels})");
        writer.Write($"""
            bool wraps = channel + {ahead} >= {rank};
            int following = wraps ? channel{(ahead == rank ? "" : $" - {rank - ahead}")} : channel + {ahead};
            ref {format.Scalar} nextColumns = ref Unsafe.Add(ref columns, wraps ? next : 0);
            """);
        foreach (int channel in channelNumbers)
            writer.Write($"ref {format.Scalar} column{channel} = ref {format.Format}.Row(ref columns, Unsafe.Add(ref channels, {Offset.Of("channel", channel)}), stride);");
        foreach (int channel in channelNumbers)
            writer.Write($"ref {format.Scalar} next{channel} = ref {format.Format}.Row(ref nextColumns, Unsafe.Add(ref channels, {Offset.Of("following", channel)}), stride);");
        if (heads < group)
            writer.Open($"for (int head = 0; head < Group; head += {heads})");
        foreach (int head in headNumbers)
        {
            writer.Write(heads < group || head > 0
                ? $"ref float scores{head} = ref Unsafe.Add(ref scores, {(heads < group ? $"({Offset.Of("head", head)})" : Literal.Of(head))} * Candidates.ChunkKeys);"
                : "ref float scores0 = ref scores;");
            foreach (int channel in channelNumbers)
                writer.Write($"{v}<float> q{head}c{channel} = Lanes{tile.Bits}.Broadcast(ref queries, {Offset.Of(heads < group ? $"head * {rank} + channel" : "channel", head * rank + channel)});");
        }

        writer.Blank();
        writer.Open($"for (int i = 0; i < count; i += {vectors * tile.Lanes})");
        EmitPrefetch(writer, vectors * tile.Lanes, 64 / format.ScalarSize, channelNumbers);
        foreach (int head in headNumbers)
        {
            foreach (int vector in vectorNumbers)
                writer.Write($"{v}<float> {Score(head, vector)} = Lanes{tile.Bits}.Load(ref scores{head}, {Offset.Of("i", vector * tile.Lanes)});");
        }

        foreach (int channel in channelNumbers)
        {
            foreach (int vector in vectorNumbers)
                writer.Write($"{v}<float> {Key(channel, vector)} = {format.Format}.Load{tile.Bits}(ref column{channel}, {Offset.Of("i", vector * tile.Lanes)});");
            foreach (int head in headNumbers)
            {
                foreach (int vector in vectorNumbers)
                    writer.Write($"{Score(head, vector)} = {v}.FusedMultiplyAdd(q{head}c{channel}, {Key(channel, vector)}, {Score(head, vector)});");
            }
        }

        foreach (int head in headNumbers)
        {
            foreach (int vector in vectorNumbers)
                writer.Write($"Lanes{tile.Bits}.Store({Score(head, vector)}, ref scores{head}, {Offset.Of("i", vector * tile.Lanes)});");
        }

        writer.Close();
        if (heads < group)
            writer.Close();
        writer.Close();
        writer.Close();
        writer.Blank();

        string Score(int head, int vector) => vectors == 1 ? $"s{head}" : $"s{head}{(char)('a' + vector)}";
        string Key(int channel, int vector) => vectors == 1 ? $"k{channel}" : $"k{channel}{(char)('a' + vector)}";
    }

    /// <summary>Names, for a loop over one row's weights, some of the next chunk's channels behind those that the scores prefetch.</summary>
    public static void EmitRestAhead(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        int ahead = ChannelsAhead(plan, tile), perRow = ChannelsPerRow(plan);
        writer.Write("// These powers need no memory: more of the next chunk's channels come in meanwhile.");
        for (int channel = 0; channel < perRow; channel++)
        {
            string index = Offset.Of(perRow == 1 ? "row" : $"{perRow} * row", ahead + channel);
            writer.Write($"ref {format.Scalar} next{channel} = ref {format.Format}.Row(ref nextColumns, candidates.Channels[{index}], stride);");
        }
    }

    /// <summary>Prefetches these channels in step with the weights.</summary>
    public static void EmitRestPrefetch(SourceWriter writer, KernelPlan plan, TilePlan tile) =>
        EmitPrefetch(writer, tile.Lanes, 64 / RowFormatNames.Of(plan.Spec.Format).ScalarSize, Enumerable.Range(0, ChannelsPerRow(plan)));

    /// <summary>Whether there are weights to compute, and enough channels for all of their rows to prefetch some.</summary>
    public static bool LeavesRest(KernelPlan plan, SelectionPlan selection, TilePlan tile) =>
        selection is { Scorer: Scorer.Channels, Softmax: true }
        && ChannelsAhead(plan, tile) + plan.Spec.GroupSize * ChannelsPerRow(plan) <= PaddedRank(selection);

    static int PaddedRank(SelectionPlan selection) => (selection.Rank + RankMultiple - 1) / RankMultiple * RankMultiple;

    static int ChannelsAhead(KernelPlan plan, TilePlan tile) =>
        Math.Min(RankMultiple, Math.Max(TileOf(plan.Spec.GroupSize, tile.Bits).Channels, BytesAhead / (ChunkKeys * RowFormatNames.Of(plan.Spec.Format).ScalarSize)));

    // A line for every 16 weights.
    static int ChannelsPerRow(KernelPlan plan) => sizeof(float) / RowFormatNames.Of(plan.Spec.Format).ScalarSize;

    static void EmitPrefetch(SourceWriter writer, int keys, int keysPerLine, IEnumerable<int> channels)
    {
        if (keys < keysPerLine)
            writer.Open($"if (i % {keysPerLine} == 0)");
        foreach (int channel in channels)
        {
            for (int key = 0; key < keys; key += keysPerLine)
                writer.Write($"Prefetch.Line(ref next{channel}, {Offset.Of("i", key)});");
        }

        if (keys >= keysPerLine)
            return;
        writer.Close();
        writer.Blank();
    }

    // One register for each query scalar of the tile, beside the heads' sums and the channel in hand.
    static (int Heads, int Channels, int Vectors) TileOf(int group, int bits)
    {
        int registers = bits == 512 ? 16 : 8, mostHeads = bits == 512 ? 8 : 4;
        int heads = Enumerable.Range(1, mostHeads).Last(count => group % count == 0);
        int channels = 1;
        while (channels * 2 * heads <= registers && channels < RankMultiple)
            channels *= 2;
        return (heads, channels, Vectors: bits == 512 && heads * (channels + 2) < 32 - 3 ? 2 : 1);
    }
}
