using System.Collections.Concurrent;
using System.Text.Json;

namespace AttentionComposer.Tests.Golden;

/// <summary>One case of the golden set: inputs, parameters and what to expect.</summary>
public sealed class GoldenCase
{
    static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "golden");
    static readonly ConcurrentDictionary<string, Safetensors> Files = new();

    /// <summary>Every case of the manifest, in its order.</summary>
    public static IReadOnlyList<GoldenCase> All { get; } =
        [.. JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "manifest.json")))
            .RootElement.GetProperty("cases").EnumerateArray().Select(json => new GoldenCase(json))];

    readonly JsonElement _json;

    GoldenCase(JsonElement json)
    {
        _json = json;
        Name = json.GetProperty("name").GetString()!;
        Operator = json.GetProperty("op").GetString()!;
    }

    public string Name { get; }

    public string Operator { get; }

    public static GoldenCase Named(string name) => All.Single(golden => golden.Name == name);

    public static IEnumerable<GoldenCase> Of(params string[] operators) => All.Where(golden => operators.Contains(golden.Operator));

    public double Number(string parameter) => Parameter(parameter).GetDouble();

    /// <summary>A number that may be null.</summary>
    public double? OptionalNumber(string parameter) => Parameter(parameter).Deserialize<double?>();

    public int Integer(string parameter) => Parameter(parameter).GetInt32();

    public bool Flag(string parameter) => Parameter(parameter).GetBoolean();

    public string Text(string parameter) => Parameter(parameter).GetString()!;

    /// <summary>Whether the case expects this tensor.</summary>
    public bool Has(string expected) => _json.GetProperty("expect").TryGetProperty(expected, out _);

    /// <summary>Whether the case has this input.</summary>
    public bool HasInput(string input) => _json.GetProperty("inputs").TryGetProperty(input, out _);

    public int[] Integers(string parameter) => Parameter(parameter).Deserialize<int[]>()!;

    public Tensor Input(string name) => Load(_json.GetProperty("inputs").GetProperty(name));

    public Tensor Expected(string name) => Load(_json.GetProperty("expect").GetProperty(name));

    public Tolerance Tolerance(string name)
    {
        JsonElement tolerance = _json.GetProperty("expect").GetProperty(name).GetProperty("tolerance");
        return new(tolerance.GetProperty("atol").GetDouble(), tolerance.GetProperty("rtol").GetDouble());
    }

    public override string ToString() => Name;

    JsonElement Parameter(string name) => _json.GetProperty("params").GetProperty(name);

    static Tensor Load(JsonElement reference) =>
        Files.GetOrAdd(reference.GetProperty("file").GetString()!, name => new Safetensors(Path.Combine(Folder, name)))
            [reference.GetProperty("tensor").GetString()!];
}
