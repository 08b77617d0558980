// Types that newer C# asks for and netstandard2.0 does not have.

namespace System.Runtime.CompilerServices
{
    /// <summary>Lets records and init accessors compile.</summary>
    static class IsExternalInit;

    /// <summary>Lets required members compile.</summary>
    [AttributeUsage(AttributeTargets.All, AllowMultiple = true)]
    sealed class CompilerFeatureRequiredAttribute(string featureName) : Attribute
    {
        public string FeatureName { get; } = featureName;
    }

    /// <inheritdoc cref="CompilerFeatureRequiredAttribute" />
    [AttributeUsage(AttributeTargets.All)]
    sealed class RequiredMemberAttribute : Attribute;
}

namespace System.Diagnostics.CodeAnalysis
{
    /// <summary>Lets records with required members be copied.</summary>
    [AttributeUsage(AttributeTargets.Constructor)]
    sealed class SetsRequiredMembersAttribute : Attribute;
}
