namespace AttentionComposer.Ilgpu.Tests;

/// <summary>Results of the verbs over the host's memory.</summary>
static class DeviceResult
{
    /// <summary>Stores all keys and values, then attends with all queries.</summary>
    public static Result OfStored(DeviceAttention attention, Sequence sequence)
    {
        using DeviceKvCache cache = attention.CreateCache(sequence.Positions);
        Result result = Result.Unwritten(sequence.Shape, sequence.Rows);
        attention.Append(cache, sequence.Keys, sequence.Values);
        attention.Attend(cache, sequence.Queries, result.Output, result.LogSumExp);
        return result;
    }

    /// <summary>Stores the positions before the queries' and gives the rest together with the queries, as a decoder does.</summary>
    public static Result OfStep(DeviceAttention attention, Sequence sequence)
    {
        using DeviceKvCache cache = attention.CreateCache(sequence.Positions);
        Result result = Result.Unwritten(sequence.Shape, sequence.Rows);
        int start = sequence.Positions - sequence.Rows;
        attention.Append(cache, sequence.KeysAt(..start), sequence.ValuesAt(..start));
        attention.Attend(cache, sequence.Queries, sequence.KeysAt(start..), sequence.ValuesAt(start..), result.Output, result.LogSumExp);
        Assert.Equal(sequence.Positions, cache.Lengths[0]);
        return result;
    }
}
