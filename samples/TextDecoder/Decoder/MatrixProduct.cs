using AttentionComposer;
using TextDecoder.Weights;

namespace TextDecoder.Decoder;

/// <summary>One product of a batch: <c>output[t, r] = Σ weights[r, c] · input[t, c]</c>.</summary>
/// <param name="Weights">[rows, columns].</param>
/// <param name="Output">Receives [tokens, rows].</param>
readonly record struct Product(WeightMatrix Weights, TokenRows Output);

/// <summary>Multiplies weights with tokens on all threads.</summary>
/// <remarks>Products that share their input run as one job, since starting a job costs as much as a small product.</remarks>
sealed unsafe class MatrixProduct
{
    // A panel pays once its widening is spread over a few tokens.
    const int FewTokens = 6;

    // Rows that a thread takes at a time when tokens are few.
    const int RowsAtATime = 32;

    readonly MatrixKernels _kernels;
    readonly AlignedBuffer<float>[] _panels;
    readonly Action<int, int> _runItem;
    readonly List<Product> _products = [];
    TokenRows? _input;
    int _tokens;

    /// <param name="vectorBits">Width of the vectors to compute with: 512, 256 or 128.</param>
    public MatrixProduct(int vectorBits)
    {
        _kernels = MatrixKernels.ForVectorBits(vectorBits);
        _panels = new AlignedBuffer<float>[AttentionThreads.MaxWorkers];
        for (int i = 0; i < _panels.Length; i++)
            _panels[i] = new AlignedBuffer<float>(_kernels.PanelLength);
        _runItem = RunItem;
    }

    /// <summary>Multiplies the same tokens with some matrices.</summary>
    /// <param name="input">[tokens, columns].</param>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="products">Matrices with that number of columns, and where their products go.</param>
    public void Multiply(TokenRows input, int tokens, params ReadOnlySpan<Product> products)
    {
        int items = 0;
        long bytes = 0;
        _products.Clear();
        foreach (var product in products)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(input.Width, product.Weights.Columns, nameof(input));
            ArgumentOutOfRangeException.ThrowIfNotEqual(product.Output.Width, product.Weights.Rows, nameof(products));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, Math.Min(input.Tokens, product.Output.Tokens));
            _products.Add(product);
            items += Items(product.Weights, tokens);
            bytes += product.Weights.SizeInBytes * tokens;
        }

        (_input, _tokens) = (input, tokens);
        Work.Run(items, bytes, _runItem);
    }

    int Items(WeightMatrix weights, int tokens) => (weights.Rows + ItemRows(tokens) - 1) / ItemRows(tokens);

    int ItemRows(int tokens) => tokens < FewTokens ? RowsAtATime : _kernels.PanelRows;

    void RunItem(int item, int worker)
    {
        int which = 0;
        for (int items; item >= (items = Items(_products[which].Weights, _tokens)); which++)
            item -= items;

        var (weights, output) = _products[which];
        int start = item * ItemRows(_tokens);
        int end = Math.Min(start + ItemRows(_tokens), weights.Rows);
        if (_tokens >= FewTokens)
            _kernels.MultiplyPanel(weights, start, end, _input!.Pointer(0), _tokens, output.Pointer(0), _panels[worker].Pointer);
        else
            for (int token = 0; token < _tokens; token++)
                _kernels.MultiplyRows(weights, start, end, _input!.Pointer(token), output.Pointer(token));
    }
}
