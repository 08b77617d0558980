using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace AttentionComposer.Tests;

/// <summary>
/// Random trials by FsCheck, which shrinks a failing one to a small example. They start from a fixed seed: a build must not fail
/// or pass by chance.
/// </summary>
static class RepeatableCheck
{
    public static void ForAll<T>(Gen<T> cases, int count, Action<T> property) => ForAll(cases.ToArbitrary(), count, property);

    public static void ForAll<T>(Arbitrary<T> cases, int count, Action<T> property)
    {
        var seed = new Replay(new Rnd(20231204), FSharpOption<int>.None);
        Prop.ForAll(cases, property).Check(Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(FSharpOption<Replay>.Some(seed)));
    }
}
