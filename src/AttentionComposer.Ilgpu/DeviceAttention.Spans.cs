using ILGPU;
using ILGPU.Runtime;

namespace AttentionComposer.Ilgpu;

/// <remarks>The same verbs over the host's memory: they copy to the device, run, wait, and copy back. A refused call leaves cache and outputs as they were.</remarks>
public sealed partial class DeviceAttention
{
    /// <inheritdoc cref="Attend(DeviceKvCache, ArrayView{float}, ArrayView{float}, ArrayView{float}, ArrayView{float}, ArrayView{float}, AcceleratorStream)"/>
    /// <exception cref="IndexOutOfRangeException">A function reads outside of a captured array for a key that is visible.</exception>
    public void Attend(
        DeviceKvCache cache, ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        Span<float> output, Span<float> logSumExp = default, AcceleratorStream? stream = null)
    {
        DeviceCheck check = Checks(cache);
        int tokens = Queries(check, queries.Length, output.Length, logSumExp.Length);
        check.KeysAndValues(keys.Length, values.Length, tokens);
        StreamBuffers buffers = Prepare(stream);
        if (tokens == 0)
            return;

        EvictionState[] before = cache.EvictionStates.ToArray();
        Store(buffers, cache, buffers.Upload(buffers.Keys, keys), buffers.Upload(buffers.Values, values), tokens);
        try
        {
            RunAndDownload(buffers, cache, queries, output, logSumExp, tokens);
        }
        catch
        {
            cache.TakeBack(tokens, before);
            throw;
        }
    }

    /// <inheritdoc cref="Append(DeviceKvCache, ArrayView{float}, ArrayView{float}, AcceleratorStream)"/>
    public void Append(DeviceKvCache cache, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, AcceleratorStream? stream = null)
    {
        int tokens = Checks(cache).KeysAndValues(keys.Length, values.Length);
        StreamBuffers buffers = BuffersOf(stream);
        if (tokens == 0)
            return;

        Store(buffers, cache, buffers.Upload(buffers.Keys, keys), buffers.Upload(buffers.Values, values), tokens);
        buffers.Stream.Synchronize();
    }

    /// <inheritdoc cref="Attend(DeviceKvCache, ArrayView{float}, ArrayView{float}, ArrayView{float}, AcceleratorStream)"/>
    /// <exception cref="IndexOutOfRangeException">A function reads outside of a captured array for a key that is visible.</exception>
    public void Attend(
        DeviceKvCache cache, ReadOnlySpan<float> queries, Span<float> output, Span<float> logSumExp = default, AcceleratorStream? stream = null)
    {
        int tokens = Queries(Checks(cache), queries.Length, output.Length, logSumExp.Length);
        StreamBuffers buffers = Prepare(stream);
        if (tokens == 0)
            return;

        EvictionState[] before = cache.EvictionStates.ToArray();
        try
        {
            RunAndDownload(buffers, cache, queries, output, logSumExp, tokens);
        }
        catch
        {
            cache.TakeBack(0, before);
            throw;
        }
    }

    void RunAndDownload(
        StreamBuffers buffers, DeviceKvCache cache, ReadOnlySpan<float> queries, Span<float> output, Span<float> logSumExp, int tokens)
    {
        ArrayView<float> result = buffers.Output.View(output.Length);
        ArrayView<float> logSums = logSumExp.IsEmpty ? default : buffers.LogSumExp.View(logSumExp.Length);
        Run(buffers, cache, buffers.Upload(buffers.Queries, queries), result, logSums, tokens);
        Synchronize(buffers.Stream);
        result.CopyToCPU(buffers.Stream, output);
        if (!logSumExp.IsEmpty)
            logSums.CopyToCPU(buffers.Stream, logSumExp);
    }
}
