using System.Collections.Immutable;
using System.Linq;
using AttentionComposer.Generators.Diagnostics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace AttentionComposer.Generators.Model;

/// <remarks>Statements. What is still to run is a stack, so that a branch that returns early is followed by nothing and the other one by the rest.</remarks>
sealed partial class FunctionReader
{
    /// <summary>On the stack: where a break of this loop or switch goes on.</summary>
    sealed record BreakTarget(IOperation Statement);

    /// <summary>On the stack: the next step of a loop.</summary>
    sealed record NextStep(ILoopOperation Loop);

    /// <summary>Runs statements to the first return on every path; null when the end is reached without one.</summary>
    object? Run(ImmutableStack<object> rest, Environment environment, Expr? path)
    {
        while (!rest.IsEmpty)
        {
            rest = rest.Pop(out object next);
            switch (next)
            {
                case BreakTarget:
                    break;
                case NextStep step:
                    foreach (IOperation statement in AtStepEnd(step.Loop))
                        environment = Execute(statement, environment, path);
                    rest = Enter(step.Loop, rest, environment, path);
                    break;
                case IBlockOperation block:
                    foreach (IOperation statement in block.Operations.Reverse())
                        rest = rest.Push(statement);
                    break;
                case IReturnOperation { ReturnedValue: { } value }:
                    return Value(value, environment, path);
                case IConditionalOperation branch when Jumps(branch):
                    Expr condition = Scalar(Value(branch.Condition, environment, path), branch.Condition.Syntax);
                    if (condition is BoolConstant known)
                    {
                        rest = known.Value ? rest.Push(branch.WhenTrue) : branch.WhenFalse is null ? rest : rest.Push(branch.WhenFalse);
                        break;
                    }

                    return JoinReturns(
                        condition, Run(rest.Push(branch.WhenTrue), environment, Both(path, condition)),
                        Run(branch.WhenFalse is null ? rest : rest.Push(branch.WhenFalse), environment, Both(path, Expr.Not(condition))), branch.Syntax);
                case ISwitchOperation choice:
                    return RunSwitch(choice, rest.Push(new BreakTarget(choice)), environment, path);
                case ILoopOperation loop:
                    rest = rest.Push(new BreakTarget(loop));
                    if (loop is IForLoopOperation { Before: var before })
                    {
                        foreach (IOperation statement in before)
                            environment = Execute(statement, environment, path);
                    }

                    if (loop is IWhileLoopOperation { ConditionIsTop: false })
                        rest = rest.Push(new NextStep(loop)).Push(loop.Body);
                    else
                        rest = Enter(loop, rest, environment, path);
                    break;
                case IBranchOperation { BranchKind: BranchKind.Break } jump:
                    while (!rest.IsEmpty && rest.Peek() is not BreakTarget)
                        rest = rest.Pop();
                    break;
                case IBranchOperation { BranchKind: BranchKind.Continue }:
                    while (!rest.IsEmpty && rest.Peek() is not NextStep)
                        rest = rest.Pop();
                    break;
                case IOperation statement:
                    environment = Execute(statement, environment, path);
                    break;
            }
        }

        return null;
    }

    /// <summary>One more step of a loop, if its condition holds.</summary>
    ImmutableStack<object> Enter(ILoopOperation loop, ImmutableStack<object> rest, Environment environment, Expr? path)
    {
        IOperation? condition = loop switch
        {
            IForLoopOperation counted => counted.Condition,
            IWhileLoopOperation { ConditionIsUntil: false } repeated => repeated.Condition,
            _ => throw Refuse(Descriptors.Untranslatable, loop.Syntax, "a 'foreach' loop", "use 'for' with constant bounds"),
        };
        bool? known = condition is null ? true : (Scalar(Value(condition, environment, path), condition.Syntax) as BoolConstant)?.Value;
        if (known is null || ++_steps > MaxSteps)
            throw Refuse(Descriptors.UnboundedLoop, condition?.Syntax ?? loop.Syntax, MaxSteps.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return known.Value ? rest.Push(new NextStep(loop)).Push(loop.Body) : rest;
    }

    static ImmutableArray<IOperation> AtStepEnd(ILoopOperation loop) => loop is IForLoopOperation counted ? counted.AtLoopBottom : [];

    object? RunSwitch(ISwitchOperation choice, ImmutableStack<object> rest, Environment environment, Expr? path)
    {
        object value = Named(Value(choice.Value, environment, path), "choice");
        return Section(0, path);

        object? Section(int index, Expr? reached)
        {
            if (index == choice.Cases.Length)
            {
                ISwitchCaseOperation? fallback = choice.Cases.FirstOrDefault(section => section.Clauses.Any(clause => clause is IDefaultCaseClauseOperation));
                return Run(fallback is null ? rest : Push(fallback), environment, reached);
            }

            ISwitchCaseOperation section = choice.Cases[index];
            if (section.Clauses.Any(clause => clause is IDefaultCaseClauseOperation))
                return Section(index + 1, reached);
            Expr condition = section.Clauses.Select(clause => Matches(clause, value, environment, reached)).Aggregate(Expr.Or);
            if (condition is BoolConstant known)
                return known.Value ? Run(Push(section), environment, reached) : Section(index + 1, reached);
            return JoinReturns(
                condition, Run(Push(section), environment, Both(reached, condition)), Section(index + 1, Both(reached, Expr.Not(condition))), section.Syntax);
        }

        ImmutableStack<object> Push(ISwitchCaseOperation section) =>
            section.Body.Reverse().Aggregate(rest, (stack, statement) => stack.Push(statement));
    }

    Expr Matches(ICaseClauseOperation clause, object value, Environment environment, Expr? path) => clause switch
    {
        ISingleValueCaseClauseOperation single =>
            Compare(BinaryOperator.Equal, Scalar(value, clause.Syntax), Scalar(Value(single.Value, environment, path), single.Syntax), single.Value.Type, single.Syntax),
        IPatternCaseClauseOperation { Guard: null } pattern => Matches(pattern.Pattern, value, environment, path),
        _ => throw Refuse(Descriptors.Untranslatable, clause.Syntax, "this case", "use constants, comparisons and combinations of them"),
    };

    // Null where one side reaches the end without a return.
    object? JoinReturns(Expr condition, object? whenTrue, object? whenFalse, SyntaxNode syntax) =>
        whenTrue is null || whenFalse is null ? null : Join(condition, whenTrue, whenFalse, syntax);

    /// <summary>One of two values, by a condition.</summary>
    object Join(Expr condition, object whenTrue, object whenFalse, SyntaxNode syntax) => (whenTrue, whenFalse) switch
    {
        (Expr left, Expr right) => Expr.Select(condition, left, right),
        (Tuple left, Tuple right) => new Tuple([.. left.Items.Zip(right.Items, (x, y) => Join(condition, x, y, syntax))]),
        (Capture left, Capture right) when left.Equals(right) => left,
        _ => throw Refuse(Descriptors.Untranslatable, syntax, "a choice between arrays", "choose between their elements"),
    };

    /// <summary>Runs a statement that neither returns nor jumps.</summary>
    Environment Execute(IOperation statement, Environment environment, Expr? path)
    {
        switch (statement)
        {
            case IBlockOperation block:
                return block.Operations.Aggregate(environment, (current, inner) => Execute(inner, current, path));
            case IEmptyOperation or ILocalFunctionOperation:
                return environment;
            case IVariableDeclarationGroupOperation group:
                foreach (IVariableDeclaratorOperation declarator in group.Declarations.SelectMany(declaration => declaration.Declarators))
                {
                    IVariableInitializerOperation? initializer = declarator.Initializer ?? (declarator.Parent as IVariableDeclarationOperation)?.Initializer;
                    if (initializer is not null)
                        environment = Assign(declarator.Symbol, Value(initializer.Value, environment, path, declarator.Symbol.Name), environment);
                }

                return environment;
            case IExpressionStatementOperation { Operation: ISimpleAssignmentOperation { IsRef: false } assignment }:
                return Assign(Target(assignment.Target), Value(assignment.Value, environment, path), environment);
            case IExpressionStatementOperation { Operation: IDeconstructionAssignmentOperation { Target: var target } assignment }:
                return Deconstruct(target, Value(assignment.Value, environment, path), environment);
            case IExpressionStatementOperation { Operation: ICompoundAssignmentOperation assignment } when IsBuiltIn(assignment.OperatorMethod):
            {
                ISymbol target = Target(assignment.Target);
                Expr left = Scalar(Value(assignment.Target, environment, path), assignment.Target.Syntax);
                Expr right = Scalar(Value(assignment.Value, environment, path), assignment.Value.Syntax);
                if (TryType(assignment.Type) is null)
                    throw Type(assignment.Type, assignment);
                if (assignment.IsChecked)
                    RefuseChecked(assignment);
                Expr result = left.Type == ExprType.Int && right.Type == ExprType.Float
                    ? Expr.ToInt(Arithmetic(assignment.OperatorKind, Expr.ToFloat(left), right, isUnsigned: false, assignment))
                    : Arithmetic(assignment.OperatorKind, left, Convert(right, left.Type, assignment), IsUnsigned(assignment.Type), assignment);
                return Assign(target, Narrow(result, assignment.Type!), environment);
            }

            case IExpressionStatementOperation { Operation: IIncrementOrDecrementOperation step } when IsBuiltIn(step.OperatorMethod):
            {
                Expr value = Scalar(Value(step.Target, environment, path), step.Target.Syntax);
                Expr one = value.Type == ExprType.Int ? Expr.Int(1) : Expr.Float(1);
                BinaryOperator op = step.Kind == OperationKind.Increment ? BinaryOperator.Add : BinaryOperator.Subtract;
                return Assign(Target(step.Target), Narrow(Expr.Of(op, value, one), step.Type!), environment);
            }

            case IConditionalOperation branch:
                return ExecuteIf(branch, environment, path);
            case IForLoopOperation or IWhileLoopOperation:
                return ExecuteLoop((ILoopOperation)statement, environment, path);
            case IExpressionStatementOperation { Operation: { } expression }:
                throw Refuse(Descriptors.SideEffect, expression.Syntax, expression.Syntax.ToString());
            default:
                throw Unknown(statement);
        }
    }

    Environment ExecuteIf(IConditionalOperation branch, Environment environment, Expr? path)
    {
        Expr condition = Scalar(Value(branch.Condition, environment, path), branch.Condition.Syntax);
        if (condition is BoolConstant known)
            return known.Value ? Execute(branch.WhenTrue, environment, path) : branch.WhenFalse is null ? environment : Execute(branch.WhenFalse, environment, path);

        Environment whenTrue = Execute(branch.WhenTrue, environment, Both(path, condition));
        Environment whenFalse = branch.WhenFalse is null ? environment : Execute(branch.WhenFalse, environment, Both(path, Expr.Not(condition)));
        Environment joined = environment;
        foreach (ISymbol symbol in environment.Values.Keys.Concat(whenTrue.Values.Keys).Distinct(SymbolEqualityComparer.Default).OrderBy(symbol => symbol!.Name, System.StringComparer.Ordinal)!)
        {
            object? left = whenTrue[symbol], right = whenFalse[symbol];
            if (Equals(left, right) || left is null || right is null)
            {
                // Assigned on one side only: the compiler has made sure that nobody reads it where it is not.
                if ((left ?? right) is { } only)
                    joined = joined.SetItem(symbol, only);
                continue;
            }

            joined = Assign(symbol, Join(condition, left, right, branch.Syntax), joined);
        }

        return joined;
    }

    Environment ExecuteLoop(ILoopOperation loop, Environment environment, Expr? path)
    {
        if (loop is IForLoopOperation { Before: var before })
            environment = before.Aggregate(environment, (current, statement) => Execute(statement, current, path));
        if (loop is IWhileLoopOperation { ConditionIsTop: false })
            environment = Execute(loop.Body, environment, path);
        while (!Enter(loop, ImmutableStack<object>.Empty, environment, path).IsEmpty)
        {
            environment = Execute(loop.Body, environment, path);
            environment = AtStepEnd(loop).Aggregate(environment, (current, statement) => Execute(statement, current, path));
        }

        return environment;
    }

    Environment Assign(ISymbol symbol, object value, Environment environment) => environment.SetItem(symbol, Named(value, symbol.Name));

    Environment Deconstruct(IOperation target, object value, Environment environment)
    {
        switch (target)
        {
            case IDeclarationExpressionOperation declaration:
                return Deconstruct(declaration.Expression, value, environment);
            case IDiscardOperation:
                return environment;
            case ITupleOperation { Elements: var targets } when value is Tuple { Items: var items } && items.Length == targets.Length:
                return targets.Zip(items, (part, item) => (part, item)).Aggregate(environment, (current, pair) => Deconstruct(pair.part, pair.item, current));
            default:
                return Assign(Target(target), value, environment);
        }
    }

    ISymbol Target(IOperation target) => target switch
    {
        ILocalReferenceOperation local when !local.Local.IsRef => local.Local,
        IParameterReferenceOperation parameter when parameter.Parameter.ContainingSymbol is IMethodSymbol { MethodKind: not MethodKind.Constructor } => parameter.Parameter,
        _ => throw Refuse(Descriptors.SideEffect, target.Syntax, target.Syntax.ToString()),
    };

    static bool Jumps(IOperation statement) => statement.DescendantsAndSelf().Any(inner => inner is IReturnOperation or IBranchOperation or ISwitchOperation);
}
