using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>What the device's kernels for many tokens have in common: tiles of rows go through blocks of keys that some of the rows see.</summary>
abstract class DeviceTileEmitter(SourceWriter writer, KernelPlan plan, DevicePlan device)
{
    protected SourceWriter Writer => writer;
    protected KernelPlan Plan => plan;
    protected DevicePlan Device => device;
    protected int HeadDim => plan.Spec.HeadDim;
    protected int Quarter => HeadDim / 4;
    protected int TileRows => device.PrefillRows;
    protected int TileKeys => device.PrefillKeys;
    protected bool HasMask => DeviceScoreEmitter.HasMask(plan);
    int Intervals => plan.Intervals.Count;

    /// <summary>Emits where the group of threads is in the call.</summary>
    /// <param name="threads">What a thread knows of its own place.</param>
    protected void EmitPlace(string threads)
    {
        writer.Write(threads);
        writer.Write("int keyValueHead = Grid.IdxY, sequence = Grid.IdxZ, split = Grid.IdxX % call.Splits;");
        if (plan.DependsOn(VariableKind.Batch))
            writer.Write("int batch = call.FirstSequence + sequence;");
        writer.Write($"""
            int rows = call.LaunchTokens * Group;

            // The last tokens see the most keys under a causal mask: they go first.
            int firstRow = (Grid.DimX - 1 - Grid.IdxX) / call.Splits * {TileRows};
            int length = call.Lengths[sequence], launchQuery = length - call.Tokens + call.FirstToken;
            int firstQuery = launchQuery + firstRow / Group, lastQuery = launchQuery + Math.Min(firstRow + {TileRows - 1}, rows - 1) / Group;
            """);
        if (DeviceScoreEmitter.UsesCaptured(plan))
            writer.Write("Captured captured = Read(call);");
        writer.Blank();
    }

    /// <summary>Emits which blocks of keys the tile goes through, and where keys, values and queries are.</summary>
    protected void EmitBlocks()
    {
        writer.Write("// The blocks of keys that some row sees, and this split's share of them.");
        for (int i = 0; i < Intervals; i++)
        {
            writer.Write($"int low{i} = {DevicePrinter.Intervals.Low(plan, i, "firstQuery", "lastQuery")}, high{i} = {DevicePrinter.Intervals.High(plan, i, "firstQuery", "lastQuery")};");
            if (HasMask && !plan.TestsTiles)
                writer.Write($"int fullLow{i} = {DevicePrinter.Intervals.FullLow(plan, i, "firstQuery", "lastQuery")}, fullHigh{i} = {DevicePrinter.Intervals.FullHigh(plan, i, "firstQuery", "lastQuery")};");
            if (Intervals > 1)
                writer.Write($"int blocks{i} = (Math.Max(0, high{i} - low{i}) + {TileKeys - 1}) / {TileKeys};");
        }

        string blocks = Intervals == 1
            ? $"(Math.Max(0, high0 - low0) + {TileKeys - 1}) / {TileKeys}"
            : string.Join(" + ", Enumerable.Range(0, Intervals).Select(i => $"blocks{i}"));
        writer.Write($"""
            int blocks = {blocks};
            int begin = (int)((long)blocks * split / call.Splits), end = (int)((long)blocks * (split + 1) / call.Splits);
            long firstChunk = ((long)sequence * KeyValueHeads + keyValueHead) * call.Capacity * RowChunks;
            ArrayView<Chunk> keyRows = call.Keys.SubView(firstChunk, (long)call.Capacity * RowChunks);
            ArrayView<Chunk> valueRows = call.Values.SubView(firstChunk, (long)call.Capacity * RowChunks);
            long firstQueryRow = ((long)sequence * call.Tokens + call.FirstToken) * QueryHeads + keyValueHead * Group;
            ArrayView<Float4> queries = call.Queries.Cast<Float4>().SubView(firstQueryRow * {Quarter});

            """);
    }

    /// <summary>Emits the variables of a row that logits depend on.</summary>
    /// <param name="row">The row's name.</param>
    /// <param name="number">Its number in the launch.</param>
    protected void EmitRow(string row, string number)
    {
        bool query = DeviceScoreEmitter.Needs(plan, VariableKind.Query, masked: false), head = DeviceScoreEmitter.Needs(plan, VariableKind.Head, masked: false);
        if (query || head)
            writer.Write($"int row{row} = Math.Min({number}, rows - 1);");
        EmitRowVariables(row);
    }

    /// <summary>The same where the row's number is there already.</summary>
    protected void EmitRowVariables(string row)
    {
        if (DeviceScoreEmitter.Needs(plan, VariableKind.Query, masked: false))
            writer.Write($"int query{row} = launchQuery + row{row} / Group;");
        if (DeviceScoreEmitter.Needs(plan, VariableKind.Head, masked: false))
            writer.Write($"int head{row} = keyValueHead * Group + row{row} % Group;");
    }

    /// <summary>Emits which keys a block holds, and which of its own pairs of a row and a key a thread may see.</summary>
    /// <param name="seen">The method that tells, and the arguments in front of <c>high</c>.</param>
    /// <param name="all">The bits when every row sees every key.</param>
    protected void EmitBlock(string seen, string all)
    {
        if (Intervals == 1)
        {
            writer.Write($"int firstKey = low0 + block * {TileKeys}, high = high0;");
            if (!plan.TestsTiles)
                writer.Write($"bool full = {Full(0)};");
        }
        else
        {
            writer.Write($"int firstKey, high, next = block;{(plan.TestsTiles ? "" : "\nbool full;")}");
            for (int i = 0; i < Intervals; i++)
            {
                bool isLast = i == Intervals - 1;
                writer.Open((i == 0 ? "" : "else ") + (isLast ? "" : $"if (next < blocks{i})"));
                EmitBlockOf(i);
                writer.Close();
            }
        }

        string others = DeviceScoreEmitter.Pass(SeenParameters, new PairNames("", "", "", "call.Faults"));
        seen += $", high{DeviceScoreEmitter.Others(others)})";
        if (plan.TestsTiles)
        {
            writer.Write($"""
                uint seen = {seen};
                if (!ThreadGroup.BarrierOr(seen != 0))
                    continue; // no row sees a key of the block
                """);
        }
        else
            writer.Write($"uint seen = full ? {all} : {seen};");
        writer.Blank();
    }

    /// <summary>Emits the method that tells which pairs of a row and a key are visible.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bits">What its bits are.</param>
    /// <param name="count">How many pairs it goes through.</param>
    /// <param name="row">The row of pair i, from <c>firstRow</c> on.</param>
    /// <param name="key">The key of pair i, from <c>firstKey</c> on.</param>
    protected void EmitSeen(string name, string bits, int count, string row, string key)
    {
        writer.Write($"/// <summary>Which keys some rows see: {bits}.</summary>");
        writer.Open($"static uint {name}(int firstRow, int rows, int launchQuery, int firstKey, int high{DeviceScoreEmitter.Others(DeviceScoreEmitter.Declare(SeenParameters))})");
        writer.Write("uint seen = 0;");
        writer.Open($"for (int i = 0; i < {count}; i++)");
        if (HasMask)
            writer.Write($"int row = Math.Min(firstRow + {row}, rows - 1);");
        writer.Write($"int key = firstKey + {key};");
        if (HasMask && DeviceScoreEmitter.MasksNeed(plan, VariableKind.Query))
            writer.Write("int query = launchQuery + row / Group;");
        if (HasMask && DeviceScoreEmitter.MasksNeed(plan, VariableKind.Head))
            writer.Write("int head = keyValueHead * Group + row % Group;");
        string visible = HasMask ? $"key < high && {DeviceScoreEmitter.Sees(plan, new PairNames("query", "head", "key", "faults"))}" : "key < high";
        writer.Nested($"if ({visible})", "seen |= 1u << i;");
        writer.Close();
        writer.Blank();
        writer.Write("return seen;");
        writer.Close();
        writer.Blank();
    }

    // What such a method takes beside the rows and keys that it goes through.
    IEnumerable<PairParameter> SeenParameters
    {
        get
        {
            PairParameter[] all = HasMask ? DeviceScoreEmitter.MaskParameters(plan) : [];
            var group = new PairParameter("int", "keyValueHead", VariableKind.KeyValueHead);
            IEnumerable<PairParameter> others = all.Where(parameter => parameter.Variable is not (VariableKind.Query or VariableKind.Key or VariableKind.Head));
            return all.Any(parameter => parameter.Variable == VariableKind.Head) && !all.Contains(group) ? others.Prepend(group) : others;
        }
    }

    void EmitBlockOf(int i)
    {
        string block = i == 0 ? "next" : $"(next - {string.Join(" - ", Enumerable.Range(0, i).Select(j => $"blocks{j}"))})";
        writer.Write($"""
            firstKey = low{i} + {block} * {TileKeys};
            high = high{i};
            """);
        if (!plan.TestsTiles)
            writer.Write($"full = {Full(i)};");
    }

    string Full(int i) => HasMask
        ? $"firstKey >= fullLow{i} && firstKey + {TileKeys} <= fullHigh{i}"
        : $"firstKey + {TileKeys} <= high{i}";
}
