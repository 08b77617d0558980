using AttentionComposer.Caches;
using AttentionComposer.Kernels;
using AttentionComposer.Tests.Golden;

namespace AttentionComposer.Tests.Selection;

/// <summary>The golden cases of H2O: outputs of prefill and steps, the sets of kept positions, and the scores in the end.</summary>
public sealed class GoldenHeavyHittersTests
{
    public static TheoryData<string, KvFormat, int> Cases()
    {
        var cases = new TheoryData<string, KvFormat, int>();
        foreach (GoldenCase golden in GoldenCase.Of("h2o_decode"))
            foreach (KvFormat format in (KvFormat[])[KvFormat.Float32, KvFormat.Float16]) // which hold the golden inputs exactly
                foreach (int bits in KernelSettings.VectorWidths)
                    cases.Add(golden.Name, format, bits);
        return cases;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Decode(string name, KvFormat format, int vectorBits)
    {
        using var _ = KernelSettings.VectorBits(vectorBits);
        GoldenCase golden = GoldenCase.Named(name);
        Tensor q = golden.Input("q"), k = golden.Input("k"), v = golden.Input("v");
        int start = golden.Integer("start"), steps = golden.Integer("steps");
        IAttention attention = GoldenHeavyHittersPipelines.Of(golden, format);
        Assert.Equal(golden.Integer("budget") + 1, attention.Plan.Selection!.Keep);
        Assert.Equal(golden.Integer("local") + 1, attention.Plan.Selection.Forced);
        var sequence = new Sequence(attention.Shape, q.SwapWithNext(0).Data, k.SwapWithNext(0).Data, v.SwapWithNext(0).Data);

        using KvCache cache = attention.CreateCache(start + steps);
        var rows = (RowCache)cache;
        rows.Trace = new SelectionTrace(attention.Shape);
        var prefill = new float[start * attention.Shape.QueryWidth];
        attention.Attend(cache, sequence.QueriesAt(..start), sequence.KeysAt(..start), sequence.ValuesAt(..start), prefill);
        golden.Tolerance("prefill_out").Check(prefill, golden.Expected("prefill_out").SwapWithNext(0).Data, $"{name}, prefill");

        float[] alive = golden.Expected("alive").Data;
        List<float> outputs = [];
        int heads = attention.Shape.KeyValueHeads, positions = start + steps;
        for (int step = 0; step < steps; step++)
        {
            int position = start + step;
            var output = new float[attention.Shape.QueryWidth];
            attention.Attend(
                cache, sequence.QueriesAt(position..(position + 1)), sequence.KeysAt(position..(position + 1)), sequence.ValuesAt(position..(position + 1)), output);
            outputs.AddRange(output);
            for (int head = 0; head < heads; head++)
                Assert.Equal(
                    Enumerable.Range(0, position + 1).Where(each => alive[(step * heads + head) * positions + each] != 0),
                    rows.Trace.Positions[head * attention.Shape.GroupSize]);
        }

        golden.Tolerance("out").Check([.. outputs], golden.Expected("out").Data, name);
        golden.Tolerance("score").Check(
            [.. Enumerable.Range(0, heads).SelectMany(head => rows.Scores!.Of(head).ToArray())], golden.Expected("score").Data, $"{name}, scores");
    }
}
