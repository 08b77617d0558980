using System;
using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;
using AttentionComposer.Generators.Plan;

namespace AttentionComposer.Generators.Emit.Simd;

/// <summary>
/// Prints an expression over vectors whose lanes are neighbouring keys. Parts that are the same for all keys of a row stay
/// scalar; table elements among them become locals that the caller declares before its loop over keys.
/// </summary>
/// <param name="plan">The pipeline.</param>
/// <param name="bits">The vectors' width.</param>
/// <param name="listed">Whether keys come from a list, so that those of neighbouring lanes may lie apart.</param>
sealed class SimdPrinter(KernelPlan plan, int bits, bool listed = false)
{
    readonly string _vector = $"Vector{bits}", _lanes = $"Lanes{bits}";
    readonly List<string> _rowLocals = [];
    readonly Dictionary<string, Expr> _definitions = plan.Functions.SelectMany(function => function.Locals)
        .ToDictionary(local => local.Local.Name, local => local.Value);

    /// <summary>Declarations that belong before the loop over keys, in order.</summary>
    public IReadOnlyList<string> RowLocals => _rowLocals;

    /// <summary>Prints a function: its locals, and its result as a vector.</summary>
    public FunctionText Function(FunctionSpec function)
    {
        var statements = new List<string>();
        var outside = new List<(Expr? Reached, string Check)>();
        foreach (LocalDefinition definition in function.Locals)
        {
            Local local = definition.Local;
            if (definition.Value is CapturedElement element)
                Element(local, element, statements, outside);
            else if (local.VariesWithKey)
                statements.Add($"{_vector}<{ScalarPrinter.TypeName(Lane(local.Type))}> {local.Name} = {Vector(definition.Value)};");
            else
                AddRowLocal($"{ScalarPrinter.TypeName(local.Type)} {local.Name} = {ScalarPrinter.Print(definition.Value)};");
        }

        return new FunctionText(function, statements, Vector(function.Result), outside.Count == 0 ? null : Outside(outside));
    }

    /// <summary>The expression as a vector: of floats, ints or, for conditions, ints that are 0 or all ones.</summary>
    public string Vector(Expr expr)
    {
        if (!expr.VariesWithKey)
            return expr.Type == ExprType.Bool ? $"{_lanes}.Broadcast({Uniform(expr)} ? -1 : 0)" : $"{_lanes}.Broadcast({Uniform(expr, bare: true)})";
        return expr switch
        {
            Variable { Kind: VariableKind.Score } => "logit",
            Variable variable => ScalarPrinter.Name(variable.Kind),
            Local local => local.Name,
            ToFloat { Operand: var operand } => $"{_vector}.ConvertToSingle({Vector(operand)})",
            ToInt { Operand: var operand } => $"{_vector}.ConvertToInt32({Vector(operand)})",
            Unary unary => Unary(unary),
            Binary binary => Binary(binary),
            Select { Type: ExprType.Float } select =>
                $"{_vector}.ConditionalSelect({Operand(select.Condition)}.AsSingle(), {Vector(select.WhenTrue)}, {Vector(select.WhenFalse)})",
            Select select => $"{_vector}.ConditionalSelect({Vector(select.Condition)}, {Vector(select.WhenTrue)}, {Vector(select.WhenFalse)})",
            _ => throw new InvalidOperationException($"No vector form of {expr}."),
        };
    }

    string Unary(Unary unary) => unary.Operator switch
    {
        UnaryOperator.Negate => $"-{Operand(unary.Operand)}",
        UnaryOperator.Not or UnaryOperator.Complement => $"~{Operand(unary.Operand)}",
        UnaryOperator.Tanh => $"VectorMath.Tanh({Vector(unary.Operand)})",
        UnaryOperator.Sign => $"LaneMath.Sign({Vector(unary.Operand)})",
        var function => $"{_vector}.{function}({Vector(unary.Operand)})",
    };

    string Binary(Binary binary)
    {
        Expr left = binary.Left, right = binary.Right;
        bool floats = left.Type == ExprType.Float;
        switch (binary.Operator)
        {
            case BinaryOperator.Multiply: return $"{Factor(left)} * {Factor(right)}";
            case BinaryOperator.Add: return $"{Operand(left)} + {Operand(right)}";
            case BinaryOperator.Subtract: return $"{Operand(left)} - {Operand(right)}";
            case BinaryOperator.Divide when floats: return $"{Operand(left)} / {(right.VariesWithKey ? Operand(right) : Uniform(right))}";
            case BinaryOperator.Divide or BinaryOperator.Remainder:
                return $"LaneMath.{binary.Operator}({Vector(left)}, {(right.VariesWithKey || floats ? Vector(right) : Uniform(right))})";
            case BinaryOperator.Power: return $"LaneMath.Pow({Vector(left)}, {Vector(right)})";
            case BinaryOperator.Minimum: return $"{_vector}.Min({Vector(left)}, {Vector(right)})";
            case BinaryOperator.Maximum: return $"{_vector}.Max({Vector(left)}, {Vector(right)})";
            case BinaryOperator.And or BinaryOperator.BitAnd: return $"{Operand(left)} & {Operand(right)}";
            case BinaryOperator.Or or BinaryOperator.BitOr: return $"{Operand(left)} | {Operand(right)}";
            case BinaryOperator.ExclusiveOr: return $"{Operand(left)} ^ {Operand(right)}";
            case BinaryOperator.NotEqual when left.Type == ExprType.Bool: return $"{Operand(left)} ^ {Operand(right)}";
            case BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight or BinaryOperator.ShiftRightUnsigned when right.VariesWithKey:
                return $"LaneMath.{binary.Operator}({Vector(left)}, {Vector(right)})";
            case BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight or BinaryOperator.ShiftRightUnsigned:
                return $"{Operand(left)} {ScalarPrinter.Symbol(binary.Operator)} {Uniform(right)}";
        }

        (string open, string name, string close) = binary.Operator switch
        {
            BinaryOperator.LessThan => ("", "LessThan", ""),
            BinaryOperator.LessThanOrEqual => ("", "LessThanOrEqual", ""),
            BinaryOperator.Equal => ("", "Equals", ""),
            BinaryOperator.NotEqual => ("~", "Equals", ""),
            _ => throw new InvalidOperationException($"No vector form of {binary}."),
        };
        return $"{open}{_vector}.{name}({Vector(left)}, {Vector(right)}){(floats ? ".AsInt32()" : "")}{close}";
    }

    // Vector types multiply by a scalar as they are.
    string Factor(Expr expr) => expr.VariesWithKey ? Operand(expr) : Uniform(expr);

    string Operand(Expr expr) => expr is Binary { VariesWithKey: true } binary && !IsCall(binary) ? $"({Vector(expr)})" : Vector(expr);

    // Bare where it stands alone between parentheses already.
    string Uniform(Expr expr, bool bare = false)
    {
        if (expr is TableElement element)
        {
            AddRowLocal($"float {element.ElementName} = {ScalarPrinter.Print(element)};");
            return element.ElementName;
        }

        // Products and sums of scalars cost nothing; what does, or could throw and is not moved out of the loop therefore, is done once a row.
        string text = ScalarPrinter.Print(expr);
        if (!IsCostly(expr))
            return expr is Binary { } or Select { } && !bare ? $"({text})" : text;
        string name = $"perRow{_rowLocals.Count(local => local.Contains(" perRow"))}";
        string? known = _rowLocals.FirstOrDefault(local => local.Contains(" perRow") && local.EndsWith($" = {text};", StringComparison.Ordinal));
        if (known is not null)
            return known.Split(' ')[1];
        AddRowLocal($"{ScalarPrinter.TypeName(expr.Type)} {name} = {text};");
        return name;
    }

    static bool IsCostly(Expr expr) =>
        expr is Binary { Operator: BinaryOperator.Divide or BinaryOperator.Remainder or BinaryOperator.Power }
            or Unary { Operator: not (UnaryOperator.Negate or UnaryOperator.Not or UnaryOperator.Complement) }
        || expr.Operands.Any(IsCostly);

    void AddRowLocal(string declaration)
    {
        if (!_rowLocals.Contains(declaration))
            _rowLocals.Add(declaration);
    }

    string Outside(IEnumerable<(Expr? Reached, string Check)> checks) => string.Join(" | ",
        from check in checks
        group check.Check by check.Reached into reached
        let any = string.Join(" | ", reached.Distinct())
        select reached.Key is null ? any : $"{Operand(reached.Key)} & {(any.Contains(" | ") ? $"({any})" : any)}");

    void Element(Local local, CapturedElement element, List<string> statements, List<(Expr? Reached, string Check)> outside)
    {
        string table = element.Capture.Name;
        Expr flat = element.Indices[0];
        for (int i = 1; i < element.Indices.Count; i++)
            flat = Expr.Add(Expr.Multiply(flat, new CapturedLength(element.Capture, i)), element.Indices[i]);

        bool varies = flat.VariesWithKey;
        if (!varies)
            AddRowLocal($"{ScalarPrinter.TypeName(local.Type)} {local.Name} = TableLoad.At({table}, {ScalarPrinter.Print(flat)});");
        else
        {
            string load = KeySlope(flat) switch
            {
                1 => $"Ascending{bits}({table}, {ScalarPrinter.Print(Substitute(flat), "firstKey + i")})",
                -1 => $"Descending{bits}({table}, {ScalarPrinter.Print(Substitute(flat), "(firstKey + i)")})",
                _ => $"Gather({table}, {Vector(flat)})",
            };
            statements.Add($"{_vector}<{ScalarPrinter.TypeName(Lane(local.Type))}> {local.Name} = TableLoad.{load};");
        }

        if (plan.IsCheckedAtCall(element))
            return;
        var checks = new List<string>();
        for (int i = 0; i < element.Indices.Count; i++)
        {
            string length = ScalarPrinter.Print(new CapturedLength(element.Capture, i));
            checks.Add(element.Indices[i].VariesWithKey
                ? $"TableLoad.Outside({Vector(element.Indices[i])}, {length})"
                : $"{_lanes}.Broadcast({RowCheck(local.Name, i, element, length)})");
        }

        outside.Add((element.Reached, string.Join(" | ", checks.Distinct())));
    }

    string RowCheck(string name, int dimension, CapturedElement element, string length)
    {
        string check = $"{name}Outside{(element.Indices.Count == 1 ? "" : Literal.Of(dimension))}";
        AddRowLocal($"int {check} = TableLoad.Outside({ScalarPrinter.Print(element.Indices[dimension])}, {length});");
        return check;
    }

    /// <summary>How an index moves from one key to the next: 1 or -1 when its elements are neighbours, otherwise 0.</summary>
    int KeySlope(Expr index) => index switch
    {
        _ when listed || !index.VariesWithKey => 0,
        Variable { Kind: VariableKind.Key } => 1,
        Local local when _definitions.TryGetValue(local.Name, out Expr value) => KeySlope(value),
        Unary { Operator: UnaryOperator.Negate } negated => -KeySlope(negated.Operand),
        Binary { Operator: BinaryOperator.Add, Left.VariesWithKey: false } sum => KeySlope(sum.Right),
        Binary { Operator: BinaryOperator.Add, Right.VariesWithKey: false } sum => KeySlope(sum.Left),
        Binary { Operator: BinaryOperator.Subtract, Right.VariesWithKey: false } difference => KeySlope(difference.Left),
        Binary { Operator: BinaryOperator.Subtract, Left.VariesWithKey: false } difference => -KeySlope(difference.Right),
        _ => 0,
    };

    // The first lane's index is a scalar, in which locals that differ from key to key are not known.
    Expr Substitute(Expr index) => index switch
    {
        Local { VariesWithKey: true } local => Substitute(_definitions[local.Name]),
        Unary { VariesWithKey: true } unary => unary with { Operand = Substitute(unary.Operand) },
        Binary { VariesWithKey: true } binary => binary with { Left = Substitute(binary.Left), Right = Substitute(binary.Right) },
        _ => index,
    };

    static ExprType Lane(ExprType type) => type == ExprType.Bool ? ExprType.Int : type;

    static bool IsCall(Binary binary) => binary.Operator switch
    {
        BinaryOperator.LessThan or BinaryOperator.LessThanOrEqual or BinaryOperator.Equal or BinaryOperator.Minimum or BinaryOperator.Maximum
            or BinaryOperator.Power or BinaryOperator.Remainder => true,
        BinaryOperator.NotEqual => binary.Left.Type != ExprType.Bool,
        BinaryOperator.Divide => binary.Left.Type == ExprType.Int,
        BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight or BinaryOperator.ShiftRightUnsigned => binary.Right.VariesWithKey,
        _ => false,
    };
}

/// <summary>A function in vector code.</summary>
/// <param name="Function">The function.</param>
/// <param name="Statements">Its locals that differ from key to key, in order.</param>
/// <param name="Result">Its value.</param>
/// <param name="Outside">Lanes in which it reads outside of a table; null when it never does.</param>
sealed record FunctionText(FunctionSpec Function, IReadOnlyList<string> Statements, string Result, string? Outside)
{
    /// <summary>The local that holds <see cref="Outside"/>.</summary>
    public string OutsideName => "outside" + Function.Name;

    /// <summary>The local that collects it over a row's visible keys.</summary>
    public string FaultsName => "faults" + Function.Name;
}
