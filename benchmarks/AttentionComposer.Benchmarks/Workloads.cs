namespace AttentionComposer.Benchmarks;

/// <summary>Every row of the table.</summary>
static class Workloads
{
    static readonly IAttention Float32 = new DenseFloat32(), Float16 = new DenseFloat16(), BFloat16 = new DenseBFloat16(), Int8 = new DenseInt8();

    /// <summary>The groups of a phase: what is held in memory and measured in turn, up to 6 GB.</summary>
    /// <param name="phase">decode, prefill, selection or break-even.</param>
    public static IEnumerable<Workload[]> Groups(string phase, int threads) => phase switch
    {
        "decode" => DecodeGroups(threads),
        "prefill" => PrefillGroups(threads),
        "selection" => SelectionGroups(),
        _ => BreakEvenGroups(),
    };

    // One format at a time: a selection's cache holds the keys twice.
    static IEnumerable<Workload[]> SelectionGroups()
    {
        foreach (int tokens in (int[])[4096, 16384, 65536])
        {
            yield return
            [
                AttentionWorkload.Decode("dense", Float32, tokens),
                AttentionWorkload.Decode("SparQ r 32, k 128", new SparQFloat32(), tokens),
                AttentionWorkload.Decode("top-k 128", new TopKFloat32(), tokens),
                AttentionWorkload.Decode("64 pages of 16", new PagesFloat32(), tokens),
            ];
            yield return SparQ(Float16, new SparQFloat16(), tokens);
            yield return SparQBatch(Float16, new SparQFloat16(), tokens);
            if (tokens < 65536) // 8 sequences of this length would be 11 GB
                yield return SparQBatch(Float32, new SparQFloat32(), tokens);
        }
    }

    // Where SparQ begins to pay: short sequences, on which choosing costs more than reading everything.
    static IEnumerable<Workload[]> BreakEvenGroups()
    {
        foreach (int tokens in (int[])[256, 384, 512, 768, 1024, 1536, 2048])
        {
            yield return SparQ(Float32, new SparQFloat32(), tokens);
            yield return SparQ(Float16, new SparQFloat16(), tokens);
            yield return SparQBatch(Float32, new SparQFloat32(), tokens);
            yield return SparQBatch(Float16, new SparQFloat16(), tokens);
        }
    }

    static Workload[] SparQ(IAttention dense, IAttention sparse, int tokens) =>
        [AttentionWorkload.Decode("dense", dense, tokens), AttentionWorkload.Decode("SparQ r 32, k 128", sparse, tokens)];

    static Workload[] SparQBatch(IAttention dense, IAttention sparse, int tokens) =>
    [
        AttentionWorkload.Batch("8 sequences", dense, tokens, batch: 8),
        AttentionWorkload.Batch("8 sequences, SparQ r 32, k 128", sparse, tokens, batch: 8),
    ];

    static IEnumerable<Workload[]> DecodeGroups(int threads)
    {
        yield return
        [
            .. Decode(4096, threads),
            AttentionWorkload.Decode("dense", Float16, 4096, fromMemory: false),
            AttentionWorkload.Decode("dense", Float32, 4096, fromMemory: false),
            AttentionWorkload.Decode("dense", Int8, 4096, fromMemory: false),
            AttentionWorkload.Batch("8 sequences", Float32, 4096, batch: 8),
            AttentionWorkload.Batch("8 sequences", Float16, 4096, batch: 8),
            AttentionWorkload.Batch("8 sequences", Int8, 4096, batch: 8),
        ];
        yield return
        [
            .. Decode(16384, threads),
            AttentionWorkload.Decode("8/8 heads", new MultiHeadFloat16(), 16384),
            AttentionWorkload.Decode("8/8 heads", new MultiHeadInt8(), 16384),
            AttentionWorkload.Decode("soft cap", new SoftCapFloat32(), 16384),
            AttentionWorkload.Decode("ALiBi", new AlibiFloat32(), 16384),
            AttentionWorkload.Decode("window 1024", new WindowFloat32(), 16384),
            AttentionWorkload.Decode("window 1024, sinks, cap, ALiBi", new LocalFloat16(), 16384),
        ];
        yield return Decode(65536, threads);
    }

    static IEnumerable<Workload[]> PrefillGroups(int threads)
    {
        yield return
        [
            .. Prefill(1024),
            AttentionWorkload.Prefill("appending", Float32, 1024, appends: true),
            AttentionWorkload.Prefill("not causal", new EncoderFloat32(), 1024),
            ComposedWorkload.Prefill(Float32.Plan, 1024, threads),
        ];
        yield return
        [
            .. Prefill(4096),
            AttentionWorkload.Prefill("window 1024, appending", new WindowFloat32(), 4096, appends: true),
            AttentionWorkload.Prefill("window 1024, sinks, cap, ALiBi, appending", new LocalFloat16(), 4096, appends: true),
        ];
    }

    static Workload[] Decode(int tokens, int threads) =>
    [
        AttentionWorkload.Decode("dense", Float32, tokens),
        AttentionWorkload.Decode("dense", Float16, tokens),
        AttentionWorkload.Decode("dense", BFloat16, tokens),
        AttentionWorkload.Decode("dense", Int8, tokens),
        ComposedWorkload.Decode(Float32.Plan, tokens, threads),
    ];

    static Workload[] Prefill(int tokens) =>
    [
        AttentionWorkload.Prefill("dense", Float32, tokens),
        AttentionWorkload.Prefill("dense", Float16, tokens),
        AttentionWorkload.Prefill("dense", BFloat16, tokens),
        AttentionWorkload.Prefill("dense", Int8, tokens),
        AttentionWorkload.Prefill("soft cap", new SoftCapFloat32(), tokens),
        AttentionWorkload.Prefill("ALiBi", new AlibiFloat32(), tokens),
    ];
}
