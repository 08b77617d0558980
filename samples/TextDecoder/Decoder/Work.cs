using AttentionComposer;

namespace TextDecoder.Decoder;

/// <summary>Spreads the decoder's loops over the threads of the attention kernels.</summary>
static class Work
{
    // A thread passes over so many bytes in the time that it takes to hand some of them to another.
    const long Small = 1 << 18;

    /// <summary>Calls <paramref name="body"/> for each item, in any order, and returns when all are done.</summary>
    /// <param name="items">Number of items.</param>
    /// <param name="bytes">About how many bytes all of them pass over: what is done soon is done on the calling thread.</param>
    /// <param name="body">Gets an item, and a number below <see cref="AttentionThreads.MaxWorkers"/> that no other running item has.</param>
    public static void Run(int items, long bytes, Action<int, int> body)
    {
        if (bytes >= Small)
        {
            AttentionThreads.Run(items, body);
            return;
        }

        for (int item = 0; item < items; item++)
            body(item, 0);
    }
}
