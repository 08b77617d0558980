namespace TextDecoder.Tests.Support;

/// <summary>
/// The Llama forward pass in float64, one loop after the other, written from the papers: what the decoder is compared with.
/// </summary>
sealed class ReferenceDecoder(TinyModel model)
{
    /// <summary>The logits [vocabulary] after each of the tokens.</summary>
    public double[][] Logits(int[] tokens)
    {
        var states = tokens.Select(token => Row("model.embed_tokens.weight", token)).ToArray();
        for (int i = 0; i < model.Layers; i++)
        {
            string layer = $"model.layers.{i}.";
            var normed = states.Select(x => Norm(x, layer + "input_layernorm.weight")).ToArray();
            var queries = normed.Select((x, position) => Rotate(Multiply(layer + "self_attn.q_proj.weight", x), position)).ToArray();
            var keys = normed.Select((x, position) => Rotate(Multiply(layer + "self_attn.k_proj.weight", x), position)).ToArray();
            var values = normed.Select(x => Multiply(layer + "self_attn.v_proj.weight", x)).ToArray();
            for (int t = 0; t < tokens.Length; t++)
            {
                states[t] = Add(states[t], Multiply(layer + "self_attn.o_proj.weight", Attend(queries[t], keys, values, t)));
                var x = Norm(states[t], layer + "post_attention_layernorm.weight");
                var gate = Multiply(layer + "mlp.gate_proj.weight", x);
                var up = Multiply(layer + "mlp.up_proj.weight", x);
                states[t] = Add(states[t], Multiply(layer + "mlp.down_proj.weight", [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]));
            }
        }

        return [.. states.Select(x => Multiply(model.Tied ? "model.embed_tokens.weight" : "lm_head.weight", Norm(x, "model.norm.weight")))];
    }

    double[] Attend(double[] queries, double[][] keys, double[][] values, int position)
    {
        int d = model.HeadDim;
        var output = new double[model.QueryWidth];
        for (int head = 0; head < model.QueryHeads; head++)
        {
            int shared = head / (model.QueryHeads / model.KeyValueHeads);
            var weights = new double[position + 1];
            for (int key = 0; key <= position; key++)
                weights[key] = Math.Exp(Enumerable.Range(0, d).Sum(i => queries[(head * d) + i] * keys[key][(shared * d) + i]) / Math.Sqrt(d));
            for (int i = 0; i < d; i++)
                output[(head * d) + i] = Enumerable.Range(0, position + 1).Sum(key => weights[key] * values[key][(shared * d) + i]) / weights.Sum();
        }

        return output;
    }

    double[] Rotate(double[] heads, int position)
    {
        int d = model.HeadDim;
        var turned = new double[heads.Length];
        for (int i = 0; i < heads.Length; i++)
        {
            int pair = i % d % (d / 2);
            double angle = position * Math.Pow(model.Theta, -2.0 * pair / d);
            double partner = i % d < d / 2 ? -heads[i + (d / 2)] : heads[i - (d / 2)];
            turned[i] = (heads[i] * Math.Cos(angle)) + (partner * Math.Sin(angle));
        }

        return turned;
    }

    double[] Norm(double[] x, string gain)
    {
        double factor = 1 / Math.Sqrt(x.Average(v => v * v) + model.Epsilon);
        return [.. x.Select((v, i) => v * factor * model.Tensors[gain].Values[i])];
    }

    double[] Multiply(string name, double[] x)
    {
        var (shape, values) = model.Tensors[name];
        var output = new double[shape[0]];
        for (int r = 0; r < shape[0]; r++)
            for (int c = 0; c < shape[1]; c++)
                output[r] += values[(r * shape[1]) + c] * x[c];
        return output;
    }

    double[] Row(string name, int row) => [.. model.Tensors[name].Values.Skip(row * model.Hidden).Take(model.Hidden).Select(v => (double)v)];

    static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
