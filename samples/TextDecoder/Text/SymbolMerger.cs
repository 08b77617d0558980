namespace TextDecoder.Text;

/// <summary>
/// The loop at the heart of byte-pair encoding and of SentencePiece: a text starts as single symbols, and the best pair of
/// neighbours becomes one symbol until no pair is worth it.
/// </summary>
/// <remarks>A queue of pairs over a linked list: the time grows with n log n, where looking for the best pair each time would take n².</remarks>
/// <param name="priority">Gives a pair's priority, the smallest first; null for a pair that must not be merged.</param>
sealed class SymbolMerger(SymbolMerger.PairPriority priority)
{
    /// <summary>The priority of merging two neighbours; null to leave them apart.</summary>
    public delegate double? PairPriority(ReadOnlySpan<char> left, ReadOnlySpan<char> right);

    struct Symbol
    {
        public int Start, Length, Previous, Next;
    }

    /// <summary>Merges a text's symbols.</summary>
    /// <param name="text">The text.</param>
    /// <param name="starts">Where its symbols start, in order, the first at 0.</param>
    /// <returns>The pieces of the text that remain.</returns>
    public List<Range> Merge(string text, List<int> starts)
    {
        var symbols = new Symbol[starts.Count];
        for (int i = 0; i < symbols.Length; i++)
        {
            int end = i + 1 < symbols.Length ? starts[i + 1] : text.Length;
            symbols[i] = new Symbol { Start = starts[i], Length = end - starts[i], Previous = i - 1, Next = i + 1 < symbols.Length ? i + 1 : -1 };
        }

        // The same priority: the leftmost first.
        var queue = new PriorityQueue<(int Left, int Right, int Length), (double, int)>();
        for (int i = 0; i + 1 < symbols.Length; i++)
            Enqueue(i, i + 1);

        while (queue.TryDequeue(out var pair, out _))
        {
            ref var left = ref symbols[pair.Left];
            ref var right = ref symbols[pair.Right];
            // One of the two has been merged with another neighbour since.
            if (left.Length == 0 || right.Length == 0 || left.Next != pair.Right || left.Length + right.Length != pair.Length)
                continue;

            left.Length += right.Length;
            left.Next = right.Next;
            right.Length = 0;
            if (left.Next >= 0)
                symbols[left.Next].Previous = pair.Left;
            if (left.Previous >= 0)
                Enqueue(left.Previous, pair.Left);
            if (left.Next >= 0)
                Enqueue(pair.Left, left.Next);
        }

        var pieces = new List<Range>();
        for (int i = symbols.Length > 0 ? 0 : -1; i >= 0; i = symbols[i].Next)
            pieces.Add(symbols[i].Start..(symbols[i].Start + symbols[i].Length));
        return pieces;

        void Enqueue(int left, int right)
        {
            var (a, b) = (symbols[left], symbols[right]);
            if (priority(text.AsSpan(a.Start, a.Length), text.AsSpan(b.Start, b.Length)) is { } first)
                queue.Enqueue((left, right, a.Length + b.Length), (first, left));
        }
    }
}
