using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Ilgpu;

/// <summary>
/// Emits what every kernel of the device asks of one row and one key: whether the row sees the key, and the logit of their dot product.
/// </summary>
static class DeviceScoreEmitter
{
    const string FaultsName = "faults";

    /// <summary>
    /// Whether kernels test a mask in decode, where intervals alone hold what one query sees unless the plan tests tiles, or a list holds keys that a mask may hide from this query.
    /// </summary>
    public static bool TestsInDecode(KernelPlan plan) => plan.TestsTiles || plan.Selection is { TestsChosen: true };

    /// <summary>Whether there is a mask to test at all.</summary>
    public static bool HasMask(KernelPlan plan) => plan.Mask is not null || plan.Spec.Masks.Count != 0;

    /// <summary>Whether rows of one token may differ in the keys that they see in decode.</summary>
    public static bool DiffersByRow(KernelPlan plan) => plan.Spec.Scores.Count != 0 || TestsInDecode(plan);

    /// <summary>Whether the dot product is the logit as it is.</summary>
    public static bool IsPlain(KernelPlan plan) => plan.Logit == Expr.Score && plan.Spec.Scores.Count == 0 && plan.LogitFactor == 1;

    /// <summary>The functions that may read outside of a table in the middle of a call.</summary>
    public static FunctionSpec[] CheckedFunctions(KernelPlan plan) =>
        [.. plan.Functions.Where(function => function.Elements.Any(element => !plan.IsCheckedAtCall(element)))];

    /// <summary>Whether some function reads a captured value, or a stage a table of constants.</summary>
    public static bool UsesCaptured(KernelPlan plan) => plan.Spec.Captures.Count != 0 || plan.Spec.Alibi;

    /// <summary>The test of one row and one key.</summary>
    public static string Sees(KernelPlan plan, PairNames names) => $"Sees({Pass(MaskParameters(plan), names)})";

    /// <summary>The logit of a dot product.</summary>
    public static string Logit(KernelPlan plan, string dot, PairNames names) =>
        IsPlain(plan) ? dot : $"Logit({dot}{Others(Pass(LogitParameters(plan), names))})";

    /// <summary>What the test of a row and a key takes.</summary>
    public static PairParameter[] MaskParameters(KernelPlan plan) => Parameters(
        variable => plan.Mask?.DependsOn(variable) == true || plan.Spec.Masks.Any(mask => mask.DependsOn(variable)),
        ReadsCaptured(plan.Spec.Masks), Checks(plan, plan.Spec.Masks));

    /// <summary>What the logit takes beside the dot product.</summary>
    public static PairParameter[] LogitParameters(KernelPlan plan) => IsPlain(plan) ? [] : Parameters(
        variable => plan.Logit.DependsOn(variable) || plan.Spec.Scores.Any(score => score.DependsOn(variable)),
        ReadsCaptured(plan.Spec.Scores) || plan.Spec.Alibi, Checks(plan, plan.Spec.Scores));

    /// <summary>Parameters as a method declares them.</summary>
    public static string Declare(IEnumerable<PairParameter> parameters) => string.Join(", ", parameters.Select(parameter => $"{parameter.Type} {parameter.Name}"));

    /// <summary>Arguments for parameters.</summary>
    public static string Pass(IEnumerable<PairParameter> parameters, PairNames names) => string.Join(", ", parameters.Select(parameter => parameter.Variable switch
    {
        VariableKind.Key => names.Key,
        VariableKind.Head => names.Head,
        VariableKind.Query => names.Query,
        null when parameter.Name == FaultsName => names.Faults,
        _ => parameter.Name,
    }));

    /// <summary>More arguments or parameters behind others.</summary>
    public static string Others(string list) => list.Length == 0 ? "" : ", " + list;

    /// <summary>Whether the kernel needs a variable for its calls.</summary>
    public static bool Needs(KernelPlan plan, VariableKind variable, bool masked) =>
        LogitParameters(plan).Any(parameter => parameter.Variable == variable) || masked && MasksNeed(plan, variable);

    /// <summary>Whether the test of a row and a key needs a variable.</summary>
    public static bool MasksNeed(KernelPlan plan, VariableKind variable) => MaskParameters(plan).Any(parameter => parameter.Variable == variable);

    public static void Emit(SourceWriter writer, KernelPlan plan)
    {
        if (HasMask(plan))
            EmitSees(writer, plan);
        if (!IsPlain(plan))
            EmitLogit(writer, plan);
    }

    static void EmitSees(SourceWriter writer, KernelPlan plan)
    {
        writer.Write("/// <summary>Whether a row sees a key.</summary>");
        writer.Open($"static bool Sees({Declare(MaskParameters(plan))})");
        if (plan.Spec.Masks.Count == 0)
        {
            writer.Write($"return {DevicePrinter.Print(plan.Mask!)};");
            writer.Close();
            writer.Blank();
            return;
        }

        writer.Write(plan.Mask is null ? "bool visible = true;" : $"bool visible = {DevicePrinter.Print(plan.Mask)};");
        foreach (FunctionSpec mask in plan.Spec.Masks)
        {
            string? outside = EmitLocals(writer, plan, mask);
            string result = Conjunct(mask.Result);
            // A key that is outside of a table counts as visible here, so that only the other masks can excuse it.
            writer.Write(outside is null ? $"visible = visible && {result};" : $"visible = visible && ({outside} || {result});");
        }

        foreach (FunctionSpec mask in CheckedFunctions(plan).Intersect(plan.Spec.Masks))
            EmitFault(writer, plan, mask, $"visible && {OutsideName(mask)}");
        writer.Write("return visible;");
        writer.Close();
        writer.Blank();
    }

    static void EmitLogit(SourceWriter writer, KernelPlan plan)
    {
        writer.Write("/// <summary>The logit of a row and a key that it sees, from their dot product.</summary>");
        writer.Open($"static float Logit(float logit{Others(Declare(LogitParameters(plan)))})");
        if (plan.Logit != Expr.Score)
        {
            bool isAll = plan.Spec.Scores.Count == 0 && plan.LogitFactor == 1;
            writer.Write($"""
                // {plan.LogitText}{(plan.FoldedFactor == 1 ? "" : ", in units of log2")}
                {(isAll ? "return" : "logit =")} {DevicePrinter.Print(plan.Logit)};
                """);
            if (isAll)
            {
                writer.Close();
                writer.Blank();
                return;
            }
        }

        foreach (FunctionSpec score in plan.Spec.Scores)
        {
            string? outside = EmitLocals(writer, plan, score);
            writer.Write($"logit = {DevicePrinter.Print(score.Result)};");
            if (outside is not null)
                EmitFault(writer, plan, score, outside);
        }

        writer.Write(plan.LogitFactor == 1 ? "return logit;" : $"return logit * {Literal.Of(plan.LogitFactor)}; // weights are powers of 2");
        writer.Close();
        writer.Blank();
    }

    // The user's code in front, then its locals; the condition under which it reads outside of a table, if it can.
    static string? EmitLocals(SourceWriter writer, KernelPlan plan, FunctionSpec function)
    {
        if (function.Text.Count == 1)
            writer.Write($"// {function.Name}: {function.Text[0]}");
        else
        {
            writer.Write($"// {function.Name}:");
            foreach (string line in function.Text)
                writer.Write($"//   {line}");
        }

        var outside = new List<string>();
        foreach (LocalDefinition definition in function.Locals)
        {
            string value = definition.Value is CapturedElement element ? DevicePrinter.Element(element) : DevicePrinter.Print(definition.Value);
            writer.Write($"{ScalarPrinter.TypeName(definition.Local.Type)} {definition.Local.Name} = {value};");
            if (definition.Value is CapturedElement read && !plan.IsCheckedAtCall(read))
                outside.Add(Outside(read));
        }

        if (outside.Count == 0)
            return null;
        writer.Write($"bool {OutsideName(function)} = {string.Join("\n    || ", outside.Distinct())};");
        return OutsideName(function);
    }

    static string Outside(CapturedElement element)
    {
        string[] checks =
        [
            .. Enumerable.Range(0, element.Indices.Count).Select(i =>
                $"DeviceMath.Outside({DevicePrinter.Print(element.Indices[i])}, {DevicePrinter.Print(new CapturedLength(element.Capture, i))})"),
        ];
        string any = string.Join(" || ", checks);
        return element.Reached is null ? any
            : $"{Conjunct(element.Reached)} && {(checks.Length > 1 ? $"({any})" : any)}";
    }

    static void EmitFault(SourceWriter writer, KernelPlan plan, FunctionSpec function, string condition)
    {
        int index = CheckedFunctions(plan).TakeWhile(other => other != function).Count();
        writer.Nested($"if ({condition})", $"faults[{index}] = 1;");
    }

    static string OutsideName(FunctionSpec function) => "outside" + function.Name;

    // A condition among others that must all hold.
    static string Conjunct(Expr condition) =>
        condition is Select or Binary { Operator: BinaryOperator.Or } ? $"({DevicePrinter.Print(condition)})" : DevicePrinter.Print(condition);

    static PairParameter[] Parameters(System.Func<VariableKind, bool> dependsOn, bool captured, bool faults)
    {
        VariableKind[] variables = [VariableKind.Batch, VariableKind.KeyValueHead, VariableKind.Head, VariableKind.Query, VariableKind.Key];
        return
        [
            .. variables.Where(dependsOn).Select(variable => new PairParameter("int", DevicePrinter.Name(variable), variable)),
            .. captured ? [new PairParameter("Captured", "captured", null)] : (PairParameter[])[],
            .. faults ? [new PairParameter("ArrayView<int>", FaultsName, null)] : (PairParameter[])[],
        ];
    }

    static bool ReadsCaptured(IEnumerable<FunctionSpec> functions) =>
        functions.SelectMany(function => function.Expressions).SelectMany(CaptureEmitter.WithOperands)
            .Any(expr => expr is CapturedElement or CapturedScalar or CapturedLength);

    static bool Checks(KernelPlan plan, IEnumerable<FunctionSpec> functions) => functions.Intersect(CheckedFunctions(plan)).Any();
}

/// <summary>What a method takes that is asked about a row and a key.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Name">Its name.</param>
/// <param name="Variable">The variable of expressions that it is, if it is one.</param>
sealed record PairParameter(string Type, string Name, VariableKind? Variable);

/// <summary>What a row and a key are called where a kernel asks about them.</summary>
/// <param name="Query">The row's position.</param>
/// <param name="Head">The row's query head.</param>
/// <param name="Key">The key's position.</param>
/// <param name="Faults">Where functions note that they read outside of a table.</param>
sealed record PairNames(string Query, string Head, string Key, string Faults);
