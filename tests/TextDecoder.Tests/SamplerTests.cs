using TextDecoder.Decoder;

namespace TextDecoder.Tests;

public class SamplerTests
{
    static readonly float[] _logits = [.. new[] { 0.1, 0.2, 0.4, 0.25, 0.05 }.Select(p => (float)Math.Log(p))];

    [Fact]
    public void Without_temperature_the_likeliest_token_is_taken() =>
        Assert.Equal(2, new Sampler(0, 1, 1).Sample(_logits));

    [Fact]
    public void A_seed_draws_the_same_tokens_again()
    {
        int[] Draw(int seed)
        {
            var sampler = new Sampler(1, 0.95f, seed);
            return [.. Enumerable.Range(0, 50).Select(_ => sampler.Sample(_logits))];
        }

        Assert.Equal(Draw(7), Draw(7));
        Assert.NotEqual(Draw(7), Draw(8));
    }

    [Theory]
    [InlineData(1, 1, new[] { 0.1, 0.2, 0.4, 0.25, 0.05 })]
    [InlineData(1, 0.6, new[] { 0, 0, 0.4 / 0.65, 0.25 / 0.65, 0 })]
    [InlineData(1, 0.4, new[] { 0.0, 0, 1, 0, 0 })]
    [InlineData(0.5, 1, new[] { 0.01 / 0.275, 0.04 / 0.275, 0.16 / 0.275, 0.0625 / 0.275, 0.0025 / 0.275 })]
    public void Tokens_come_as_often_as_their_probabilities_say(float temperature, float topP, double[] expected)
    {
        const int draws = 40_000;
        var sampler = new Sampler(temperature, topP - 1e-6f, 3);
        var counts = new int[expected.Length];
        for (int i = 0; i < draws; i++)
            counts[sampler.Sample(_logits)]++;
        for (int token = 0; token < expected.Length; token++)
        {
            // Five standard deviations.
            double slack = 5 * Math.Sqrt(expected[token] * (1 - expected[token]) / draws);
            Assert.InRange(counts[token] / (double)draws, expected[token] - slack - 1e-9, expected[token] + slack + 1e-9);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Logits_that_are_no_numbers_still_give_a_token(float odd)
    {
        foreach (float temperature in (float[])[0, 1])
            Assert.InRange(new Sampler(temperature, 0.9f, 1).Sample([odd, odd, odd]), 0, 2);
    }
}
