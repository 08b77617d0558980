"""The network: a Llama decoder (RMSNorm, rotary positions, grouped-query attention, SwiGLU, no biases) over bytes.

Written for PyTorch 1.13 (what Debian ships) and later, without `scaled_dot_product_attention`, so that one code path
trains on a CPU and on a GPU alike.
"""
import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn

SEPARATOR = 0  # the byte between documents; it opens and closes every text (BOS = EOS)


@dataclass
class Config:
    layers: int = 6
    hidden: int = 256
    ffn: int = 704
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    vocab: int = 256
    context: int = 1024
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    def to_dict(self):
        return asdict(self)


class Norm(nn.Module):
    """RMSNorm without its gain. The gain is folded into the matrix behind it (`linear` below): that multiplies a few
    hundred thousand weights once per step instead of every activation, and is the same function."""

    def __init__(self, c: Config):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(c.hidden))
        self.eps = c.norm_eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)

    def linear(self, normed, *weights):
        weight = weights[0] if len(weights) == 1 else torch.cat(weights)
        return F.linear(normed, weight * self.gain)


def rotary_table(c: Config, positions):
    """cos and sin, [positions, head_dim / 2], of the rotation of the pair (d, d + head_dim/2): Hugging Face's layout."""
    inverse = c.rope_base ** (-torch.arange(0, c.head_dim, 2, dtype=torch.float64) / c.head_dim)
    angle = positions.double()[:, None] * inverse.to(positions.device)
    return angle.cos().float(), angle.sin().float()


def rotate(x, cos, sin):
    """x is [..., positions, heads, head_dim]."""
    a, b = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


def causal_attention(q, k, v, block=256):
    """q is [batch * kv_heads, group, T, d], k and v [batch * kv_heads, T, d].

    The query heads that share a key head are stacked into one matrix product, and queries are taken a block at a time
    against the keys up to the block's end, which skips most of the half of the score matrix that the mask would erase.
    """
    n, group, length, d = q.shape
    out = []
    for start in range(0, length, block):
        end = min(start + block, length)
        rows = end - start
        scores = torch.matmul(q[:, :, start:end].reshape(n, group * rows, d), k[:, :end].transpose(1, 2))
        hidden = torch.ones(rows, rows, dtype=torch.bool, device=q.device).triu_(1)
        mask = torch.zeros(rows, rows, dtype=scores.dtype, device=q.device).masked_fill_(hidden, -math.inf)
        scores.view(n, group, rows, end)[..., start:] += mask
        out.append(torch.matmul(scores.softmax(-1), v[:, :end]).view(n, group, rows, d))
    return out[0] if len(out) == 1 else torch.cat(out, 2)


class Block(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.attn_norm, self.ffn_norm = Norm(c), Norm(c)

        def matrix(rows, columns, scale=1.0):
            return nn.Parameter(torch.randn(rows, columns) * (scale / math.sqrt(columns)))

        residual = 1 / math.sqrt(2 * c.layers)
        self.q = matrix(c.heads * c.head_dim, c.hidden)
        self.k = matrix(c.kv_heads * c.head_dim, c.hidden)
        self.v = matrix(c.kv_heads * c.head_dim, c.hidden)
        self.o = matrix(c.hidden, c.heads * c.head_dim, residual)
        self.gate = matrix(c.ffn, c.hidden)
        self.up = matrix(c.ffn, c.hidden)
        self.down = matrix(c.hidden, c.ffn, residual)

    def forward(self, x, cos, sin):
        c, (batch, length, _) = self.c, x.shape
        qkv = self.attn_norm.linear(self.attn_norm(x), self.q, self.k, self.v)
        qkv = qkv.view(batch, length, c.heads + 2 * c.kv_heads, c.head_dim)
        qk = rotate(qkv[:, :, : c.heads + c.kv_heads], cos, sin)
        q, k = qk.split((c.heads, c.kv_heads), 2)
        v = qkv[:, :, c.heads + c.kv_heads:]
        q = (q * c.head_dim ** -0.5).to(v.dtype).transpose(1, 2).reshape(batch * c.kv_heads, -1, length, c.head_dim)
        k = k.to(v.dtype).transpose(1, 2).reshape(batch * c.kv_heads, length, c.head_dim)
        v = v.transpose(1, 2).reshape(batch * c.kv_heads, length, c.head_dim)
        attended = causal_attention(q, k, v)
        attended = attended.reshape(batch, c.heads, length, c.head_dim).transpose(1, 2).reshape(batch, length, -1)
        x = x + F.linear(attended, self.o)
        normed = self.ffn_norm(x)
        gate, up = self.ffn_norm.linear(normed, self.gate), self.ffn_norm.linear(normed, self.up)
        # silu(gate) * up; spelled out because torch 1.13's silu on CPU bfloat16 is several times slower than sigmoid
        return x + F.linear(gate * gate.sigmoid() * up, self.down)


class Decoder(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.embedding = nn.Parameter(torch.randn(c.vocab, c.hidden) * 0.5)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.norm = Norm(c)
        self.output = nn.Parameter(torch.zeros(c.vocab, c.hidden))

    def matrices(self):
        """The parameters that Muon updates; embedding, output and gains are Adam's."""
        return [p for block in self.blocks for p in block.parameters() if p.dim() == 2]

    def forward(self, tokens):
        """Logits [batch, T, vocab] of the byte after each position of tokens [batch, T]."""
        cos, sin = rotary_table(self.c, torch.arange(tokens.shape[1], device=tokens.device))
        x = F.embedding(tokens, self.embedding)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm.linear(self.norm(x), self.output).float()
