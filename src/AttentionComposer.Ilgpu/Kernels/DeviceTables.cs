using System.ComponentModel;

namespace AttentionComposer.Ilgpu.Kernels;

/// <summary>
/// What a pipeline's functions read of it, as the device gets it: scalars and places of tables in <see cref="Slots"/>, the tables' elements one
/// behind the other in <see cref="Ints"/> and <see cref="Floats"/>.
/// </summary>
/// <remarks>
/// A scalar takes one slot; a float's bits are stored as they are, and true is 1. A table takes one slot for the place of its first element
/// and one for the length of each dimension. Emitted kernels know the slots' numbers, which follow the order of adding.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class DeviceTables
{
    int[] _slots = new int[16];
    int[] _ints = new int[16];
    float[] _floats = new float[16];
    int _slotCount, _intCount, _floatCount;

    /// <summary>Scalars, and where tables begin.</summary>
    public ReadOnlySpan<int> Slots => _slots.AsSpan(0, _slotCount);

    /// <summary>Elements of the tables of integers and conditions.</summary>
    public ReadOnlySpan<int> Ints => _ints.AsSpan(0, _intCount);

    /// <summary>Elements of the tables of floats, and the sinks' logits.</summary>
    public ReadOnlySpan<float> Floats => _floats.AsSpan(0, _floatCount);

    /// <summary>Index in <see cref="Floats"/> of the logits, one a query head, that join the softmax's denominator; -1 without.</summary>
    public int SinkLogits { get; private set; } = -1;

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        (_slotCount, _intCount, _floatCount) = (0, 0, 0);
        SinkLogits = -1;
    }

    /// <summary>Adds a scalar.</summary>
    public void Add(float scalar) => Add(BitConverter.SingleToInt32Bits(scalar));

    /// <inheritdoc cref="Add(float)"/>
    public void Add(bool scalar) => Add(scalar ? 1 : 0);

    /// <inheritdoc cref="Add(float)"/>
    public void Add(int scalar) => Room(ref _slots, ref _slotCount, 1)[0] = scalar;

    /// <summary>Adds a table.</summary>
    /// <param name="elements">Its elements, row-major.</param>
    /// <param name="lengths">The length of each dimension.</param>
    public void Add(ReadOnlySpan<float> elements, params ReadOnlySpan<int> lengths)
    {
        AddPlace(_floatCount, lengths);
        elements.CopyTo(Room(ref _floats, ref _floatCount, elements.Length));
    }

    /// <inheritdoc cref="Add(ReadOnlySpan{float}, ReadOnlySpan{int})"/>
    public void Add(ReadOnlySpan<int> elements, params ReadOnlySpan<int> lengths)
    {
        AddPlace(_intCount, lengths);
        elements.CopyTo(Room(ref _ints, ref _intCount, elements.Length));
    }

    /// <inheritdoc cref="Add(ReadOnlySpan{float}, ReadOnlySpan{int})"/>
    public void Add(ReadOnlySpan<bool> elements, params ReadOnlySpan<int> lengths)
    {
        AddPlace(_intCount, lengths);
        Span<int> room = Room(ref _ints, ref _intCount, elements.Length);
        for (int i = 0; i < elements.Length; i++)
            room[i] = elements[i] ? 1 : 0;
    }

    /// <summary>Adds the logits that join the softmax's denominator.</summary>
    public void AddSinkLogits(ReadOnlySpan<float> logits)
    {
        SinkLogits = _floatCount;
        logits.CopyTo(Room(ref _floats, ref _floatCount, logits.Length));
    }

    void AddPlace(int first, ReadOnlySpan<int> lengths)
    {
        Add(first);
        lengths.CopyTo(Room(ref _slots, ref _slotCount, lengths.Length));
    }

    static Span<T> Room<T>(ref T[] array, ref int count, int length)
    {
        if (array.Length < count + length)
            Array.Resize(ref array, Math.Max(2 * array.Length, count + length));
        count += length;
        return array.AsSpan(count - length, length);
    }
}
