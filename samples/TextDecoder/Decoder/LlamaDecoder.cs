using System.Diagnostics;
using System.Numerics.Tensors;
using AttentionComposer;
using TextDecoder.Weights;

namespace TextDecoder.Decoder;

/// <summary>
/// Turns tokens into the logits of the next one. What happens between queries, keys and values is the business of the
/// <see cref="IAttention"/> that each layer is given.
/// </summary>
sealed class LlamaDecoder : IDisposable
{
    /// <summary>
    /// Tokens that go through the layers together: enough to keep the processor's multipliers busy, few enough to stay in its caches.
    /// </summary>
    public const int ChunkSize = 512;

    const int TokensAtATime = 16;

    readonly LlamaConfig _config;
    readonly LlamaWeights _weights;
    readonly int _chunkSize;
    readonly IAttention[] _attention;
    readonly KvCache[] _caches;
    readonly RotaryEmbedding _rotary;
    readonly MatrixProduct _matrices;

    readonly TokenRows _residual;
    readonly TokenRows _normed;
    readonly TokenRows _queries;
    readonly TokenRows _keys;
    readonly TokenRows _values;
    readonly TokenRows _attended;
    readonly TokenRows _gate;
    readonly TokenRows _up;
    readonly TokenRows _delta;
    readonly TokenRows _last;
    readonly TokenRows _logits;

    // What happens to each token between the products, made once so that no token allocates.
    readonly Action<int> _normalise;
    readonly Action<int> _rotate;
    readonly Action<int> _addAndNormalise;
    readonly Action<int> _applyGate;
    readonly Action<int, int> _runTokens;
    Action<int> _perToken = static _ => { };
    int _tokens;
    float[] _gain = [];

    /// <param name="config">The model's sizes.</param>
    /// <param name="weights">The model's weights.</param>
    /// <param name="attention">Gives each layer its attention; all must have the model's head counts and size.</param>
    /// <param name="context">Positions to hold.</param>
    /// <param name="chunkSize">Tokens that go through the layers together, at most.</param>
    public LlamaDecoder(
        LlamaConfig config, LlamaWeights weights, Func<int, IAttention> attention, int context, int chunkSize = ChunkSize)
    {
        (_config, _weights, Context, _chunkSize) = (config, weights, context, chunkSize);
        _attention = [.. Enumerable.Range(0, config.Layers).Select(attention)];
        if (Array.Find(_attention, layer => layer.Shape != config.Attention) is { } other)
            throw new ArgumentException($"The model has {config.Attention}; {other.Plan.Name} has {other.Shape}.", nameof(attention));
        _caches = [.. _attention.Select(layer => layer.CreateCache(context))];
        _matrices = new MatrixProduct(AttentionOptions.VectorBits);

        int tokens = Math.Min(chunkSize, context);
        _rotary = new RotaryEmbedding(config.RotaryFrequencies, tokens);
        _residual = new(tokens, config.Hidden);
        _normed = new(tokens, config.Hidden);
        _queries = new(tokens, config.Attention.QueryWidth);
        _keys = new(tokens, config.Attention.KeyValueWidth);
        _values = new(tokens, config.Attention.KeyValueWidth);
        _attended = new(tokens, config.Attention.QueryWidth);
        _gate = new(tokens, config.FeedForward);
        _up = new(tokens, config.FeedForward);
        _delta = new(tokens, config.Hidden);
        _last = new(1, config.Hidden);
        _logits = new(1, config.VocabularySize);

        _normalise = token => Normalise(_residual[token], _normed[token]);
        _rotate = token =>
        {
            _rotary.Rotate(_queries[token], token);
            _rotary.Rotate(_keys[token], token);
        };
        _addAndNormalise = token =>
        {
            TensorPrimitives.Add(_residual[token], _delta[token], _residual[token]);
            Normalise(_residual[token], _normed[token]);
        };
        _applyGate = token => ApplyGate(_gate[token], _up[token]);
        _runTokens = (item, _) =>
        {
            for (int token = item * TokensAtATime; token < Math.Min((item + 1) * TokensAtATime, _tokens); token++)
                _perToken(token);
        };
    }

    /// <summary>Positions that the caches hold.</summary>
    public int Context { get; }

    /// <summary>Tokens decoded so far.</summary>
    public int Length => _caches[0].Length;

    /// <summary>Bytes that the caches hold in memory.</summary>
    public long CacheBytes => _caches.Sum(cache => cache.SizeInBytes);

    /// <summary>Time spent in <see cref="IAttention"/> so far.</summary>
    public TimeSpan AttentionTime { get; private set; }

    /// <summary>Runs the next tokens through the model.</summary>
    /// <param name="tokens">At least one token; together with those before no more than <see cref="Context"/>.</param>
    /// <returns>The logits [vocabulary] of the token that follows, until the next call.</returns>
    /// <exception cref="InvalidOperationException">The context has no room for the tokens; nothing has changed.</exception>
    public ReadOnlySpan<float> Decode(scoped ReadOnlySpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tokens.Length, nameof(tokens));
        if (tokens.Length > Context - Length)
            throw new InvalidOperationException($"The context holds {Context} tokens; {Length} are there and {tokens.Length} more do not fit.");
        while (tokens.Length > _chunkSize)
        {
            DecodeChunk(tokens[.._chunkSize]);
            tokens = tokens[_chunkSize..];
        }

        DecodeChunk(tokens);
        _normed[tokens.Length - 1].CopyTo(_last[0]);
        _matrices.Multiply(_last, 1, new Product(_weights.Output, _logits));
        return _logits[0];
    }

    /// <summary>
    /// Says that the tokens so far are the context, to attentions that treat what follows in another way (<see cref="KvCache.ContextLength"/>).
    /// </summary>
    public void EndContext()
    {
        foreach (var cache in _caches)
            cache.ContextLength = cache.Length;
    }

    /// <summary>Forgets all tokens.</summary>
    public void Clear()
    {
        foreach (var cache in _caches)
            cache.Clear();
        AttentionTime = TimeSpan.Zero;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var cache in _caches)
            cache.Dispose();
    }

    void DecodeChunk(ReadOnlySpan<int> tokens)
    {
        int count = tokens.Length;
        for (int t = 0; t < count; t++)
            _weights.Embedding.CopyRow(tokens[t], _residual[t]);
        _rotary.MoveTo(Length, count);

        _gain = _weights.Layers[0].AttentionNorm;
        ForEachToken(_normed, count, _normalise);
        for (int i = 0; i < _config.Layers; i++)
        {
            var layer = _weights.Layers[i];
            _matrices.Multiply(_normed, count, new(layer.Query, _queries), new(layer.Key, _keys), new(layer.Value, _values));
            ForEachToken(_queries, count, _rotate);
            Attend(i, count);
            _matrices.Multiply(_attended, count, new Product(layer.AttentionOutput, _delta));

            _gain = layer.FeedForwardNorm;
            ForEachToken(_normed, count, _addAndNormalise);
            _matrices.Multiply(_normed, count, new(layer.Gate, _gate), new(layer.Up, _up));
            ForEachToken(_gate, count, _applyGate);
            _matrices.Multiply(_gate, count, new Product(layer.Down, _delta));

            _gain = i + 1 < _config.Layers ? _weights.Layers[i + 1].AttentionNorm : _weights.FinalNorm;
            ForEachToken(_normed, count, _addAndNormalise);
        }
    }

    void Attend(int layer, int tokens)
    {
        long start = Stopwatch.GetTimestamp();
        _attention[layer].Attend(
            _caches[layer], _queries.First(tokens), _keys.First(tokens), _values.First(tokens), _attended.First(tokens));
        AttentionTime += Stopwatch.GetElapsedTime(start);
    }

    void ForEachToken(TokenRows rows, int tokens, Action<int> body)
    {
        (_tokens, _perToken) = (tokens, body);
        Work.Run((tokens + TokensAtATime - 1) / TokensAtATime, (long)tokens * rows.Width * sizeof(float), _runTokens);
    }

    /// <summary>RMSNorm (arXiv 1910.07467): <c>x / sqrt(mean(x²) + ε) · gain</c>.</summary>
    void Normalise(ReadOnlySpan<float> input, Span<float> output)
    {
        float meanSquare = TensorPrimitives.SumOfSquares(input) / input.Length;
        TensorPrimitives.Multiply(input, 1 / MathF.Sqrt(meanSquare + _config.NormEpsilon), output);
        TensorPrimitives.Multiply(output, _gain, output);
    }

    /// <summary>SwiGLU (arXiv 2002.05202): <c>gate · sigmoid(gate) · up</c>, in place of the gate.</summary>
    static void ApplyGate(Span<float> gate, Span<float> up)
    {
        TensorPrimitives.Multiply(gate, up, up);
        TensorPrimitives.Sigmoid(gate, gate);
        TensorPrimitives.Multiply(gate, up, gate);
    }
}
