using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu.Tests;

/// <summary>The verbs over the device's memory and the host's: many sequences, streams, captured fields, refusals.</summary>
public sealed class DeviceAttentionTests
{
    static Accelerator Accelerator => TestDevice.Accelerator;

    public static TheoryData<Type> Formats() => [typeof(Dense), typeof(DenseFloat16), typeof(WindowBFloat16)];

    [Theory, MemberData(nameof(Formats))]
    public void ADecoderStepsOverViews(Type pipeline)
    {
        var cpu = (IAttention)Activator.CreateInstance(pipeline)!;
        using DeviceAttention attention = cpu.OnDevice(Accelerator);
        const int Sequences = 3, Positions = 45;
        Sequence[] sequences = [.. Enumerable.Range(0, Sequences).Select(i => Sequence.Random(cpu.Shape, Positions, Positions, seed: i, cpu.Plan.Format))];
        Result[] expected = [.. sequences.Select(sequence => Result.OfReference(ReferenceAttention.Of(cpu.Plan), sequence))];
        using DeviceKvCache cache = attention.CreateCache(Positions, Sequences);

        // A prompt, some steps of one token, and one of a few.
        foreach (Range step in (Range[])[0..33, 33..34, 34..35, 35..36, 36..Positions])
        {
            int tokens = step.GetOffsetAndLength(Positions).Length;
            using MemoryBuffer1D<float, Stride1D.Dense> queries = Gather(sequence => sequence.QueriesAt(step));
            using MemoryBuffer1D<float, Stride1D.Dense> keys = Gather(sequence => sequence.KeysAt(step));
            using MemoryBuffer1D<float, Stride1D.Dense> values = Gather(sequence => sequence.ValuesAt(step));
            using MemoryBuffer1D<float, Stride1D.Dense> output = Accelerator.Allocate1D<float>(queries.Length);
            using MemoryBuffer1D<float, Stride1D.Dense> logSumExp = Accelerator.Allocate1D<float>((long)Sequences * tokens * cpu.Shape.QueryHeads);
            attention.Attend(
                cache, queries.AsContiguous(), keys.AsContiguous(), values.AsContiguous(), output.AsContiguous(), logSumExp.AsContiguous());
            attention.Synchronize();

            float[] actual = TestDevice.Download(output), logSums = TestDevice.Download(logSumExp);
            int width = tokens * cpu.Shape.QueryWidth, heads = tokens * cpu.Shape.QueryHeads;
            for (int i = 0; i < Sequences; i++)
                new Result(actual[(i * width)..((i + 1) * width)], logSums[(i * heads)..((i + 1) * heads)]).CheckAgainst(
                    Rows(expected[i], step, cpu.Shape), Tolerance.Float32, $"{cpu.Plan.Name}, sequence {i}, rows {step}");
        }

        Assert.Equal([Positions, Positions, Positions], cache.Lengths);

        MemoryBuffer1D<float, Stride1D.Dense> Gather(Selector select)
        {
            var all = new List<float>();
            foreach (Sequence sequence in sequences)
                all.AddRange(select(sequence));
            return TestDevice.Upload<float>(all.ToArray());
        }
    }

    delegate ReadOnlySpan<float> Selector(Sequence sequence);

    [Fact]
    public void SequencesOfDifferentLengths()
    {
        var cpu = new Dense();
        using DeviceAttention attention = cpu.OnDevice(Accelerator);
        attention.Multiprocessors = 16;
        int[] lengths = [70, 1, 33];
        using DeviceKvCache cache = attention.CreateCache(80, lengths.Length);
        float[] queries = new float[lengths.Length * cpu.Shape.QueryWidth], output = new float[queries.Length], logSumExp = new float[lengths.Length * cpu.Shape.QueryHeads];
        var expected = new List<Result>();
        for (int i = 0; i < lengths.Length; i++)
        {
            Sequence sequence = Sequence.Random(cpu.Shape, lengths[i], 1, seed: i);
            attention.Append(cache.Part(i), sequence.Keys, sequence.Values);
            sequence.Queries.CopyTo(queries, i * cpu.Shape.QueryWidth);
            expected.Add(Result.OfReference(ReferenceAttention.Of(cpu.Plan), sequence));
        }

        Assert.Equal(lengths, cache.Lengths);
        attention.Attend(cache, queries, output, logSumExp);
        new Result(output, logSumExp).CheckAgainst(
            new([.. expected.SelectMany(x => x.Output)], [.. expected.SelectMany(x => x.LogSumExp)]), Tolerance.Float32, "all at once");
    }

    [Fact]
    public void TruncatedPositionsAreForgotten()
    {
        var cpu = new DenseFloat16();
        using DeviceAttention attention = cpu.OnDevice(Accelerator);
        using DeviceKvCache cache = attention.CreateCache(40);
        Sequence rejected = Sequence.Random(cpu.Shape, 40, 40, seed: 1, KvFormat.Float16);
        Sequence kept = Sequence.Random(cpu.Shape, 40, 40, seed: 2, KvFormat.Float16);
        Result result = Result.Unwritten(cpu.Shape, 40);
        attention.Append(cache, kept.KeysAt(..17), kept.ValuesAt(..17));
        attention.Append(cache, rejected.KeysAt(17..40), rejected.ValuesAt(17..40));
        cache.Truncate(17);
        attention.Append(cache, kept.KeysAt(17..40), kept.ValuesAt(17..40));
        attention.Attend(cache, kept.Queries, result.Output, result.LogSumExp);
        result.CheckAgainst(Result.OfReference(ReferenceAttention.Of(cpu.Plan), kept), Tolerance.Float32, "after going back");

        cache.Clear();
        attention.Attend(cache, kept.QueriesAt(..1), result.Output.AsSpan(0, cpu.Shape.QueryWidth), result.LogSumExp.AsSpan(0, cpu.Shape.QueryHeads));
        Assert.All(result.Output[..cpu.Shape.QueryWidth], x => Assert.Equal(0, x));
        Assert.All(result.LogSumExp[..cpu.Shape.QueryHeads], x => Assert.Equal(float.NegativeInfinity, x));
    }

    [Fact]
    public void StreamsDoNotShareMemory()
    {
        var cpu = new Dense();
        using DeviceAttention attention = cpu.OnDevice(Accelerator);
        using AcceleratorStream first = Accelerator.CreateStream(), second = Accelerator.CreateStream();
        Sequence one = Sequence.Random(cpu.Shape, 30, 30, seed: 1), two = Sequence.Random(cpu.Shape, 50, 50, seed: 2);
        using DeviceKvCache firstCache = attention.CreateCache(30), secondCache = attention.CreateCache(50);

        // Both are queued before either is waited for.
        using var firstCall = new QueuedCall(attention, firstCache, one, first);
        using var secondCall = new QueuedCall(attention, secondCache, two, second);
        secondCall.Check();
        firstCall.Check();
    }

    sealed class QueuedCall : IDisposable
    {
        readonly DeviceAttention _attention;
        readonly Sequence _sequence;
        readonly AcceleratorStream _stream;
        readonly MemoryBuffer1D<float, Stride1D.Dense>[] _buffers;

        public QueuedCall(DeviceAttention attention, DeviceKvCache cache, Sequence sequence, AcceleratorStream stream)
        {
            (_attention, _sequence, _stream) = (attention, sequence, stream);
            _buffers =
            [
                TestDevice.Upload<float>(sequence.Queries), TestDevice.Upload<float>(sequence.Keys), TestDevice.Upload<float>(sequence.Values),
                TestDevice.Upload<float>(sequence.Queries), TestDevice.Upload<float>(new float[sequence.Rows * sequence.Shape.QueryHeads]),
            ];
            attention.Attend(
                cache, _buffers[0].AsContiguous(), _buffers[1].AsContiguous(), _buffers[2].AsContiguous(), _buffers[3].AsContiguous(),
                _buffers[4].AsContiguous(), stream);
        }

        public void Check()
        {
            _attention.Synchronize(_stream);
            new Result(TestDevice.Download(_buffers[3]), TestDevice.Download(_buffers[4])).CheckAgainst(
                Result.OfReference(ReferenceAttention.Of(_attention.Plan), _sequence), Tolerance.Float32, $"{_sequence.Positions} positions");
        }

        public void Dispose()
        {
            foreach (MemoryBuffer1D<float, Stride1D.Dense> buffer in _buffers)
                buffer.Dispose();
        }
    }

    [Fact]
    public void FieldsAreReadAtEachCall()
    {
        var cpu = new Biased { Distances = [.. Enumerable.Range(0, 20).Select(i => i * 0.1f)] };
        using DeviceAttention attention = cpu.OnDevice(Accelerator);
        Sequence sequence = Sequence.Random(cpu.Shape, 20, 20, seed: 3);
        CheckNow("as declared");
        cpu.Factor = -2;
        CheckNow("another factor");
        cpu.Distances[3] = 4;
        CheckNow("another element");
        cpu.Distances = [.. cpu.Distances, 1, 2, 3];
        CheckNow("another array");

        void CheckNow(string what) => DeviceResult.OfStored(attention, sequence).CheckAgainst(
            Result.OfReference(
                ReferenceAttention.Of(cpu.Plan) with { Score = (score, head, query, key) => cpu.ByDistance((float)score, query, key) }, sequence),
            Tolerance.Float32, what);
    }

    [Fact]
    public void ACallThatReadsOutsideOfATableIsRefused()
    {
        var cpu = new Biased { Distances = new float[5] };
        using DeviceAttention attention = cpu.OnDevice(Accelerator);
        using DeviceKvCache cache = attention.CreateCache(10);
        Sequence sequence = Sequence.Random(cpu.Shape, 6, 6, seed: 4);
        attention.Append(cache, sequence.KeysAt(..2), sequence.ValuesAt(..2));

        Result result = Result.Unwritten(cpu.Shape, 4), before = Result.Unwritten(cpu.Shape, 4);
        var exception = Assert.Throws<IndexOutOfRangeException>(() => attention.Attend(
            cache, sequence.QueriesAt(2..6), sequence.KeysAt(2..6), sequence.ValuesAt(2..6), result.Output, result.LogSumExp));
        Assert.StartsWith("Biased.ByDistance reads outside of a captured array", exception.Message);
        Assert.Equal([2], cache.Lengths);
        result.CheckSame(before, "after a refused call");

        // The next call knows nothing of it.
        attention.Attend(
            cache, sequence.QueriesAt(2..5), sequence.KeysAt(2..5), sequence.ValuesAt(2..5),
            result.Output.AsSpan(0, 3 * cpu.Shape.QueryWidth), result.LogSumExp.AsSpan(0, 3 * cpu.Shape.QueryHeads));
        Assert.Equal([5], cache.Lengths);
    }

    [Fact]
    public void AFaultOverViewsIsFoundWhenOneWaits()
    {
        var cpu = new Biased { Distances = new float[1] };
        using DeviceAttention attention = cpu.OnDevice(Accelerator);
        using DeviceKvCache cache = attention.CreateCache(10);
        Sequence sequence = Sequence.Random(cpu.Shape, 2, 2, seed: 4);
        using MemoryBuffer1D<float, Stride1D.Dense> rows = TestDevice.Upload<float>(sequence.Queries), output = TestDevice.Upload<float>(sequence.Queries);
        attention.Attend(cache, rows.AsContiguous(), rows.AsContiguous(), rows.AsContiguous(), output.AsContiguous());
        Assert.Contains("ByDistance", Assert.Throws<IndexOutOfRangeException>(() => attention.Synchronize()).Message);
        attention.Synchronize();
    }

    [Fact]
    public void FormatsThatTheDeviceDoesNotHaveAreNamed() => Assert.Equal(
        "EightBits has no device kernels: rows of Int8 are read on the CPU only.",
        Assert.Throws<NotSupportedException>(() => new EightBits().OnDevice(Accelerator)).Message);

    [Fact]
    public void WrongArgumentsAreNamed()
    {
        var cpu = new Dense();
        using DeviceAttention attention = cpu.OnDevice(Accelerator);
        using DeviceKvCache cache = attention.CreateCache(4, sequences: 2);
        int width = cpu.Shape.QueryWidth, keyWidth = cpu.Shape.KeyValueWidth;
        float[] Queries(int tokens) => new float[tokens * 2 * width];
        float[] Rows(int tokens) => new float[tokens * 2 * keyWidth];

        Refused("queries", "Dense: expected [sequences, tokens, QueryHeads, HeadDim] with 2 sequences and 384 scalars a token (6/2 heads of 64), got 384 scalars.",
            () => attention.Attend(cache, new float[width], Queries(1)));
        Refused("output", "Dense: expected [sequences, tokens, QueryHeads, HeadDim]: 2 × 1 × 384 = 768 scalars, got 1536.",
            () => attention.Attend(cache, Queries(1), Queries(2)));
        Refused("logSumExp", "Dense: expected [sequences, tokens, QueryHeads]: 2 × 1 × 6 = 12 scalars, got 1.",
            () => attention.Attend(cache, Queries(1), Queries(1), new float[1]));
        Refused("keys", "Dense: expected [sequences, tokens, KeyValueHeads, HeadDim]: 2 × 1 × 128 = 256 scalars, got 512.",
            () => attention.Attend(cache, Queries(1), Rows(2), Rows(1), Queries(1)));
        Refused("values", "Dense: expected [sequences, tokens, KeyValueHeads, HeadDim]: 2 × 3 × 128 = 768 scalars, got 512.",
            () => attention.Append(cache, Rows(3), Rows(2)));

        using DeviceAttention other = new DenseFloat16().OnDevice(Accelerator);
        using DeviceKvCache otherCache = other.CreateCache(4, 2);
        Refused("cache", "Dense: the cache was made for 4/4 heads of 40 in Float16; this pipeline needs one for 6/2 heads of 64 in Float32. Make it with this pipeline's CreateCache.",
            () => attention.Append(otherCache, Rows(1), Rows(1)));

        attention.Append(cache.Part(1), new float[2 * keyWidth], new float[2 * keyWidth]);
        Assert.Equal(
            "Dense: sequence 1 of the cache holds 2 of 4 positions and has no room for 3 more.",
            Assert.Throws<InvalidOperationException>(() => attention.Append(cache, Rows(3), Rows(3))).Message);
        Assert.Equal([0, 2], cache.Lengths);

        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Truncate(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Part(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => attention.CreateCache(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => attention.CreateCache(1, 0));
        Assert.Throws<ArgumentNullException>(() => attention.Append(null!, Rows(1), Rows(1)));

        static void Refused(string argument, string message, Action call)
        {
            var exception = Assert.Throws<ArgumentException>(call);
            Assert.Equal(argument, exception.ParamName);
            Assert.StartsWith(message, exception.Message);
        }
    }

    [Fact]
    public void WhatIsDisposedIsRefused()
    {
        var attention = new Dense().OnDevice(Accelerator);
        DeviceKvCache cache = attention.CreateCache(4), part = cache.Part(0);
        float[] row = new float[attention.Shape.KeyValueWidth];
        cache.Dispose();
        Assert.Equal(0, cache.SizeInBytes);
        Assert.Throws<ObjectDisposedException>(() => attention.Append(cache, row, row));
        Assert.Throws<ObjectDisposedException>(() => attention.Append(part, row, row));
        Assert.Throws<ObjectDisposedException>(() => cache.Truncate(0));
        attention.Dispose();
        Assert.Throws<ObjectDisposedException>(() => attention.CreateCache(4));
    }

    [Fact]
    public void NoTokensAreNoWork()
    {
        using DeviceAttention attention = new Dense().OnDevice(Accelerator);
        using DeviceKvCache cache = attention.CreateCache(0);
        attention.Append(cache, [], []);
        attention.Attend(cache, default(ReadOnlySpan<float>), default);
        Assert.Equal([0], cache.Lengths);
    }

    static Result Rows(Result result, Range rows, AttentionShape shape)
    {
        (int start, int count) = rows.GetOffsetAndLength(result.Output.Length / shape.QueryWidth);
        return new(
            result.Output[(start * shape.QueryWidth)..((start + count) * shape.QueryWidth)],
            result.LogSumExp[(start * shape.QueryHeads)..((start + count) * shape.QueryHeads)]);
    }
}
