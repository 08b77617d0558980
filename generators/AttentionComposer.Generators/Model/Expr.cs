namespace AttentionComposer.Generators.Model;

enum ExprType
{
    Float,
    Int,
    Bool,
}

/// <summary>What an expression may depend on.</summary>
enum VariableKind
{
    /// <summary>The scaled dot product, or what earlier score stages made of it.</summary>
    Score,

    /// <summary>The query head.</summary>
    Head,

    /// <summary>The query's absolute position.</summary>
    Query,

    /// <summary>The key's absolute position.</summary>
    Key,
}

enum UnaryOperator
{
    Negate,
    Abs,
    Tanh,
}

enum BinaryOperator
{
    Add,
    Subtract,
    Multiply,
    Divide,
    And,
    Or,
    LessThan,
    LessThanOrEqual,
}

/// <summary>
/// Arithmetic on one (query, key) pair: the one form in which scores and masks travel from the model to every printer.
/// Values compare by content.
/// </summary>
/// <remarks>The factories fold constants and drop neutral operands, so that no printer meets <c>x * 1</c>.</remarks>
abstract record Expr(ExprType Type)
{
    public static readonly Expr Score = new Variable(VariableKind.Score);
    public static readonly Expr Head = new Variable(VariableKind.Head);
    public static readonly Expr Query = new Variable(VariableKind.Query);
    public static readonly Expr Key = new Variable(VariableKind.Key);

    /// <summary>Whether the value differs from key to key; what does not is computed once a row.</summary>
    public abstract bool VariesWithKey { get; }

    /// <summary>Whether the value depends on a variable.</summary>
    public abstract bool DependsOn(VariableKind variable);

    public static Expr Float(double value) => new FloatConstant((float)value);

    public static Expr Int(int value) => new IntConstant(value);

    public static Expr ToFloat(Expr operand) => operand is IntConstant constant ? Float(constant.Value) : new ToFloat(operand);

    public static Expr Abs(Expr operand) => new Unary(UnaryOperator.Abs, operand);

    public static Expr Tanh(Expr operand) => new Unary(UnaryOperator.Tanh, operand);

    public static Expr Add(Expr left, Expr right) =>
        (left, right) switch
        {
            (IntConstant { Value: 0 }, _) => right,
            (_, IntConstant { Value: 0 }) => left,
            (IntConstant l, IntConstant r) => Int(l.Value + r.Value),
            (FloatConstant l, FloatConstant r) => Float((double)l.Value + r.Value),
            _ => new Binary(BinaryOperator.Add, left, right),
        };

    public static Expr Subtract(Expr left, Expr right) =>
        (left, right) switch
        {
            (_, IntConstant { Value: 0 }) => left,
            (IntConstant l, IntConstant r) => Int(l.Value - r.Value),
            (FloatConstant l, FloatConstant r) => Float((double)l.Value - r.Value),
            _ => new Binary(BinaryOperator.Subtract, left, right),
        };

    public static Expr Multiply(Expr left, Expr right) =>
        (left, right) switch
        {
            (FloatConstant { Value: 1 }, _) => right,
            (_, FloatConstant { Value: 1 }) => left,
            (FloatConstant l, FloatConstant r) => Float((double)l.Value * r.Value),
            _ => new Binary(BinaryOperator.Multiply, left, right),
        };

    public static Expr Divide(Expr left, Expr right) =>
        right is FloatConstant { Value: 1 } ? left : new Binary(BinaryOperator.Divide, left, right);

    public static Expr LessThan(Expr left, Expr right) => new Binary(BinaryOperator.LessThan, left, right);

    public static Expr LessThanOrEqual(Expr left, Expr right) => new Binary(BinaryOperator.LessThanOrEqual, left, right);

    public static Expr And(Expr left, Expr right) => new Binary(BinaryOperator.And, left, right);

    public static Expr Or(Expr left, Expr right) => new Binary(BinaryOperator.Or, left, right);
}

sealed record FloatConstant(float Value) : Expr(ExprType.Float)
{
    public override bool VariesWithKey => false;

    public override bool DependsOn(VariableKind variable) => false;
}

sealed record IntConstant(int Value) : Expr(ExprType.Int)
{
    public override bool VariesWithKey => false;

    public override bool DependsOn(VariableKind variable) => false;
}

sealed record Variable(VariableKind Kind) : Expr(Kind == VariableKind.Score ? ExprType.Float : ExprType.Int)
{
    public override bool VariesWithKey => Kind is VariableKind.Score or VariableKind.Key;

    public override bool DependsOn(VariableKind variable) => Kind == variable;
}

sealed record ToFloat(Expr Operand) : Expr(ExprType.Float)
{
    public override bool VariesWithKey => Operand.VariesWithKey;

    public override bool DependsOn(VariableKind variable) => Operand.DependsOn(variable);
}

sealed record Unary(UnaryOperator Operator, Expr Operand) : Expr(Operand.Type)
{
    public override bool VariesWithKey => Operand.VariesWithKey;

    public override bool DependsOn(VariableKind variable) => Operand.DependsOn(variable);
}

sealed record Binary(BinaryOperator Operator, Expr Left, Expr Right)
    : Expr(Operator is BinaryOperator.LessThan or BinaryOperator.LessThanOrEqual ? ExprType.Bool : Left.Type)
{
    public override bool VariesWithKey => Left.VariesWithKey || Right.VariesWithKey;

    public override bool DependsOn(VariableKind variable) => Left.DependsOn(variable) || Right.DependsOn(variable);
}

/// <summary>An element of a table of constants that the generated class holds.</summary>
/// <param name="Name">The table's name in the generated class.</param>
/// <param name="ElementName">What a local that holds one element is called.</param>
/// <param name="Values">The elements.</param>
/// <param name="Index">Which element.</param>
sealed record TableElement(string Name, string ElementName, EquatableArray<float> Values, Expr Index) : Expr(ExprType.Float)
{
    public override bool VariesWithKey => Index.VariesWithKey;

    public override bool DependsOn(VariableKind variable) => Index.DependsOn(variable);
}
