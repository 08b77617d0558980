namespace AttentionComposer.Generators.Model;

/// <summary>How keys and values are stored; mirrors the runtime's enum by name and order.</summary>
enum KvFormat
{
    Float32,
    Float16,
    BFloat16,
    Int8,
}

/// <summary>What the formats' names stand for.</summary>
static class KvFormats
{
    /// <summary>Bytes of a stored scalar.</summary>
    public static int ScalarSize(this KvFormat format) => format switch
    {
        KvFormat.Float32 => 4,
        KvFormat.Int8 => 1,
        _ => 2,
    };
}

/// <summary>A type that the pipeline class is nested in.</summary>
/// <param name="Keyword">For instance <c>record struct</c>.</param>
/// <param name="Name">The type's name.</param>
sealed record ContainingType(string Keyword, string Name);

/// <summary>One declaration, read and checked: what the user wrote, as plain values.</summary>
sealed record PipelineSpec
{
    /// <summary>The namespace, or an empty text for the global one.</summary>
    public required string Namespace { get; init; }

    /// <summary>The types around the class, outermost first.</summary>
    public required EquatableArray<ContainingType> ContainingTypes { get; init; }

    /// <summary>The class's keyword: <c>class</c> or <c>record</c>.</summary>
    public required string Keyword { get; init; }

    /// <summary>The class's name.</summary>
    public required string Name { get; init; }

    /// <summary>Names used by generated code that mean something else where the class stands; they are written in full there.</summary>
    public required EquatableArray<string> HiddenNames { get; init; }

    public required int HeadDim { get; init; }

    public required int QueryHeads { get; init; }

    public required int KeyValueHeads { get; init; }

    /// <summary>The softmax scale; null for the default 1/sqrt(HeadDim).</summary>
    public float? Scale { get; init; }

    public bool Causal { get; init; }

    /// <summary>Visible keys of a sliding window; 0 without one.</summary>
    public int Window { get; init; }

    /// <summary>Keys at the start that stay visible; 0 without sinks.</summary>
    public int Sinks { get; init; }

    /// <summary>Positions in one of Star Attention's blocks; 0 without Star.</summary>
    public int StarBlock { get; init; }

    /// <summary>Positions of Star's anchor.</summary>
    public int StarAnchor { get; init; }

    public bool Alibi { get; init; }

    /// <summary>Bound of the soft-capped scores; 0 without one.</summary>
    public float SoftCap { get; init; }

    public KvFormat Format { get; init; }

    /// <summary>The score functions by their order.</summary>
    public EquatableArray<FunctionSpec> Scores { get; init; }

    /// <summary>The mask functions in the order of their declaration.</summary>
    public EquatableArray<FunctionSpec> Masks { get; init; }

    /// <summary>What the functions read of the pipeline.</summary>
    public EquatableArray<Capture> Captures { get; init; }

    /// <summary>The field of sink logits; null without one.</summary>
    public string? SinkLogits { get; init; }

    public Normalization Normalization { get; init; }

    /// <summary>How a decode step chooses keys; null when it reads them all.</summary>
    public SelectionSpec? Selection { get; init; }

    /// <summary>Whether the pipeline gets kernels for devices too: its project references AttentionComposer.Ilgpu, and they exist for all of its stages.</summary>
    public bool OnDevice { get; init; }

    /// <summary>Scalars from one cached row to the next: the head size rounded up to the widest vector.</summary>
    public int RowStride => (HeadDim + 15) / 16 * 16;

    /// <summary>Query heads that read one key/value head.</summary>
    public int GroupSize => QueryHeads / KeyValueHeads;

    /// <summary>The namespace, the containing types and the name, separated by dots.</summary>
    public string FullName
    {
        get
        {
            string name = Name;
            for (int i = ContainingTypes.Count - 1; i >= 0; i--)
                name = ContainingTypes[i].Name + "." + name;
            return Namespace.Length == 0 ? name : Namespace + "." + name;
        }
    }
}
