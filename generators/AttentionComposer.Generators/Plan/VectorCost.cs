using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>What an expression costs over vectors of keys, in units of one addition, roughly: what is the same for a row costs nothing there.</summary>
/// <param name="locals">The values of locals.</param>
sealed class VectorCost(IReadOnlyDictionary<string, Expr> locals)
{
    const int Load = 2, Gather = 20, GatherOfConditions = 60, Division = 10, Function = 25;

    public int Of(Expr expr) => Of(expr, []);

    // A local is computed once however often it is used.
    int Of(Expr expr, HashSet<string> counted)
    {
        if (!expr.VariesWithKey)
            return 0;
        if (expr is Local local)
            return counted.Add(local.Name) && locals.TryGetValue(local.Name, out Expr value) ? Of(value, counted) : 0;
        return Itself(expr) + expr.Operands.Sum(operand => Of(operand, counted));
    }

    int Itself(Expr expr) => expr switch
    {
        Variable => 0,
        HoistedLanes => Load,
        CapturedElement element when KeySlope.Of(element.Flat, locals) is not 0 and var slope => slope == 1 && element.Type != ExprType.Bool ? Load : 2 * Load,
        CapturedElement element => element.Type == ExprType.Bool ? GatherOfConditions : Gather,
        Unary { Operator: UnaryOperator.Sqrt or UnaryOperator.PopCount } => Division,
        Unary { Operator: UnaryOperator.Exp or UnaryOperator.Log or UnaryOperator.Log2 or UnaryOperator.Sin or UnaryOperator.Cos or UnaryOperator.Tanh } => Function,
        Binary { Operator: BinaryOperator.Divide or BinaryOperator.Remainder } => Division,
        Binary { Operator: BinaryOperator.Power } => 3 * Function,
        Binary { Operator: BinaryOperator.ShiftLeft or BinaryOperator.ShiftRight or BinaryOperator.ShiftRightUnsigned, Right.VariesWithKey: true } => Division,
        _ => 1,
    };
}
