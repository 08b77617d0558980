namespace AttentionComposer.Tests;

/// <summary>What a pipeline says about itself, and what its caches take.</summary>
public sealed class PlanTests
{
    [Fact]
    public void EveryPipelineDescribesItself()
    {
        Assert.NotEmpty(Pipelines.All);
        foreach (IAttention attention in Pipelines.All)
        {
            AttentionPlan plan = attention.Plan;
            Assert.Equal(attention.GetType().Name, plan.Name);
            Assert.Equal(attention.Shape, plan.Shape);
            Assert.True(plan.Window == 0 ? plan.RingSize == 0 : plan.RingSize == 0 || plan.RingSize >= plan.Window);
            if (plan.AlibiSlopes.Count != 0)
                Assert.Equal(ReferenceAttention.AlibiSlopesFor(plan.Shape.QueryHeads), plan.AlibiSlopes);

            string text = plan.ToString();
            Assert.StartsWith($"{plan.Name}: {plan.Shape}\n", text);
            Assert.All(plan.Stages, stage => Assert.Contains(stage, text));
        }
    }

    [Fact]
    public void ThePlanHoldsWhatWasDeclared()
    {
        AttentionPlan plan = Kernels.Variants.Named(nameof(Kernels.Variants.EverythingOf256F16)).Plan;
        Assert.Equal(new AttentionShape(HeadDim: 256, QueryHeads: 3, KeyValueHeads: 3), plan.Shape);
        Assert.Equal((true, 17, 5, 8f, 0.1f), (plan.Causal, plan.Window, plan.Sinks, plan.SoftCap, plan.Scale));
        Assert.Equal((KvFormat.Float16, 3), (plan.Format, plan.AlibiSlopes.Count));
        Assert.Equal(1 / MathF.Sqrt(40), Kernels.Variants.Named(nameof(Kernels.Variants.FullOf40F32)).Plan.Scale);
    }

    /// <summary>Keys and values and nothing else; rows are padded to whole vectors of 16 scalars, and scales of 8-bit rows by 15 behind each head.</summary>
    [Theory]
    [InlineData(nameof(Kernels.Variants.CausalOf128F32), 1000 * 2 * (2 * 128) * 4)]
    [InlineData(nameof(Kernels.Variants.CausalOf128F16), 1000 * 2 * (2 * 128) * 2)]
    [InlineData(nameof(Kernels.Variants.CausalOf128BF16), 1000 * 2 * (2 * 128) * 2)]
    [InlineData(nameof(Kernels.Variants.AlibiOf40F32), 1000 * 2 * (2 * 48) * 4)]
    [InlineData(nameof(Kernels.Variants.CausalOf128I8), 1000 * 2 * (2 * 128) + 2 * 2 * 1015 * 4)]
    public void CachesTakeKeysAndValues(string name, long bytes)
    {
        KvCache cache = Kernels.Variants.Named(name).CreateCache(1000);
        Assert.Equal((0, 1000, bytes), (cache.Length, cache.Capacity, cache.SizeInBytes));
        cache.Dispose();
        Assert.Equal(0, cache.SizeInBytes);
    }
}
