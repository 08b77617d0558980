using AttentionComposer;

namespace AttentionGym;

// Several sequences in one.

[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class PackedDocuments(int[] document)
{
    readonly int[] _document = document;

    [Mask] public bool Visible(int query, int key) => key <= query && _document[query] == _document[key];
}

/// <summary>The same over memory that somebody else owns, in half precision.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2), Causal, KvCache(KvFormat.Float16)]
public sealed partial class PackedDocumentsInMemory(ReadOnlyMemory<int> document)
{
    readonly ReadOnlyMemory<int> _document = document;

    [Mask]
    public bool Visible(int query, int key)
    {
        ReadOnlySpan<int> document = _document.Span;
        return document[query] == document[key];
    }
}

/// <summary>A batch of padded sequences of one length, by their number.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class BatchedSubsequences(int length, int[] used)
{
    readonly int _length = length;
    readonly int[] _used = used;

    [Mask] public bool Visible(int query, int key) => query / _length == key / _length && key % _length < _used[key / _length];
}

/// <summary>Flamingo: text sees the last image before it.</summary>
[Attention(HeadDim = 64, QueryHeads = 8, KeyValueHeads = 2)]
public sealed partial class ImageText(int[] imageOf)
{
    readonly int[] _imageOf = imageOf; // of a text token the image before it; of an image's token the image, from 1 on; 0 for none

    [Mask] public bool Visible(int query, int key) => _imageOf[key] != 0 && _imageOf[key] == _imageOf[query] || key == query;
}
