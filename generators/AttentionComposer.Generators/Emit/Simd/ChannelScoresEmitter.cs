using System;
using System.Linq;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Emits the dot products of a chunk of keys with the group's queries in some channels: a few channels at a time go over the whole chunk,
/// whose scores stay in the first cache. A channel of neighbouring keys is contiguous, so lanes are keys and nothing is summed across them.
/// </summary>
static class ChannelScoresEmitter
{
    const int RankMultiple = 8; // Candidates pads the channels to it

    public static void Emit(SourceWriter writer, KernelPlan plan, SelectionPlan selection, TilePlan tile)
    {
        RowFormatNames format = RowFormatNames.Of(plan.Spec.Format);
        int group = plan.Spec.GroupSize, rank = (selection.Rank + RankMultiple - 1) / RankMultiple * RankMultiple;
        (int heads, int channels) = TileOf(group, tile.Bits);
        string v = $"Vector{tile.Bits}";
        int[] headNumbers = Enumerable.Range(0, heads).ToArray(), channelNumbers = Enumerable.Range(0, channels).ToArray();

        writer.Write($"""
            /// <summary>Scores a chunk by {selection.Rank} channels, {channels} channels and {heads} head{(heads == 1 ? "" : "s")} at a time; prefetches the channels that come next.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open($"static void ChannelScores(in Candidates candidates, ref {format.Scalar} columns, nint stride, int count, ref float scores)");
        writer.Write("""
            ref int channels = ref candidates.Channels[0];
            ref float queries = ref candidates.ChannelQueries[0];
            """);
        writer.Open($"for (int channel = 0; channel < {rank}; channel += {channels})");
        writer.Write($"int following = channel + {channels} < {rank} ? channel + {channels} : channel;");
        foreach (int channel in channelNumbers)
            writer.Write($"ref {format.Scalar} column{channel} = ref {format.Format}.Row(ref columns, Unsafe.Add(ref channels, {Offset.Of("channel", channel)}), stride);");
        foreach (int channel in channelNumbers)
            writer.Write($"ref {format.Scalar} next{channel} = ref {format.Format}.Row(ref columns, Unsafe.Add(ref channels, {Offset.Of("following", channel)}), stride);");
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
        writer.Open($"for (int i = 0; i < count; i += {tile.Lanes})");
        EmitPrefetch(writer, tile, format, channelNumbers);
        foreach (int head in headNumbers)
            writer.Write($"{v}<float> s{head} = Lanes{tile.Bits}.Load(ref scores{head}, i);");
        foreach (int channel in channelNumbers)
        {
            writer.Write($"{v}<float> k{channel} = {format.Format}.Load{tile.Bits}(ref column{channel}, i);");
            foreach (int head in headNumbers)
                writer.Write($"s{head} = {v}.FusedMultiplyAdd(q{head}c{channel}, k{channel}, s{head});");
        }

        foreach (int head in headNumbers)
            writer.Write($"Lanes{tile.Bits}.Store(s{head}, ref scores{head}, i);");
        writer.Close();
        if (heads < group)
            writer.Close();
        writer.Close();
        writer.Close();
        writer.Blank();
    }

    static void EmitPrefetch(SourceWriter writer, TilePlan tile, RowFormatNames format, int[] channels)
    {
        int linesApart = Math.Max(1, 64 / (tile.Lanes * format.ScalarSize));
        if (linesApart > 1)
            writer.Open($"if (i % {linesApart * tile.Lanes} == 0)");
        foreach (int channel in channels)
            writer.Write($"Prefetch.Line(ref next{channel}, i);");
        if (linesApart == 1)
            return;
        writer.Close();
        writer.Blank();
    }

    // One register for each query scalar of the tile, beside the heads' sums and the channel in hand.
    static (int Heads, int Channels) TileOf(int group, int bits)
    {
        int registers = bits == 512 ? 16 : 8, mostHeads = bits == 512 ? 8 : 4;
        int heads = Enumerable.Range(1, mostHeads).Last(count => group % count == 0);
        int channels = 1;
        while (channels * 2 * heads <= registers && channels < RankMultiple)
            channels *= 2;
        return (heads, channels);
    }
}
