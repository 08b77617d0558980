using AttentionComposer.Tests.Functions.Declared;

namespace AttentionComposer.Tests.Functions;

/// <summary>What is computed before a tile's rows, against functions that are called for every pair.</summary>
public sealed class HoistTests
{
    const int Positions = 300;

    static readonly KeyPatterns s_patterns = new([.. Enumerable.Range(0, Positions).Select(i => i % 9 == 4)]);

    [Theory]
    [InlineData(nameof(Waves), "hoisted: wavePart of Wave, once per distance of query and key")]
    [InlineData(nameof(Decay), "hoisted: fadedPart of Faded, once per head and distance of query and key")]
    [InlineData(nameof(KeyPatterns), "hoisted: mutedAtKey of Muted, once per key", "hoisted: mutedPart of Muted, once per head and key")]
    [InlineData(nameof(Sieve), "hoisted: passesPart of Passes, once per distance of query and key", "hoisted: passesPart2 of Passes, once per key")]
    public void ThePlanSaysWhatIsHoisted(string name, params string[] lines) =>
        Assert.Equal(lines, Variant(name).Attention.Plan.Stages.Where(stage => stage.StartsWith("hoisted", StringComparison.Ordinal)).Order());

    [Theory]
    [InlineData(nameof(Waves)), InlineData(nameof(Decay)), InlineData(nameof(KeyPatterns)), InlineData(nameof(Sieve))]
    public void KernelsMatchTheReference(string name)
    {
        (IAttention attention, ReferenceAttention reference) = Variant(name);
        foreach (int rows in new[] { 1, 2, 5, 41, Positions })
        {
            Sequence sequence = Sequence.Random(attention.Shape, Positions, rows, seed: rows, attention.Plan.Format);
            Result expected = Result.OfReference(reference, sequence);
            foreach (int bits in KernelSettings.VectorWidths)
            {
                using var _ = KernelSettings.VectorBits(bits);
                Result.OfStep(attention, sequence).CheckAgainst(expected, Tolerance.Float32, $"{name}, {bits} bits, {rows} rows");
            }
        }
    }

    static (IAttention Attention, ReferenceAttention Reference) Variant(string name)
    {
        (IAttention Attention, Func<float, int, int, int, float>? Score, Func<int, int, int, bool>? Mask) variant = name switch
        {
            nameof(Waves) => (new Waves(), (score, _, query, key) => Waves.Wave(score, query, key), null),
            nameof(Decay) => (new Decay(), Decay.Faded, null),
            nameof(KeyPatterns) => (s_patterns, (score, head, _, key) => s_patterns.Muted(score, head, key), null),
            _ => (new Sieve(), null, (_, query, key) => Sieve.Passes(query, key)),
        };
        ReferenceAttention reference = ReferenceAttention.Of(variant.Attention.Plan) with
        {
            Mask = variant.Mask,
            Score = variant.Score is null ? null : (score, head, query, key) => variant.Score((float)score, head, query, key),
        };
        return (variant.Attention, reference);
    }
}
