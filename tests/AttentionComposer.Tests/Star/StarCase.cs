using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Star;

/// <summary>A golden context with its query: the two cases <c>name/phase1</c> and <c>name/phase2</c> of one name.</summary>
/// <param name="Name">The common name.</param>
/// <param name="Block">Positions in a block.</param>
/// <param name="Anchor">Positions of the anchor.</param>
/// <param name="Hosts">Hosts that the golden partial results are for.</param>
/// <param name="Context">Queries, keys and values of the context, rotated where the case asks for it.</param>
/// <param name="Question">Those of the tokens behind it.</param>
sealed record StarCase(string Name, int Block, int Anchor, int Hosts, Sequence Context, Sequence Question)
{
    public static IReadOnlyList<string> Names { get; } = [.. GoldenCase.Of("star_phase1").Select(golden => golden.Name.Split('/')[0])];

    public GoldenCase Phase1 => GoldenCase.Named(Name + "/phase1");

    public GoldenCase Phase2 => GoldenCase.Named(Name + "/phase2");

    public int Length => Context.Positions;

    public static StarCase Named(string name)
    {
        GoldenCase golden = GoldenCase.Named(name + "/phase2");
        double? theta = golden.OptionalNumber("rope_theta");
        int length = golden.Integer("context_length");
        var shape = new AttentionShape(golden.Input("q").Dimensions[2], golden.Input("q").Dimensions[0], golden.Input("k").Dimensions[0]);
        return new(
            name, golden.Integer("block"), golden.Integer("anchor"), golden.Integer("hosts"),
            new Sequence(shape, Rotated("q", 0), Rotated("k", 0), Tokens("v")),
            new Sequence(shape, Rotated("q_new", length), Rotated("k_new", length), Tokens("v_new")));

        float[] Tokens(string tensor) => golden.Input(tensor).SwapWithNext(0).Data;

        float[] Rotated(string tensor, int position)
        {
            float[] rows = Tokens(tensor);
            int heads = golden.Input(tensor).Dimensions[0];
            if (theta is double radix)
                Rotate(rows, heads, shape.HeadDim, position, radix);
            return rows;
        }
    }

    /// <summary>All keys and values, with the question's queries.</summary>
    public Sequence Whole => Question with { Keys = [.. Context.Keys, .. Question.Keys], Values = [.. Context.Values, .. Question.Values] };

    public ReferenceAttention Reference => new(Context.Shape) { Causal = true, BlockSize = Block, AnchorSize = Anchor, ContextLength = Length };

    /// <summary>
    /// What a phase should give with a cache of some format: the golden tensors, or where rounding to 8 bits makes other inputs of theirs, the reference over these.
    /// </summary>
    public Result Expected(GoldenCase phase, KvFormat format) =>
        format == KvFormat.Int8
            ? Result.OfReference(Reference, (phase.Name == Phase1.Name ? Context : Whole).Rounded(format))
            : new(phase.Expected("out").SwapWithNext(0).Data, phase.Expected("lse").SwapWithNext(0).Data);

    /// <summary>How far off that may be, output and log-sum-exp.</summary>
    public (Tolerance Output, Tolerance LogSumExp) ToleranceOf(GoldenCase phase, KvFormat format)
    {
        Tolerance? tolerance = format switch
        {
            KvFormat.Int8 => Tolerance.Float32,
            KvFormat.BFloat16 => new(3e-2, 3e-2), // keys and values round to 8 significant bits; see GoldenTests
            KvFormat.Float16 when Phase1.OptionalNumber("rope_theta") is not null => new(2e-3, 2e-3), // rotated keys are not exact in half precision
            _ => null,
        };
        return (tolerance ?? phase.Tolerance("out"), tolerance ?? phase.Tolerance("lse"));
    }

    // Rotary embedding by halves: channel c pairs with c + dim / 2, angle position * theta^(-2c / dim).
    static void Rotate(float[] rows, int heads, int dim, int position, double theta)
    {
        for (int row = 0; row < rows.Length / dim; row++)
            for (int c = 0; c < dim / 2; c++)
            {
                double angle = (position + row / heads) * Math.Pow(theta, -2.0 * c / dim);
                ref float x = ref rows[row * dim + c], y = ref rows[row * dim + c + dim / 2];
                (x, y) = ((float)(x * Math.Cos(angle) - y * Math.Sin(angle)), (float)(x * Math.Sin(angle) + y * Math.Cos(angle)));
            }
    }
}
