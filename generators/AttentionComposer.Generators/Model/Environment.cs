using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Model;

/// <summary>What a function's parameters and locals hold: an <see cref="Expr"/>, or the <see cref="Capture"/> of an array.</summary>
sealed class Environment
{
    public static readonly Environment Empty = new(ImmutableDictionary.Create<ISymbol, object>(SymbolEqualityComparer.Default));

    Environment(ImmutableDictionary<ISymbol, object> values) => Values = values;

    public ImmutableDictionary<ISymbol, object> Values { get; }

    public object? this[ISymbol symbol] => Values.TryGetValue(symbol, out object? value) ? value : null;

    public Environment SetItem(ISymbol symbol, object value) => new(Values.SetItem(symbol, value));
}
