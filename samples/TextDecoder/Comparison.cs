using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using System.Text;
using AttentionComposer;
using Spectre.Console;
using TextDecoder.Decoder;
using TextDecoder.Text;
using TextDecoder.Weights;

namespace TextDecoder;

/// <summary>
/// Runs one long text through several pipelines and tells what each loses against dense attention for the bytes that it saves: the columns of table 2 of
/// arXiv 2312.04985, as far as a small model has them.
/// </summary>
/// <remarks>
/// The prompt goes through in one call, which all pipelines but the windows attend to densely; what is measured are the single steps behind it.
/// </remarks>
sealed class Comparison(LlamaModel model, string text)
{
    const int PromptTokens = 700, Steps = 260, PassageLength = PromptTokens + Steps + 1;    // the steps see 700 … 959 positions
    const int MostPassages = 12;
    const int ShownTokens = 600, RepeatedTokens = 24, MostRepeated = 200;
    const int Pairs = 40, Questions = 40;

    /// <summary>What is compared: name, budget, pipeline.</summary>
    static readonly (string Name, string Budget, IAttention Attention)[] s_compared =
    [
        ("dense", "1", new Dense()), ("dense", "1/2, float16", new DenseFloat16()), ("dense", "1/4, int8", new DenseInt8()),
        ("SparQ", "1/2", new SparQHalf()), ("SparQ", "1/4", new SparQQuarter()), ("SparQ", "1/8", new SparQEighth()),
        ("pages", "1/2", new PagesHalf()), ("pages", "1/4", new PagesQuarter()), ("pages", "1/8", new PagesEighth()),
        ("H2O", "1/2", new HeavyHittersHalf()), ("H2O", "1/4", new HeavyHittersQuarter()), ("H2O", "1/8", new HeavyHittersEighth()),
        ("labels", "1/2", new LabelsHalf([])), ("labels", "1/4", new LabelsQuarter([])), ("labels", "1/8", new LabelsEighth([])),
        ("local", "1/2", new LocalHalf()), ("local", "1/4", new LocalQuarter()), ("local", "1/8", new LocalEighth()),
        ("top-k", "k of 1/2", new TopKHalf()), ("top-k", "k of 1/4", new TopKQuarter()), ("top-k", "k of 1/8", new TopKEighth()),
    ];

    /// <summary>What one pipeline did.</summary>
    sealed record Row(
        string Name, string Budget, double BytesPerStep, double BitsPerByte, double Agreement, double Repeated, double Recalled, double TokensPerSecond);

    /// <summary>Compares, writes the table, and the plot if asked for one.</summary>
    /// <exception cref="CommandException">The model has other heads or a shorter context, or the text is too short.</exception>
    public void Run(TextWriter output, string? plot)
    {
        if (s_compared[0].Attention.Shape != model.Config.Attention || model.Config.ContextLength < PromptTokens + Steps)
            throw new CommandException(
                $"The compared pipelines are declared for {s_compared[0].Attention.Shape} and {PromptTokens + Steps} positions; declare others in ComparedPipelines.cs.");
        int[] tokens = [.. model.Tokenizer.Encode(text)];
        int[][] passages = [.. tokens.Chunk(PassageLength).Where(passage => passage.Length == PassageLength).Take(MostPassages)];
        if (passages.Length == 0)
            throw new CommandException($"The text has {tokens.Length} tokens; {PassageLength} are needed.");

        var rows = new List<Row>();
        int[] denseChoices = [];
        int steps = passages.Length * Steps, bytes = passages.Sum(passage => passage[PromptTokens..^1].Sum(token => model.Tokenizer.Decode(token).Length));
        foreach (var (name, budget, attention) in s_compared)
        {
            using var decoder = new LlamaDecoder(model.Config, model.Weights, Calibration.Layers(model, attention), model.Config.ContextLength);
            WarmUp(decoder, passages[0], attention.Plan);
            var follows = passages.Select(passage => Follow(decoder, passage)).ToList();
            int[] choices = [.. follows.SelectMany(follow => follow.Choices)];
            if (rows.Count == 0)
                denseChoices = choices;
            double read = Enumerable.Range(PromptTokens, Steps).Average(length => RunStatistics.BytesRead(attention.Plan, model.Config.Layers, length));
            rows.Add(new Row(
                name, budget, read, follows.Sum(follow => follow.Bits) / bytes, choices.Zip(denseChoices).Count(pair => pair.First == pair.Second) / (double)steps,
                passages.Average(passage => Repeat(decoder, passage)), Recall(decoder), steps / follows.Sum(follow => follow.Time.TotalSeconds)));
        }

        Write(rows, passages.Length, output);
        if (plot is not null)
            File.WriteAllText(plot, Plot(rows));
    }

    /// <summary>Goes along the text token by token: the bits that the model needs for it, and what it would have said at each.</summary>
    (double Bits, int[] Choices, TimeSpan Time) Follow(LlamaDecoder decoder, int[] tokens)
    {
        decoder.Clear();
        decoder.Decode(tokens.AsSpan(0, PromptTokens - 1));
        double bits = 0;
        var choices = new int[Steps];
        var time = TimeSpan.Zero;
        for (int step = 0; step < Steps; step++)
        {
            long start = Stopwatch.GetTimestamp();
            ReadOnlySpan<float> logits = decoder.Decode(tokens.AsSpan(PromptTokens - 1 + step, 1))[..model.Tokenizer.VocabularySize];
            time += Stopwatch.GetElapsedTime(start);
            float largest = TensorPrimitives.Max(logits);
            double sum = 0;
            foreach (float logit in logits)
                sum += Math.Exp(logit - largest);
            bits += (Math.Log(sum) + largest - logits[tokens[PromptTokens + step]]) / Math.Log(2);
            choices[step] = TensorPrimitives.IndexOfMax(logits);
        }

        return (bits, choices, time);
    }

    /// <summary>Shows a passage and then its beginning again: how many characters of the rest the model repeats.</summary>
    double Repeat(LlamaDecoder decoder, int[] tokens)
    {
        decoder.Clear();
        int[] prompt = [.. tokens[..ShownTokens], .. tokens[..RepeatedTokens]];
        decoder.Decode(prompt.AsSpan(0, prompt.Length - 1));
        int next = prompt[^1], characters = 0;
        for (int step = 0; step < MostRepeated; step++)
        {
            next = TensorPrimitives.IndexOfMax(decoder.Decode([next])[..model.Tokenizer.VocabularySize]);
            if (next != tokens[RepeatedTokens + step])
                break;
            characters += model.Tokenizer.Decode(next).Length;
        }

        return characters;
    }

    /// <summary>
    /// Lists keys with their values, as the shipped model has learnt to look them up, and asks for some of them: the share of values that come back whole.
    /// </summary>
    double Recall(LlamaDecoder decoder)
    {
        var random = new Random(1);
        string[] keys = [.. Enumerable.Range(0, Pairs).Select(_ => Word(random))], values = [.. Enumerable.Range(0, Pairs).Select(_ => Word(random))];
        string list = string.Concat(keys.Zip(values).Select(pair => $"key {pair.First}: value {pair.Second}\n"));
        int right = 0;
        for (int question = 0; question < Questions; question++)
        {
            int asked = question * Pairs / Questions;
            int[] prompt = [.. model.Tokenizer.Encode($"{list}key {keys[asked]}: value ")];
            decoder.Clear();
            decoder.Decode(prompt.AsSpan(0, prompt.Length - 1));
            int next = prompt[^1];
            var answer = new StringBuilder();
            for (int step = 0; step < 4 && answer.Length < 4; step++)
            {
                next = TensorPrimitives.IndexOfMax(decoder.Decode([next])[..model.Tokenizer.VocabularySize]);
                answer.Append(Encoding.UTF8.GetString(model.Tokenizer.Decode(next)));
            }

            right += answer.ToString().StartsWith(values[asked], StringComparison.Ordinal) ? 1 : 0;
        }

        return right / (double)Questions;
    }

    static string Word(Random random) => string.Concat(Enumerable.Range(0, 4).Select(_ => "0123456789abcdefghijklmnopqrstuvwxyz"[random.Next(36)]));

    /// <summary>Compiles what the steps will execute.</summary>
    static void WarmUp(LlamaDecoder decoder, int[] passage, AttentionPlan plan)
    {
        decoder.Decode(passage.AsSpan(0, (int)Math.Min(PromptTokens, plan.Selection?.KeepKeys + 1 ?? 1)));
        for (int step = 0; step < 40; step++)
            decoder.Decode(passage.AsSpan(0, 1));
        decoder.Clear();
    }

    void Write(List<Row> rows, int passages, TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = Math.Max(console.Profile.Width, 120); // a file has no width
        var table = new Table().Border(TableBorder.Rounded).AddColumn("attention").AddColumn("budget");
        foreach (string heading in (string[])["read per token", "of dense", "bits per byte", "agrees with dense", "repeats", "recalls", "tokens/s"])
            table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (Row row in rows)
            table.AddRow(
                row.Name, row.Budget, Format("{0:#,0} KiB", row.BytesPerStep / 1024), Format("{0:0.00}", row.BytesPerStep / rows[0].BytesPerStep),
                Format("{0:0.000}", row.BitsPerByte), Format("{0:0.0} %", 100 * row.Agreement), Format("{0:0} bytes", row.Repeated),
                Format("{0:0} %", 100 * row.Recalled), Format("{0:#,0}", row.TokensPerSecond));
        console.WriteLine($"{model.Name}: {passages} passages, {Steps} steps behind {PromptTokens} tokens each, {AttentionOptions.MaxDegreeOfParallelism} threads");
        console.Write(table);
    }

    /// <summary>Agreement with dense over the share of bytes, as an SVG.</summary>
    static string Plot(List<Row> rows)
    {
        const int Left = 60, Bottom = 320, Width = 480, Height = 280;
        string[] colours = ["#1f5fbf", "#c05f10", "#8a2c8a", "#10a0b0", "#2c8a4b", "#888888", "#a02020"];
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="640" height="380" font-family="sans-serif" font-size="12">
            <rect width="640" height="380" fill="white"/>
            <path d="M {Left} {Bottom - Height} V {Bottom} H {Left + Width}" fill="none" stroke="black"/>
            <text x="{Left + Width / 2}" y="{Bottom + 40}" text-anchor="middle">bytes read in a step, of dense</text>
            <text x="{Left}" y="{Bottom - Height - 12}">next token as dense attention has it</text>

            """);
        double least = Math.Floor(rows.Min(row => row.Agreement) * 10) / 10;
        double X(double share) => Left + Width * Math.Min(1, share);
        double Y(double agreement) => Bottom - Height * (agreement - least) / (1 - least);
        for (double mark = least; mark < 1.01; mark += 0.1)
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{Y(mark) + 4:0}\" text-anchor=\"end\">{mark * 100:0} %</text>\n");
        foreach (var (share, label) in ((double, string)[])[(0.125, "1/8"), (0.25, "1/4"), (0.5, "1/2"), (1, "1")])
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(share):0}\" y=\"{Bottom + 18}\" text-anchor=\"middle\">{label}</text>\n");

        string[] names = [.. rows.Skip(1).Select(row => row.Name).Distinct()];
        for (int i = 0; i < names.Length; i++)
        {
            Row[] series = [.. rows.Where(row => row.Name == names[i])];
            string points = string.Join(' ', series.Select(
                row => string.Create(CultureInfo.InvariantCulture, $"{X(row.BytesPerStep / rows[0].BytesPerStep):0.0},{Y(row.Agreement):0.0}")));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{points}\" fill=\"none\" stroke=\"{colours[i]}\" stroke-width=\"2\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + Width + 10}\" y=\"{60 + 18 * i}\" fill=\"{colours[i]}\">{names[i]}</text>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    static string Format(string format, double value) => string.Format(CultureInfo.InvariantCulture, format, value);
}
