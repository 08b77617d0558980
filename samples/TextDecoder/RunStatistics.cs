using System.Globalization;
using AttentionComposer;
using Spectre.Console;
using TextDecoder.Weights;

namespace TextDecoder;

/// <summary>What one phase of a run cost.</summary>
/// <param name="Tokens">Tokens that went through the model.</param>
/// <param name="Time">How long that took.</param>
/// <param name="Attention">The part of it that was spent in <see cref="IAttention"/>.</param>
readonly record struct Phase(int Tokens, TimeSpan Time, TimeSpan Attention)
{
    public double TokensPerSecond => Time > TimeSpan.Zero ? Tokens / Time.TotalSeconds : 0;

    public double AttentionShare => Time > TimeSpan.Zero ? Attention / Time : 0;
}

/// <summary>The table at the end of a run.</summary>
sealed record RunStatistics(LlamaModel Model, AttentionPlan Plan, Phase Prefill, Phase Decode, int Length, long CacheBytes)
{
    /// <summary>Bytes of keys and values that decoding the token at a position reads, in all layers.</summary>
    /// <param name="plan">What the attention reads.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="length">Positions up to the token, its own included.</param>
    public static long BytesRead(AttentionPlan plan, int layers, int length) =>
        plan.Traffic(length).BytesRead * layers;

    /// <summary>Writes the table.</summary>
    public void Write(IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumn("")
            .AddColumn(new TableColumn("prefill").RightAligned())
            .AddColumn(new TableColumn("decode").RightAligned());
        table.AddRow("tokens", Text(Prefill.Tokens), Text(Decode.Tokens));
        table.AddRow("tokens/s", Text(Prefill.TokensPerSecond), Decode.Tokens > 0 ? Text(Decode.TokensPerSecond) : "-");
        table.AddRow("time in attention", Percent(Prefill.AttentionShare), Decode.Tokens > 0 ? Percent(Decode.AttentionShare) : "-");
        table.AddRow("keys and values read per token", "", Decode.Tokens > 0 ? Bytes(AverageBytesRead()) : "-");
        table.AddRow("weights read per token", "", Bytes(Model.Weights.BytesPerToken));
        table.AddRow("cache", "", Bytes(CacheBytes));
        console.WriteLine($"{Model.Name}: {Model.Config.Layers} layers, {Plan.Shape}, attention {Plan.Name}");
        console.Write(table);
    }

    /// <summary>The mean over the decoded positions, which are the last ones.</summary>
    long AverageBytesRead()
    {
        long sum = 0;
        for (int length = Length - Decode.Tokens + 1; length <= Length; length++)
            sum += BytesRead(Plan, Model.Config.Layers, length);
        return sum / Decode.Tokens;
    }

    static string Text(double value) => value.ToString(value < 100 ? "0.##" : "#,0", CultureInfo.InvariantCulture);

    static string Percent(double share) => share.ToString("0.0 %", CultureInfo.InvariantCulture);

    static string Bytes(long bytes) =>
        bytes < 1 << 20 ? $"{Text(bytes / 1024.0)} KiB" : $"{(bytes / (double)(1 << 20)).ToString("#,0.0", CultureInfo.InvariantCulture)} MiB";
}
