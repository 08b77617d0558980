namespace ILGPU;

/// <summary>Updates of one place by many threads. Each returns the value from before.</summary>
public static class Atomic
{
    public static int Add(ref int target, int value) => Interlocked.Add(ref target, value) - value;

    public static int Or(ref int target, int value) => Interlocked.Or(ref target, value);

    public static int Exchange(ref int target, int value) => Interlocked.Exchange(ref target, value);

    public static int Max(ref int target, int value)
    {
        int before = Volatile.Read(ref target);
        while (before < value)
        {
            int seen = Interlocked.CompareExchange(ref target, value, before);
            if (seen == before)
                break;
            before = seen;
        }

        return before;
    }
}
