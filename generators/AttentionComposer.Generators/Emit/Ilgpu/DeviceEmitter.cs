using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>Emits the second file of a pipeline in a project that references AttentionComposer.Ilgpu: its kernels for a device.</summary>
static class DeviceEmitter
{
    public static string Emit(KernelPlan plan)
    {
        if (plan.Spec.StarBlock > 0)
            plan = plan.WithinAnchorAndBlock;
        var device = DevicePlan.Of(plan);
        PipelineSpec spec = plan.Spec;
        var writer = new SourceWriter();
        PipelineEmitter.EmitHeader(writer, spec, """
            using global::System;
            using global::AttentionComposer.Ilgpu.Kernels;
            using global::AttentionComposer.Kernels;
            using global::ILGPU;
            using global::ILGPU.Algorithms;
            using ThreadGroup = global::ILGPU.Group;
            """);
        foreach (ContainingType type in spec.ContainingTypes)
            writer.Open($"partial {type.Keyword} {PipelineEmitter.Identifier(type.Name)}");

        writer.Open($"partial {spec.Keyword} {PipelineEmitter.Identifier(spec.Name)} : IDeviceKernels");
        EmitEntries(writer, plan, device);
        EmitCapture(writer, plan);
        writer.Write("#nullable disable // nothing below can be null");
        writer.Blank();
        writer.Write($"/// <summary>{spec.Name} on a device: Decode or Prefill leave parts of rows' results, which the runtime merges.</summary>");
        writer.Open("static class DeviceKernels");
        writer.Write($"""
            const int QueryHeads = {spec.QueryHeads};
            const int KeyValueHeads = {spec.KeyValueHeads};
            const int RowChunks = {device.Chunks}; // 16 bytes each, of one cached row

            """);
        switch (plan.Selection?.Scorer)
        {
            case Scorer.Channels: DeviceChannelScoresEmitter.Emit(writer, plan, device); break;
            case Scorer.Keys: DeviceDecodeEmitter.EmitCandidateScores(writer, plan, device); break;
            case Scorer.Pages: DevicePageEmitter.Emit(writer, plan); break;
        }

        DeviceDecodeEmitter.Emit(writer, plan, device);
        DeviceDecodeEmitter.EmitPosition(writer, plan);
        DevicePrefillEmitter.Emit(writer, plan, device);
        if (device.HasTensorPrefill)
            DeviceTensorEmitter.Emit(writer, plan, device);
        if (plan.Selection is { Scorer: Scorer.PastWeights })
            DeviceWeightSumsEmitter.Emit(writer, plan, device);
        DeviceScoreEmitter.Emit(writer, plan);
        EmitCaptured(writer, plan);
        writer.TrimBlank();
        writer.Close();
        writer.Close();
        foreach (ContainingType _ in spec.ContainingTypes)
            writer.Close();
        return PipelineEmitter.WithQualifiedNames(writer.ToString(), spec);
    }

    static void EmitEntries(SourceWriter writer, KernelPlan plan, DevicePlan device)
    {
        FunctionSpec[] checkedFunctions = DeviceScoreEmitter.CheckedFunctions(plan);
        writer.Write($$"""
            static readonly DeviceTraits s_deviceTraits = new(
                DecodeTokens: {{device.DecodeTokens}}, DecodeRowTiles: {{device.RowTiles}}, DecodeKeys: {{device.GroupKeys}}, PrefillRows: {{device.PrefillRows}}, PrefillKeys: {{device.PrefillKeys}})
            {
                DecodeGroupsPerMultiprocessor = {{device.DecodeGroups}},
                PrefillGroupsPerMultiprocessor = {{device.PrefillGroups}},
            """);
        if (plan.Selection is { Scorer: Scorer.Channels })
            writer.Write($"    QueryFactor = {Literal.Of(plan.QueryFactor)},");
        if (plan.Selection is { HidesByHead: true })
            writer.Write("    HidesByHead = true,");
        if (checkedFunctions.Length > 0)
            writer.Write($"    CheckedFunctions = [{string.Join(", ", checkedFunctions.Select(function => $"\"{plan.Spec.Name}.{function.Name}\""))}],");
        writer.Write("""
            };

            DeviceTraits IDeviceKernels.Traits => s_deviceTraits;

            Action<DeviceCall> IDeviceKernels.Decode => DeviceKernels.Decode;

            Action<DeviceCall> IDeviceKernels.Prefill => DeviceKernels.Prefill;

            """);
        if (device.HasTensorPrefill)
        {
            writer.Write("""
                Action<DeviceCall>? IDeviceKernels.TensorPrefill => DeviceKernels.TensorPrefill;

                """);
        }

        if (plan.Selection is not null)
        {
            writer.Write(plan.Selection.Scorer == Scorer.PastWeights
                ? "Action<DeviceCall, DeviceEviction>? IDeviceKernels.SumWeights => DeviceKernels.SumWeights;"
                : "Action<DeviceCall, DeviceSelection>? IDeviceKernels.Score => DeviceKernels.Score;");
            writer.Blank();
        }
    }

    static void EmitCapture(SourceWriter writer, KernelPlan plan)
    {
        writer.Open("void IDeviceKernels.Capture(DeviceTables tables)");
        writer.Write("tables.Clear();");
        if (plan.Spec.Alibi)
            writer.Write($"tables.Add(AlibiSlopes, {Literal.Of(plan.Spec.QueryHeads)});");
        if (plan.Captures)
        {
            writer.Write("""
                IFusedKernels kernels = this;
                var captured = (Captured)kernels.Capture()!;
                try
                {
                """);
            foreach (Capture capture in plan.Spec.Captures)
                writer.Write($"    tables.Add({Added(capture)});");
            if (plan.Spec.SinkLogits is not null || plan.Spec.Normalization == Normalization.SoftmaxOne)
                writer.Write("    tables.AddSinkLogits(kernels.SinkLogits(captured));");
            writer.Write("""
                }
                finally
                {
                    kernels.Release(captured);
                }
                """);
        }

        writer.Close();
        writer.Blank();
    }

    static string Added(Capture capture)
    {
        string field = $"captured.{ScalarPrinter.FieldOf(capture)}";
        return capture.Rank switch
        {
            0 => field,
            1 when CaptureEmitter.IsMemory(capture) => $"{field}.Span, {field}.Length",
            1 => $"{field}, {field}.Length",
            _ => $"TableLoad.Elements({field}), {string.Join(", ", Enumerable.Range(0, capture.Rank).Select(i => $"{field}.GetLength({Literal.Of(i)})"))}",
        };
    }

    static void EmitCaptured(SourceWriter writer, KernelPlan plan)
    {
        if (!DeviceScoreEmitter.UsesCaptured(plan))
            return;
        var fields = new List<string>();
        var values = new List<string>();
        int slot = 0;
        if (plan.Spec.Alibi)
        {
            fields.Add("public ArrayView<float> AlibiSlopes; // times log2(e)");
            values.Add("AlibiSlopes = call.Floats.SubView(call.Slots[0], call.Slots[1]),");
            slot = 2;
        }

        foreach (Capture capture in plan.Spec.Captures)
        {
            string name = ScalarPrinter.FieldOf(capture);
            if (capture.Rank == 0)
            {
                fields.Add($"public {ScalarPrinter.TypeName(capture.Type)} {name};");
                values.Add($"{name} = {Scalar(capture.Type, slot)},");
                slot++;
                continue;
            }

            (string type, string elements) = capture.Type == ExprType.Float ? ("float", "Floats") : ("int", "Ints");
            string length = string.Join(" * ", Enumerable.Range(1, capture.Rank).Select(i => $"call.Slots[{slot + i}]"));
            fields.Add($"public ArrayView<{type}> {name};");
            values.Add($"{name} = call.{elements}.SubView(call.Slots[{slot}], {length}),");
            for (int i = 0; capture.Rank > 1 && i < capture.Rank; i++)
            {
                fields.Add($"public int {DevicePrinter.LengthField(capture, i)};");
                values.Add($"{DevicePrinter.LengthField(capture, i)} = call.Slots[{slot + 1 + i}],");
            }

            slot += 1 + capture.Rank;
        }

        writer.Write("static Captured Read(DeviceCall call) => new()\n{");
        foreach (string value in values)
            writer.Write("    " + value);
        writer.Write("};");
        writer.Blank();
        writer.Write("/// <summary>What the functions read of the pipeline, as it was when the call began.</summary>");
        writer.Open("struct Captured");
        foreach (string field in fields)
            writer.Write(field);
        writer.Close();
    }

    static string Scalar(ExprType type, int slot) => type switch
    {
        ExprType.Float => $"Interop.IntAsFloat((uint)call.Slots[{slot}])",
        ExprType.Int => $"call.Slots[{slot}]",
        _ => $"call.Slots[{slot}] != 0",
    };
}
