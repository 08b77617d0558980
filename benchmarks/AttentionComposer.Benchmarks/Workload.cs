namespace AttentionComposer.Benchmarks;

/// <summary>What one row of the table is about.</summary>
/// <param name="Phase">decode, batch or prefill.</param>
/// <param name="Tokens">Keys that a decode row attends to, or rows and keys of a prefill.</param>
/// <param name="Variant">What is composed; "dense" rows have a counterpart among the peers.</param>
/// <param name="Format">How keys and values are stored: F32, F16 or BF16.</param>
/// <param name="KeysIn">DRAM where caches take turns, cache where one cache is read again and again, - in prefill.</param>
sealed record Row(string Phase, int Tokens, string Variant, string Format, string KeysIn)
{
    public override string ToString() => $"{Phase} {Tokens} {Variant} {Format} {KeysIn}";
}

/// <summary>One call, repeated and timed.</summary>
abstract class Workload(Row row, Limit limit, double work) : IDisposable
{
    public Row Row { get; } = row;

    /// <summary>What bounds the call, and so what its rate is held against.</summary>
    public Limit Limit { get; } = limit;

    /// <summary>Bytes (each byte of keys and values once) or float operations of one call.</summary>
    public double Work { get; } = work;

    /// <summary>Allocates and fills what the calls need; before it a workload is only a description.</summary>
    public abstract void Prepare();

    /// <param name="turn">Counts the calls; a workload with several caches takes the next one.</param>
    public abstract void Run(int turn);

    /// <summary>
    /// Error of the last call's output against the float64 reference, relative to the largest reference value; null where the pipeline leaves keys out
    /// on purpose.
    /// </summary>
    public abstract double? RelativeError();

    /// <summary>Runs some calls and tells which part of their time each stage of a selection takes; null without one.</summary>
    public virtual double[]? StageShares() => null;

    public abstract void Dispose();
}
