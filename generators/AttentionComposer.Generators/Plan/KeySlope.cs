using System.Collections.Generic;
using AttentionComposer.Generators.Model;

namespace AttentionComposer.Generators.Plan;

/// <summary>How an index moves from one key to the next.</summary>
static class KeySlope
{
    /// <summary>1 or -1 when the elements of neighbouring keys are neighbours, otherwise 0.</summary>
    public static int Of(Expr index, IReadOnlyDictionary<string, Expr> locals) => index switch
    {
        _ when !index.VariesWithKey => 0,
        Variable { Kind: VariableKind.Key } => 1,
        Local local when locals.TryGetValue(local.Name, out Expr value) => Of(value, locals),
        Unary { Operator: UnaryOperator.Negate } negated => -Of(negated.Operand, locals),
        Binary { Operator: BinaryOperator.Add, Left.VariesWithKey: false } sum => Of(sum.Right, locals),
        Binary { Operator: BinaryOperator.Add, Right.VariesWithKey: false } sum => Of(sum.Left, locals),
        Binary { Operator: BinaryOperator.Subtract, Right.VariesWithKey: false } difference => Of(difference.Left, locals),
        Binary { Operator: BinaryOperator.Subtract, Left.VariesWithKey: false } difference => -Of(difference.Right, locals),
        _ => 0,
    };
}
