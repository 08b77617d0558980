using System.Collections.Generic;
using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace AttentionComposer.Generators.Model;

/// <remarks>Switch expressions and patterns.</remarks>
sealed partial class FunctionReader
{
    object SwitchExpression(ISwitchExpressionOperation choice, object value, Environment environment, Expr? path)
    {
        var arms = new List<(Expr Condition, object Value, SyntaxNode Syntax)>();
        foreach (ISwitchExpressionArmOperation arm in choice.Arms)
        {
            Environment bound = Bind(arm.Pattern, value, environment);
            Expr condition = Matches(arm.Pattern, value, bound, path);
            if (arm.Guard is not null)
                condition = Expr.And(condition, Scalar(Value(arm.Guard, bound, Both(path, condition)), arm.Guard.Syntax));
            if (condition is BoolConstant { Value: false })
                continue;
            arms.Add((condition, Value(arm.Value, bound, condition is BoolConstant ? path : Both(path, condition)), arm.Syntax));
            if (condition is BoolConstant)
                break;
            path = Both(path, Expr.Not(condition));
        }

        if (arms.Count == 0 || arms[arms.Count - 1].Condition is not BoolConstant)
            throw Refuse(Descriptors.Untranslatable, choice.Syntax, "a switch expression that may find no arm", "end it with '_ =>'");
        object result = arms[arms.Count - 1].Value;
        for (int i = arms.Count - 2; i >= 0; i--)
            result = Join(arms[i].Condition, arms[i].Value, result, arms[i].Syntax);
        return result;
    }

    /// <summary>The environment with the names that a pattern gives to values.</summary>
    static Environment Bind(IPatternOperation pattern, object value, Environment environment) => (pattern, value) switch
    {
        (IDeclarationPatternOperation { MatchesNull: true, DeclaredSymbol: { } symbol }, _) => environment.SetItem(symbol, value),
        (IRecursivePatternOperation tuple, Tuple { Items: var items }) when tuple.DeconstructionSubpatterns.Length == items.Length =>
            tuple.DeconstructionSubpatterns.Zip(items, (item, part) => (item, part)).Aggregate(environment, (bound, pair) => Bind(pair.item, pair.part, bound)),
        _ => environment,
    };

    Expr Matches(IPatternOperation pattern, object value, Environment environment, Expr? path)
    {
        Expr Operand(IOperation operand) => Scalar(Value(operand, environment, path), operand.Syntax);
        Expr Compared(BinaryOperator op, Expr left, Expr right) => Compare(op, left, right, pattern.InputType, pattern.Syntax);
        switch (pattern)
        {
            case IDiscardPatternOperation or IDeclarationPatternOperation { MatchesNull: true }:
                return Expr.Bool(true);
            case INegatedPatternOperation not:
                return Expr.Not(Matches(not.Pattern, value, environment, path));
            case IBinaryPatternOperation { OperatorKind: BinaryOperatorKind.And } and:
                return Expr.And(Matches(and.LeftPattern, value, environment, path), Matches(and.RightPattern, value, environment, path));
            case IBinaryPatternOperation or:
                return Expr.Or(Matches(or.LeftPattern, value, environment, path), Matches(or.RightPattern, value, environment, path));
            case IRecursivePatternOperation { PropertySubpatterns.IsEmpty: true, DeclaredSymbol: null } tuple when value is Tuple { Items: var items } && tuple.DeconstructionSubpatterns.Length == items.Length:
                return tuple.DeconstructionSubpatterns.Zip(items, (item, part) => Matches(item, part, environment, path)).Aggregate(Expr.And);
            case IConstantPatternOperation { Value.ConstantValue: { HasValue: true, Value: null } }:
                throw NullTest(pattern.Syntax);
        }

        Expr scalar = Scalar(value, pattern.Syntax);
        return pattern switch
        {
            IConstantPatternOperation constant => Compared(BinaryOperator.Equal, scalar, Operand(constant.Value)),
            IRelationalPatternOperation { OperatorKind: BinaryOperatorKind.LessThan } less => Compared(BinaryOperator.LessThan, scalar, Operand(less.Value)),
            IRelationalPatternOperation { OperatorKind: BinaryOperatorKind.LessThanOrEqual } less => Compared(BinaryOperator.LessThanOrEqual, scalar, Operand(less.Value)),
            IRelationalPatternOperation { OperatorKind: BinaryOperatorKind.GreaterThan } greater => Compared(BinaryOperator.LessThan, Operand(greater.Value), scalar),
            IRelationalPatternOperation greater => Compared(BinaryOperator.LessThanOrEqual, Operand(greater.Value), scalar),
            _ => throw Refuse(Descriptors.Untranslatable, pattern.Syntax, "this pattern", "use constants, comparisons, tuples of them, 'and', 'or' and 'not'"),
        };
    }
}
