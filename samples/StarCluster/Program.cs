using System.CommandLine;
using AttentionComposer.Mpi;
using StarClusterSample;
using TextDecoder;
using TextDecoder.Weights;

var model = new Option<string?>("--model") { HelpName = "FILE", Description = "GGUF file; the shipped model without it", Recursive = true };
var threads = new Option<int>("--threads") { HelpName = "N", Description = "threads of each host", DefaultValueFactory = _ => 1, Recursive = true };
var block = new Option<int>("--block") { HelpName = "N", Description = $"positions in a block: {string.Join(", ", ModelPipelines.BlockSizes)}", DefaultValueFactory = _ => 256 };
var context = new Option<int>("--context") { HelpName = "N", Description = "tokens of the context that is made up", DefaultValueFactory = _ => 960 };
var file = new Option<string?>("--text") { HelpName = "FILE", Description = "a context to read instead; it is cut after --context tokens" };
var question = new Option<string?>("--question") { HelpName = "TEXT", Description = "what follows the context; one that the made-up context answers without it" };
var tokens = new Option<int>("--tokens") { HelpName = "N", Description = "tokens to generate", DefaultValueFactory = _ => 16 };
var recompute = new Option<bool>("--recompute") { Description = "each host encodes the anchor itself instead of receiving it" };
var perBlock = new Option<bool>("--per-block") { Description = "merge block by block: the same bits on any number of hosts" };
var pause = new Option<int>("--pause") { HelpName = "N", Description = "seconds to wait between tokens, to try what happens when a host fails", Hidden = true };

var command = new RootCommand("Encodes a long context with Star Attention on the hosts of an MPI job, and answers a question about it. Start it with mpirun.")
{
    model, threads, block, context, file, question, tokens, recompute, perBlock, pause,
};
command.SetAction(parsed => StarCluster.Run(cluster => new ClusterRun(cluster, new ClusterOptions
{
    Model = parsed.GetValue(model),
    Threads = parsed.GetValue(threads),
    Block = parsed.GetValue(block),
    Context = parsed.GetValue(context),
    Text = parsed.GetValue(file),
    Question = parsed.GetValue(question),
    Tokens = parsed.GetValue(tokens),
    Pause = parsed.GetValue(pause),
    Sharing = new DistributedOptions
    {
        Anchor = parsed.GetValue(recompute) ? AnchorSource.Recompute : AnchorSource.Broadcast,
        Partials = parsed.GetValue(perBlock) ? PartialResults.PerBlock : PartialResults.PerHost,
    },
}).Run()));

var prompts = new Argument<string>("prompts") { Description = "what recall-prompts.py has written" };
var recall = new Command("recall", "Counts the values that the model recalls: dense, Star, and blocks without an anchor, on one machine.") { prompts };
recall.SetAction(parsed => Recall.Run(parsed.GetValue(model), parsed.GetValue(prompts)!, parsed.GetValue(threads)));
command.Add(recall);

var length = new Option<int>("--length") { HelpName = "N", Description = "positions", DefaultValueFactory = _ => 16384 };
var speed = new Command("speed", "Times the context phase of one layer against dense attention, on one machine.") { length };
speed.SetAction(parsed => ContextSpeed.Run(parsed.GetValue(length), parsed.GetValue(threads)));
command.Add(speed);

try
{
    return command.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception failure) when (failure is CommandException or ModelException or IOException or DllNotFoundException)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
