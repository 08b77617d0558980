using System.Diagnostics;
using System.Text;
using AttentionComposer;
using AttentionComposer.Mpi;
using TextDecoder;
using TextDecoder.Decoder;
using TextDecoder.Weights;

namespace StarClusterSample;

/// <summary>What the command line says; the same on every host.</summary>
sealed record ClusterOptions
{
    public string? Model { get; init; }
    public int Threads { get; init; } = 1;
    public int Block { get; init; }
    public int Context { get; init; }
    public string? Text { get; init; }
    public string? Question { get; init; }
    public int Tokens { get; init; }
    public int Pause { get; init; }
    public DistributedOptions Sharing { get; init; } = new();
}

/// <summary>What one host measured.</summary>
struct HostReport
{
    public double ContextSeconds, ContextWait;
    public long CacheBytes, CacheBytesWithAnchor;
    public DistributedTraffic Traffic;
}

/// <summary>One job: every host runs this, with its own blocks of the context.</summary>
sealed class ClusterRun(StarCluster cluster, ClusterOptions options)
{
    const int Rounds = 3;

    readonly LlamaModel _model = options.Model is { } path ? LlamaModel.Read(path) : LlamaModel.ReadEmbedded();

    public int Run()
    {
        AttentionOptions.MaxDegreeOfParallelism = options.Threads;
        IAttention pipeline = ModelPipelines.Find(options.Block, anchor: true)
            ?? throw new CommandException($"No pipeline with blocks of {options.Block} is declared; there are {string.Join(", ", ModelPipelines.BlockSizes)}. Add yours to Pipelines.cs.");
        if (pipeline.Shape != _model.Config.Attention)
            throw new CommandException($"The pipelines in Pipelines.cs are for {pipeline.Shape}; this model has {_model.Config.Attention}.");

        (string contextText, string questionText) = Texts();
        int[] context = [.. _model.Tokenizer.Encode(contextText).Take(options.Context)], question = [.. _model.Tokenizer.Encode(questionText)];
        if (context.Length == 0 || question.Length == 0 || options.Tokens < 1)
            throw new CommandException("A context, a question and at least one token to generate are needed.");

        int capacity = context.Length + question.Length + options.Tokens;
        WarmUp(pipeline, context);
        (HostReport report, Answer? answer) = Distributed(pipeline, context, question, capacity);
        for (int round = 1; round < Rounds && options.Pause == 0; round++)
        {
            // The hosts share a machine with others more often than not: the best of a few rounds, by the slowest host.
            (HostReport again, Answer? another) = Distributed(pipeline, context, question, capacity);
            bool better = another is not null && another.ContextSeconds < answer!.ContextSeconds;
            if (cluster.Broadcast(better, cluster.QueryRank))
                (report, answer) = (again, another);
        }

        HostReport[] hosts = cluster.Gather(report);
        if (answer is null)
            return 0;

        Answer alone = BestOnOneHost(pipeline), dense = BestOnOneHost(ModelPipelines.Dense);
        Print(context.Length, question.Length, questionText, hosts, answer, alone, dense);
        return 0;

        Answer BestOnOneHost(IAttention attention) =>
            Enumerable.Range(0, options.Pause > 0 ? 1 : Rounds).Select(_ => OnOneHost(attention, context, question, capacity)).MinBy(run => run.ContextSeconds)!;
    }

    /// <summary>What a host that generates found out.</summary>
    sealed record Answer(int[] Tokens, double ContextSeconds, double QuestionSeconds, double SecondsPerToken, long CacheBytes);

    (HostReport, Answer?) Distributed(IAttention pipeline, int[] context, int[] question, int capacity)
    {
        using var attention = new DistributedAttention(cluster, pipeline, context.Length, options.Sharing);

        // A block goes through the layers as a whole, so that hosts meet at the same layer for the anchor.
        int chunk = Math.Max(attention.Passes.Select(pass => pass.End - pass.Start).Append(1).Max(), cluster.IsQueryHost ? question.Length : 1);
        using var decoder = new LlamaDecoder(_model.Config, _model.Weights, _ => attention, capacity, chunk);
        var report = new HostReport { CacheBytesWithAnchor = decoder.CacheBytes };
        cluster.Barrier();

        long start = Stopwatch.GetTimestamp();
        foreach ((int from, int to) in attention.Passes)
            decoder.Decode(context.AsSpan(from, to - from));
        report.ContextSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        attention.EndContext();
        double contextSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        report.CacheBytes = decoder.CacheBytes;

        Answer? answer = null;
        if (cluster.IsQueryHost)
        {
            answer = Generate(decoder, question) with { ContextSeconds = contextSeconds };
            attention.EndQueries();
        }
        else
        {
            attention.Serve();
        }

        report.Traffic = attention.Traffic;
        report.ContextWait = attention.Traffic.ContextWait.TotalSeconds;
        return (report, answer);
    }

    Answer OnOneHost(IAttention pipeline, int[] context, int[] question, int capacity)
    {
        int chunk = Math.Max(options.Block, LlamaDecoder.ChunkSize);
        using var decoder = new LlamaDecoder(_model.Config, _model.Weights, _ => pipeline, capacity, chunk);
        long start = Stopwatch.GetTimestamp();
        decoder.Decode(context);
        double contextSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        decoder.EndContext();
        return Generate(decoder, question) with { ContextSeconds = contextSeconds };
    }

    Answer Generate(LlamaDecoder decoder, int[] question)
    {
        var tokens = new List<int>();
        long start = Stopwatch.GetTimestamp();
        ReadOnlySpan<float> logits = decoder.Decode(question);
        double questionSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        while (true)
        {
            tokens.Add(System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits));
            if (tokens.Count == options.Tokens)
                break;
            if (options.Pause > 0)
                Thread.Sleep(TimeSpan.FromSeconds(options.Pause));
            logits = decoder.Decode([tokens[^1]]);
        }

        double perToken = Stopwatch.GetElapsedTime(start).TotalSeconds / Math.Max(1, tokens.Count - 1);
        return new([.. tokens], 0, questionSeconds, perToken, decoder.CacheBytes);
    }

    // Compiles the kernels, so that the table tells their speed and not the compiler's.
    void WarmUp(IAttention pipeline, int[] context)
    {
        int some = Math.Min(64, context.Length);
        foreach (IAttention attention in (IAttention[])[pipeline, ModelPipelines.Dense])
        {
            using var decoder = new LlamaDecoder(_model.Config, _model.Weights, _ => attention, some + 1);
            decoder.Decode(context.AsSpan(0, some));
            decoder.Decode(context.AsSpan(0, 1));
        }
    }

    (string Context, string Question) Texts()
    {
        const string Question = "key k7f2: value ";
        string text = options.Text is { } path ? File.ReadAllText(path) : MadeUp(options.Context, "\n" + Question + "93ab\n");
        return (text, options.Question ?? Question);
    }

    // Lines of documentation with one line to remember behind the first third.
    static string MadeUp(int length, string remember)
    {
        string[] lines =
        [
            "    <summary>Gets the number of elements contained in the collection.</summary>\n",
            "    <param name=\"index\">The zero-based index of the element to get or set.</param>\n",
            "    <returns>true if the item was found; otherwise, false.</returns>\n",
            "    <exception cref=\"T:System.ArgumentNullException\">The argument is null.</exception>\n",
        ];
        var text = new StringBuilder();
        bool told = false;
        for (int line = 0; text.Length < length; line++)
        {
            if (!told && text.Length >= length / 3)
            {
                text.Append(remember);
                told = true;
            }

            text.Append(lines[line % lines.Length]);
        }

        return text.ToString();
    }

    void Print(int context, int question, string questionText, HostReport[] hosts, Answer answer, Answer alone, Answer dense)
    {
        int layers = _model.Config.Layers;
        double perLayerAndToken = (double)hosts.Sum(host => host.Traffic.QueryBytes + host.Traffic.PartialBytes) / layers / (question + answer.Tokens.Length - 1);
        Console.WriteLine($"{_model.Name}: a context of {context} tokens in blocks of {options.Block}, a question of {question}, {answer.Tokens.Length} generated; {options.Threads} thread(s) a host");
        Console.WriteLine();
        Console.WriteLine("| host | positions | context, s | of it waiting | cache, bytes | with the anchor | anchor sent | queries sent | results sent |");
        Console.WriteLine("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        var layout = new StarLayout(context, options.Block, cluster.Size);
        for (int rank = 0; rank < hosts.Length; rank++)
        {
            HostReport host = hosts[rank];
            (int from, int to) = layout.PositionsOf(rank);
            Console.WriteLine(
                $"| {rank} | {from} to {to} | {host.ContextSeconds:0.000} | {host.ContextWait:0.000} | {host.CacheBytes} | {host.CacheBytesWithAnchor} | " +
                $"{host.Traffic.AnchorBytes} | {host.Traffic.QueryBytes} | {host.Traffic.PartialBytes} |");
        }

        Console.WriteLine();
        Console.WriteLine($"behind the context: {perLayerAndToken:0} bytes in all a layer and token, {hosts.Sum(host => host.Traffic.Messages)} messages in the whole run");
        Console.WriteLine();
        Console.WriteLine("| | context, s | question, s | a token, ms | cache, bytes | answer |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | --- |");
        Row($"Star, {cluster.Size} host(s)", answer, hosts.Max(host => host.CacheBytes));
        Row("Star, one host", alone, alone.CacheBytes);
        Row("dense, one host", dense, dense.CacheBytes);
        Console.WriteLine();
        Console.WriteLine(answer.Tokens.SequenceEqual(alone.Tokens)
            ? "The hosts together generate the same tokens as one host."
            : "The hosts' tokens differ from one host's: where two tokens are about as likely, rounding decides.");

        void Row(string name, Answer row, long bytes) => Console.WriteLine(
            $"| {name} | {row.ContextSeconds:0.000} | {row.QuestionSeconds:0.000} | {row.SecondsPerToken * 1000:0.0} | {bytes} | `{questionText}{Show(row.Tokens)}` |");
    }

    string Show(int[] tokens) =>
        Encoding.UTF8.GetString([.. tokens.SelectMany(token => _model.Tokenizer.Decode(token).ToArray())]).Replace("\n", "\\n");
}
