using System.Globalization;
using AttentionComposer;
using AttentionGym;

// Usage: AttentionGym [positions] [--page FILE]
// Prints what each variant costs beside plain causal attention; with --page it also writes docs/writing-variants.md.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int positions = args.Length > 0 && int.TryParse(args[0], out int given) ? given : 2048;
int page = Array.IndexOf(args, "--page");
AttentionOptions.MaxDegreeOfParallelism = 1; // one core measures the kernel, not the machine's other work

const int Rounds = 11;
IReadOnlyList<Cost> costs = Cost.Measure(Catalog.All(positions), new PlainCausal(), positions, Rounds);
IReadOnlyList<Cost> ofMainShape = Cost.Measure(Catalog.AllOfMainShape(positions), new AttentionGym.MainShape.PlainCausal(), positions, Rounds);
Console.WriteLine($"{positions} positions in one call, one core, {AttentionOptions.VectorBits} bits; per visited tile, plain causal = 1\n");
Console.WriteLine(VariantPage.Table(costs, ofMainShape));

var documents = Cost.Documents(8192);
Console.WriteLine($"16 packed documents at 8192: {documents.Causal:F1} ms causal, {documents.Packed:F1} ms packed, {documents.Causal / documents.Packed:F1} times faster");
if (page >= 0)
    File.WriteAllText(args[page + 1], VariantPage.Write(costs, ofMainShape));
