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

    readonly NameScope _names = plan.Names();
    readonly Dictionary<string, string> _rowNames = [];
    readonly Dictionary<string, (string Table, string Low, string High)> _lookups = [];

    /// <summary>Declarations that belong before the loop over keys, in order.</summary>
    public IReadOnlyList<string> RowLocals => _rowLocals;

    /// <summary>Prints a function: its locals, and its result as a vector.</summary>
    public FunctionText Function(RowFunction function) =>
        new(function, Statements(function.Spec.Locals), Vector(function.Spec.Result), function.Outside is null ? null : Vector(function.Outside))
        {
            ProvenStatements = Statements(function.Spec.Locals, proven: !listed),
        };

    /// <summary>Declarations of those locals that differ from key to key; the others join <see cref="RowLocals"/>.</summary>
    /// <param name="locals">The locals.</param>
    /// <param name="proven">Whether it is known that rows in which elements are looked up fit two vectors.</param>
    public IReadOnlyList<string> Statements(IEnumerable<LocalDefinition> locals, bool proven = false)
    {
        var statements = new List<string>();
        foreach (LocalDefinition definition in locals)
        {
            Local local = definition.Local;
            if (!listed && definition.Value is CapturedElement element && KeySlope.Of(element.Flat, _definitions) == 1 && element.DependsOn(VariableKind.Query))
                statements.Add($"TableLoad.Prefetch({element.Capture.Name}, {IndexOfFirst(local, element, "firstKey + i")} + BlockKeys);");
            if (local.VariesWithKey)
                statements.Add($"{VectorOf(local.Type)} {local.Name} = {Value(local, definition.Value, proven)};");
            else
                AddRowLocal($"{ScalarPrinter.TypeName(local.Type)} {local.Name} = {ScalarPrinter.Print(definition.Value)};");
        }

        return statements;
    }

    /// <summary>The vector type for values of a type: conditions are integers that are 0 or all ones.</summary>
    public string VectorOf(ExprType type) => $"{_vector}<{(type == ExprType.Float ? "float" : "int")}>";

    string Value(Local local, Expr value, bool proven) => value switch
    {
        CapturedElement element => Element(local, element, proven),
        HoistedLanes lanes => $"{_lanes}.Load(ref {lanes.RowName}, i){(lanes.Type == ExprType.Float ? "" : ".AsInt32()")}",
        _ => Vector(value),
    };

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
            OutsideOf outside => $"TableLoad.Outside({Vector(outside.Index)}, {ScalarPrinter.Print(new CapturedLength(outside.Capture, outside.Dimension))})",
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
        UnaryOperator.Tanh or UnaryOperator.Exp => $"VectorMath.{unary.Operator}({Vector(unary.Operand)})",
        UnaryOperator.Sign or UnaryOperator.PopCount => $"LaneMath.{unary.Operator}({Vector(unary.Operand)})",
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
            case BinaryOperator.Divide when ReciprocalOf(binary) is { } reciprocal: return $"{Operand(left)} * {Literal.Of(reciprocal)}";
            case BinaryOperator.Divide when floats: return $"{Operand(left)} / {(right.VariesWithKey ? Operand(right) : Uniform(right))}";
            case BinaryOperator.Divide or BinaryOperator.Remainder:
                return $"LaneMath.{binary.Operator}({Vector(left)}, {(right.VariesWithKey || floats ? Vector(right) : Uniform(right))})";
            case BinaryOperator.Power: return $"LaneMath.Pow({Vector(left)}, {Vector(right)})";
            case BinaryOperator.Minimum: return $"{_vector}.Min({Vector(left)}, {Vector(right)})";
            case BinaryOperator.Maximum: return $"{_vector}.Max({Vector(left)}, {Vector(right)})";
            case BinaryOperator.And or BinaryOperator.BitAnd: return $"{Operand(left)} & {Operand(right)}";
            case BinaryOperator.Or or BinaryOperator.BitOr: return $"{Operand(left)} | {Operand(right)}";
            case BinaryOperator.ExclusiveOr: return $"{Operand(left)} ^ {Operand(right)}";
            case BinaryOperator.Equal or BinaryOperator.NotEqual when (left, right) is (Binary { Operator: BinaryOperator.Remainder, Right: IntConstant { Value: > 0 } divisor } remainder, IntConstant { Value: 0 }):
                return $"{(binary.Operator == BinaryOperator.NotEqual ? "~" : "")}LaneMath.IsMultiple({Vector(remainder.Left)}, {Literal.Of(divisor.Value)})";
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

    // A score is a sum of many rounded products: one rounding more is less than what it carries already, and a division takes ten times as long.
    static float? ReciprocalOf(Binary division) =>
        division.Left.DependsOn(VariableKind.Score) && division.Right is FloatConstant { Value: var divisor } && Math.Abs(divisor) is > 1e-30f and < 1e30f ? 1 / divisor : null;

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
            or OutsideOf
        || expr.Operands.Any(IsCostly);

    void AddRowLocal(string declaration)
    {
        if (!_rowLocals.Contains(declaration))
            _rowLocals.Add(declaration);
    }

    string Element(Local local, CapturedElement element, bool proven)
    {
        string table = element.Capture.Name;
        Expr flat = element.Flat;
        return "TableLoad." + (listed ? 0 : KeySlope.Of(flat, _definitions)) switch
        {
            1 => $"Ascending{bits}({table}, {IndexOfFirst(local, element, "firstKey + i")})",
            -1 => $"Descending{bits}({table}, {IndexOfFirst(local, element, "(firstKey + i)")})",
            _ when TableLookups.IsLookup(element) => Lookup(local, element, proven),
            _ => $"Gather({table}, {Vector(flat)})",
        };
    }

    // The index of the first lane's element; where its row begins is computed once.
    string IndexOfFirst(Local local, CapturedElement element, string firstKey)
    {
        int last = element.Indices.Count - 1;
        if (last == 0 || element.FlatRow.VariesWithKey)
            return ScalarPrinter.Print(Substitute(element.Flat), firstKey);
        string row = RowName(local);
        AddRowLocal($"int {row} = {ScalarPrinter.Print(Expr.Multiply(element.FlatRow, new CapturedLength(element.Capture, last)))};");
        return $"{row} + {ScalarPrinter.Print(Substitute(element.Indices[last]), firstKey)}";
    }

    string Lookup(Local local, CapturedElement element, bool proven)
    {
        if (!_lookups.TryGetValue(local.Name, out (string Table, string Low, string High) row))
            _lookups.Add(local.Name, row = RowOf(local, element));
        return $"Lookup({(proven ? "" : row.Table + ", ")}{row.Low}, {row.High}, {Vector(element.Indices[element.Indices.Count - 1])})";
    }

    // The row of the table that all lanes read, and what two vectors hold of it.
    (string Table, string Low, string High) RowOf(Local local, CapturedElement element)
    {
        string table = element.Capture.Name, low = _names.Take(local.Name + "Low"), high = _names.Take(local.Name + "High");
        if (element.Indices.Count > 1)
        {
            string columns = ScalarPrinter.Print(new CapturedLength(element.Capture, element.Indices.Count - 1)), row = RowName(local);
            AddRowLocal($"ReadOnlySpan<{ScalarPrinter.TypeName(element.Type)}> {row} = TableLoad.Row({table}, {ScalarPrinter.Print(element.FlatRow)}, {columns});");
            table = row;
        }

        AddRowLocal($"{VectorOf(element.Type)} {low} = TableLoad.Part{bits}({table}, 0), {high} = TableLoad.Part{bits}({table}, {bits / 32});");
        return (table, low, high);
    }

    string RowName(Local local)
    {
        if (!_rowNames.TryGetValue(local.Name, out string name))
            _rowNames.Add(local.Name, name = _names.Take(local.Name + "Row"));
        return name;
    }

    // The first lane's index is a scalar, in which locals that differ from key to key are not known.
    Expr Substitute(Expr index) => index switch
    {
        Local { VariesWithKey: true } local => Substitute(_definitions[local.Name]),
        Unary { VariesWithKey: true } unary => unary with { Operand = Substitute(unary.Operand) },
        Binary { VariesWithKey: true } binary => binary with { Left = Substitute(binary.Left), Right = Substitute(binary.Right) },
        _ => index,
    };

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
sealed record FunctionText(RowFunction Function, IReadOnlyList<string> Statements, string Result, string? Outside)
{
    /// <summary>The same locals where it is proven of a block that tables are not read outside, and that rows in which elements are looked up are short.</summary>
    public IReadOnlyList<string> ProvenStatements { get; init; } = Statements;

    /// <summary>The local that holds <see cref="Outside"/>.</summary>
    public string OutsideName => "outside" + Function.Spec.Name;

    /// <summary>The local that collects it over a row's visible keys.</summary>
    public string FaultsName => "faults" + Function.Spec.Name;
}
