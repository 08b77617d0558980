using AttentionGym;

namespace AttentionComposer.Tests.Functions;

/// <summary>docs/writing-variants.md quotes the sample and the plans as they are.</summary>
public sealed class VariantPageTests
{
    [Fact]
    public void ThePageIsWhatTheSampleWrites()
    {
        Cost[] costs = [.. Catalog.Names.Select(name => new Cost(name, 0, 0, 0))];
        Assert.Equal(VariantPage.WithoutCosts(VariantPage.Write(costs, [])), VariantPage.WithoutCosts(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "writing-variants.md"))));
    }
}
