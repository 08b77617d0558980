using FsCheck;
using FsCheck.Fluent;

namespace AttentionComposer.Tests.Kernels;

/// <summary>
/// Random sequences of a cache's operations against the simplest model of it: the list of its tokens. Every answer is the
/// reference's over that list, and only what a windowed cache has dropped may be refused.
/// </summary>
public sealed class CacheModelTests
{
    const int Capacity = 2000;

    /// <summary>One call on a cache. Small numbers shrink to small numbers of tokens.</summary>
    public abstract record Operation
    {
        /// <summary>Attends with so many new tokens.</summary>
        public sealed record Step(int Tokens) : Operation;

        /// <summary>Stores so many tokens.</summary>
        public sealed record Store(int Tokens) : Operation;

        /// <summary>Attends with so many queries over what is there.</summary>
        public sealed record Ask(int Queries) : Operation;

        /// <summary>Takes so many tokens back.</summary>
        public sealed record TakeBack(int Tokens) : Operation;

        /// <summary>Truncates to so many tokens.</summary>
        public sealed record Keep(int Tokens) : Operation;

        public sealed record Clear : Operation;
    }

    static Gen<int> Count(int largest) => Gen.Choose(0, largest);

    static Gen<Operation> AnOperation { get; } = Gen.Frequency(
        (4, Count(40).Select(Operation (tokens) => new Operation.Step(tokens))),
        (1, Count(400).Select(Operation (tokens) => new Operation.Step(tokens))),
        (2, Count(300).Select(Operation (tokens) => new Operation.Store(tokens))),
        (3, Count(60).Select(Operation (queries) => new Operation.Ask(queries))),
        (3, Count(30).Select(Operation (tokens) => new Operation.TakeBack(tokens))),
        (1, Count(150).Select(Operation (tokens) => new Operation.Keep(tokens))),
        (1, Gen.Constant<Operation>(new Operation.Clear())));

    static Arbitrary<Operation[]> Operations { get; } = Arb.From(
        Gen.Sized(size => Gen.ArrayOf(AnOperation, 3 + size / 5)),
        operations => Enumerable.Range(0, operations.Length).Select(i => operations.Where((_, index) => index != i).ToArray()));

    [Theory]
    [InlineData(nameof(Variants.Causal4x4Of32F32))]
    [InlineData(nameof(Variants.EverythingOf32F32))]
    [InlineData(nameof(Variants.EverythingOf32F16))]
    [InlineData(nameof(Variants.EverythingOf32I8))]
    [InlineData(nameof(Variants.WindowOfOneOf72F32))]
    [InlineData(nameof(Variants.WindowOf80BF16))]
    [InlineData(nameof(Variants.MoreSinksThanWindowOf64F32))]
    public void ACacheIsTheListOfItsTokens(string name) =>
        RepeatableCheck.ForAll(Operations, 30, operations => Run(Variants.Named(name), operations));

    static void Run(IAttention attention, Operation[] operations)
    {
        AttentionPlan plan = attention.Plan;
        var reference = ReferenceAttention.Of(plan);
        using KvCache cache = attention.CreateCache(Capacity);
        List<float> keys = [], values = [];
        int longest = 0;    // since the cache was last empty: how far a ring has turned
        int seed = 0;
        foreach (Operation operation in operations)
        {
            int length = keys.Count / plan.Shape.KeyValueWidth;
            Assert.Equal(length, cache.Length);
            switch (operation)
            {
                case Operation.Step(int tokens):
                    tokens = Math.Min(tokens, Capacity - length);
                    Sequence step = Sequence.Random(plan.Shape, tokens, tokens, seed++, plan.Format);
                    keys.AddRange(step.Keys);
                    values.AddRange(step.Values);
                    Answer(step.Queries, result => attention.Attend(
                        cache, step.Queries, step.Keys, step.Values, result.Output, result.LogSumExp));
                    break;
                case Operation.Store(int tokens):
                    tokens = Math.Min(tokens, Capacity - length);
                    Sequence store = Sequence.Random(plan.Shape, tokens, 0, seed++, plan.Format);
                    keys.AddRange(store.Keys);
                    values.AddRange(store.Values);
                    attention.Append(cache, store.Keys, store.Values);
                    break;
                case Operation.Ask(int queries):
                    Sequence ask = Sequence.Random(plan.Shape, 0, queries, seed++, plan.Format);
                    if (MayRefuse(length - queries, length))
                        try
                        {
                            Answer(ask.Queries, result => attention.Attend(cache, ask.Queries, result.Output, result.LogSumExp));
                        }
                        catch (InvalidOperationException)
                        {
                        }
                    else
                        Answer(ask.Queries, result => attention.Attend(cache, ask.Queries, result.Output, result.LogSumExp));
                    break;
                case Operation.TakeBack(int tokens):
                    Truncate(Math.Max(0, length - tokens));
                    break;
                case Operation.Keep(int tokens):
                    Truncate(Math.Min(length, tokens));
                    break;
                case Operation.Clear:
                    cache.Clear();
                    keys.Clear();
                    values.Clear();
                    break;
            }

            longest = keys.Count == 0 ? 0 : Math.Max(longest, keys.Count / plan.Shape.KeyValueWidth);
        }

        void Answer(float[] queries, Action<Result> attend)
        {
            var sequence = new Sequence(plan.Shape, queries, [.. keys], [.. values]);
            Result result = Result.Unwritten(plan.Shape, sequence.Rows);
            attend(result);
            result.CheckAgainst(
                Result.OfReference(reference, sequence), Tolerance.Float32, $"{sequence.Rows} rows at {sequence.Positions} positions");
        }

        void Truncate(int length)
        {
            try
            {
                cache.Truncate(length);
            }
            catch (InvalidOperationException) when (MayRefuse(length, length))
            {
                return;
            }

            keys.RemoveRange(length * plan.Shape.KeyValueWidth, keys.Count - length * plan.Shape.KeyValueWidth);
            values.RemoveRange(length * plan.Shape.KeyValueWidth, values.Count - length * plan.Shape.KeyValueWidth);
        }

        // A ring holds the newest RingSize positions beside the sinks. A query needs the window before it; a truncation, the
        // window of the query that comes next. Positions that do not exist are not needed; only a window of one key, whose next
        // query needs none of the past, is held to the rule of the others.
        bool MayRefuse(int firstQuery, int length)
        {
            int oldestHeld = Math.Max(plan.Sinks, longest - plan.RingSize);
            int oldestNeeded = Math.Max(plan.Sinks, firstQuery - plan.Window + 1);
            return plan.RingSize != 0 && oldestNeeded < oldestHeld && (oldestNeeded < length || plan.Window == 1);
        }
    }
}
