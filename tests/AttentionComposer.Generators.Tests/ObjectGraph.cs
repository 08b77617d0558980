using System.Reflection;
using Microsoft.CodeAnalysis;

namespace AttentionComposer.Generators.Tests;

/// <summary>Walks what a value refers to, through every field.</summary>
static class ObjectGraph
{
    static readonly Type[] s_forbidden =
    [
        typeof(ISymbol), typeof(SyntaxNode), typeof(SyntaxTree), typeof(SyntaxReference), typeof(Compilation), typeof(Location),
        typeof(SemanticModel), typeof(AttributeData), typeof(IOperation), typeof(Diagnostic),
    ];

    static readonly Type[] s_forbiddenValues = [typeof(SyntaxToken), typeof(SyntaxTrivia), typeof(TypedConstant)];

    /// <summary>Fails with the path to the first object of Roslyn's that a cache must not hold.</summary>
    public static void AssertPlainData(object root, string name)
    {
        var visited = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var left = new Stack<(object Value, string Path)>();
        left.Push((root, name));
        while (left.TryPop(out var next))
        {
            (object value, string path) = next;
            Type type = value.GetType();
            if (s_forbidden.Any(forbidden => forbidden.IsInstanceOfType(value)) || s_forbiddenValues.Contains(type))
                Assert.Fail($"{path} holds a {type}");
            Assert.False(value is Delegate, $"{path} holds a delegate, which may capture anything and is never equal to another one");
            if (type.IsPrimitive || type.IsEnum || value is string or Type || !type.IsValueType && !visited.Add(value))
                continue;

            if (value is Array array)
                foreach (object? item in array)
                    Push(item, $"{path}[]");
            else
                for (Type? declaring = type; declaring is not null; declaring = declaring.BaseType)
                    foreach (FieldInfo field in declaring.GetFields(
                        BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                        Push(field.GetValue(value), $"{path}.{field.Name}");
        }

        void Push(object? value, string path)
        {
            if (value is not null)
                left.Push((value, path));
        }
    }
}
