using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>Emits the loops over keys and distances that compute, before a tile's rows, what its rows have in common.</summary>
static class HoistEmitter
{
    public static void Emit(SourceWriter writer, KernelPlan plan, TilePlan tile)
    {
        foreach (HoistLoop loop in plan.Hoists.Loops)
        {
            EmitLoop(writer, plan, tile, loop);
            writer.Blank();
        }
    }

    /// <summary>Calls of the loops for a block of keys.</summary>
    public static string Calls(KernelPlan plan) => string.Concat(plan.Hoists.Loops.Select(loop => $"TSimd.{loop.Method}(call, key, count);\n        "));

    /// <summary>How a loop is called.</summary>
    public static string SignatureOf(HoistLoop loop) =>
        $"void {loop.Method}(in KernelCall call, int {(loop.Axis == HoistAxis.Distance ? "blockKey" : "firstKey")}, int keys)";

    /// <summary>The reference to a row's values.</summary>
    public static string RowOf(HoistedLanes lanes, KernelPlan plan) => Reference(
        lanes, plan, (lanes.PerHead ? $" + headOfGroup * {Span(lanes, plan)}" : "") + (lanes.Axis == HoistAxis.Distance ? " + call.Tokens - 1 - token" : ""));

    static void EmitLoop(SourceWriter writer, KernelPlan plan, TilePlan tile, HoistLoop loop)
    {
        bool byDistance = loop.Axis == HoistAxis.Distance;
        var printer = new SimdPrinter(plan, tile.Bits);
        string[] statements = [.. printer.Statements(loop.Locals)], values = [.. loop.Values.Select(value => printer.Vector(value.Value))];
        HoistedLanes[] loaded = [.. loop.Locals.Select(local => local.Value).OfType<HoistedLanes>()];
        string v = $"Vector{tile.Bits}";
        string what = byDistance ? "the distance of query and key" : "the key";
        string whose = byDistance ? "all distances between the tile's queries and a block of keys" : "a block of keys";

        writer.Write($"""
            /// <summary>What {loop.Function.Name} computes from {what}{(loop.PerHead ? " and the head" : "")} alone, for {whose}.</summary>
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            """);
        writer.Open("public static " + SignatureOf(loop));
        Expr[] expressions = [.. loop.Locals.Select(local => local.Value), .. loop.Values.Select(value => value.Value)];
        CaptureEmitter.EmitTables(writer, plan, expressions);
        if (byDistance)
        {
            writer.Write("""
                // The first query stands for all of them: a later query is as far from a key as the first one from an earlier key.
                int query = call.FirstQuery;
                int earlier = call.Tokens - 1;
                int firstKey = blockKey - earlier;
                """);
        }

        if (loop.PerHead)
        {
            writer.Open("for (int headOfGroup = 0; headOfGroup < Group; headOfGroup++)");
            writer.Write("int head = call.KeyValueHead * Group + headOfGroup;");
        }

        foreach (string local in printer.RowLocals)
            writer.Write(local);
        foreach (HoistedLanes lanes in loaded.Concat(loop.Values.Select(value => value.Lanes)).Distinct())
            writer.Write(Reference(lanes, plan, lanes.PerHead ? $" + headOfGroup * {Span(lanes, plan)}" : ""));
        writer.Open($"for (int i = 0; i < {(byDistance ? "earlier + keys" : "keys")}; i += {tile.Lanes})");
        if (expressions.Any(expr => expr.WithParts.Contains(Expr.Key)))
            writer.Write($"{v}<int> key = Lanes{tile.Bits}.Ascending(firstKey + i);");
        SoftmaxEmitter.EmitQuote(writer, loop.Function);
        foreach (string statement in statements)
            writer.Write(statement);
        foreach ((HoistedLanes lanes, string value) in loop.Values.Zip(values, (value, text) => (value.Lanes, text)))
        {
            if (value != lanes.Name)
                writer.Write($"{printer.VectorOf(lanes.Type)} {lanes.Name} = {value};");
            writer.Write($"Lanes{tile.Bits}.Store({lanes.Name}{(lanes.Type == ExprType.Float ? "" : ".AsSingle()")}, ref {lanes.RowName}, i);");
        }

        writer.Close();
        if (loop.PerHead)
            writer.Close();
        writer.Close();
    }

    static string Span(HoistedLanes lanes, KernelPlan plan) => lanes.Axis == HoistAxis.Distance ? Literal.Of(plan.Hoists.DistanceLanes) : "BlockKeys";

    static string Reference(HoistedLanes lanes, KernelPlan plan, string row) =>
        $"ref float {lanes.RowName} = ref Float32Row.At(ref call.Scratch, Hoisted{(lanes.Offset == 0 ? "" : " + " + Literal.Of(lanes.Offset))}{row});";
}
