#!/usr/bin/env python3
"""Writes a checkpoint as GGUF (for llama.cpp and this sample) or in Hugging Face's layout (safetensors + config.json).

    /usr/bin/python3 export.py /tmp/model/checkpoint.pt --gguf dotnet-docs.gguf --hugging-face /tmp/model/hf
    /usr/bin/python3 export.py --tiny --gguf tiny.gguf --hugging-face tiny-hf     # random weights, for unit tests

Both writers are spelled out here: the formats are simple, and nothing but numpy is needed.
"""
import argparse
import json
import os
import struct
from collections import namedtuple

import numpy as np

ALIGNMENT = 32
Shape = namedtuple("Shape", "layers hidden ffn heads kv_heads head_dim vocab context rope_base norm_eps")
TINY = Shape(layers=2, hidden=32, ffn=64, heads=2, kv_heads=1, head_dim=64, vocab=256, context=1024,
             rope_base=10000.0, norm_eps=1e-5)


# decoder.py's names of a layer's parameters and Hugging Face's
LAYER_NAMES = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
               "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
               "attn_norm.gain": "input_layernorm", "ffn_norm.gain": "post_attention_layernorm"}


# ---- where the weights come from: (shape, {Hugging Face name: float32 array}) ----

def from_checkpoint(path):
    import torch

    saved = torch.load(path, map_location="cpu")
    state = {name: tensor.float().numpy() for name, tensor in saved["model"].items()}
    shape = Shape(**saved["config"])
    weights = {"model.embed_tokens.weight": state["embedding"], "model.norm.weight": state["norm.gain"],
               "lm_head.weight": state["output"]}
    for layer in range(shape.layers):
        for ours, theirs in LAYER_NAMES.items():
            weights[f"model.layers.{layer}.{theirs}.weight"] = state[f"blocks.{layer}.{ours}"]
    return shape, weights


def tiny(seed=1):
    """Random weights; the gains differ from 1 too, so that a reader that forgets one is caught."""
    rng, c = np.random.default_rng(seed), TINY

    def matrix(rows, columns):
        return (rng.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    def gain():
        return rng.uniform(0.5, 1.5, c.hidden).astype(np.float32)

    weights = {"model.embed_tokens.weight": matrix(c.vocab, c.hidden) * 4, "model.norm.weight": gain(),
               "lm_head.weight": matrix(c.vocab, c.hidden) * 4}
    for layer in range(c.layers):
        prefix = f"model.layers.{layer}."
        weights[prefix + "input_layernorm.weight"] = gain()
        weights[prefix + "self_attn.q_proj.weight"] = matrix(c.heads * c.head_dim, c.hidden)
        weights[prefix + "self_attn.k_proj.weight"] = matrix(c.kv_heads * c.head_dim, c.hidden)
        weights[prefix + "self_attn.v_proj.weight"] = matrix(c.kv_heads * c.head_dim, c.hidden)
        weights[prefix + "self_attn.o_proj.weight"] = matrix(c.hidden, c.heads * c.head_dim)
        weights[prefix + "post_attention_layernorm.weight"] = gain()
        weights[prefix + "mlp.gate_proj.weight"] = matrix(c.ffn, c.hidden)
        weights[prefix + "mlp.up_proj.weight"] = matrix(c.ffn, c.hidden)
        weights[prefix + "mlp.down_proj.weight"] = matrix(c.hidden, c.ffn)
    return c, weights


# ---- number formats ----

def bfloat16(x):
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)  # round to nearest, ties to even


def q8_0(x):
    """Blocks of 32 weights: an F16 scale, then 32 signed bytes."""
    blocks = np.ascontiguousarray(x, np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    quantized = np.rint(blocks * inverse).astype(np.int8)
    return np.concatenate((scale.astype(np.float16).view(np.uint8), quantized.view(np.uint8)), 1)


# name: (GGUF tensor type, GGUF file type, safetensors name, conversion)
FORMATS = {"f32": (0, 0, "F32", lambda x: x.astype(np.float32)), "f16": (1, 1, "F16", lambda x: x.astype(np.float16)),
           "bf16": (30, 32, "BF16", bfloat16), "q8_0": (8, 7, None, q8_0)}


# ---- GGUF ----

def byte_tokens():
    """GPT-2's printable stand-in for each byte: llama.cpp's byte-level tokenizer looks its tokens up under these, and
    with no merges every byte stays a token of its own. Token id = byte."""
    printable = set(range(ord("!"), ord("~") + 1)) | set(range(0xA1, 0xAD)) | set(range(0xAE, 0x100))
    tokens, extra = [], 256
    for byte in range(256):
        if byte in printable:
            tokens.append(chr(byte))
        else:
            tokens.append(chr(extra))
            extra += 1
    return tokens


class UInt32(int):
    """An int that GGUF is to store as an unsigned one (a plain int is stored as a signed one)."""


def gguf_string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(value):
    """The type's number and the bytes."""
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, UInt32):
        return 4, struct.pack("<I", value)
    if isinstance(value, int):
        return 5, struct.pack("<i", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, gguf_string(value)
    kind = gguf_value(value[0])[0] if value else 8
    return 9, struct.pack("<IQ", kind, len(value)) + b"".join(gguf_value(item)[1] for item in value)


def interleaved(weight, heads):
    """Reorders the rows of a query or key projection: Hugging Face rotates the pairs (d, d + head_dim/2), llama.cpp's
    llama architecture the pairs (2d, 2d + 1)."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(path, c, weights, name, matrix_format):
    tensor_type, file_type, _, convert = FORMATS[matrix_format]
    metadata = {
        "general.architecture": "llama",
        "general.name": name,
        "general.license": "mit",
        "general.file_type": UInt32(file_type),
        "general.alignment": UInt32(ALIGNMENT),
        "general.quantization_version": UInt32(2),
        "llama.context_length": UInt32(c.context),
        "llama.embedding_length": UInt32(c.hidden),
        "llama.block_count": UInt32(c.layers),
        "llama.feed_forward_length": UInt32(c.ffn),
        "llama.attention.head_count": UInt32(c.heads),
        "llama.attention.head_count_kv": UInt32(c.kv_heads),
        "llama.attention.key_length": UInt32(c.head_dim),
        "llama.attention.value_length": UInt32(c.head_dim),
        "llama.attention.layer_norm_rms_epsilon": float(c.norm_eps),
        "llama.rope.dimension_count": UInt32(c.head_dim),
        "llama.rope.freq_base": float(c.rope_base),
        "llama.vocab_size": UInt32(c.vocab),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": byte_tokens(),
        "tokenizer.ggml.token_type": [3] + [1] * 255,  # the separator is a control token, the others are text
        "tokenizer.ggml.merges": [],
        "tokenizer.ggml.bos_token_id": UInt32(0),
        "tokenizer.ggml.eos_token_id": UInt32(0),
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_eos_token": False,
    }
    tensors = {"token_embd.weight": weights["model.embed_tokens.weight"]}
    for layer in range(c.layers):
        ours, theirs = f"blk.{layer}.", f"model.layers.{layer}."
        tensors[ours + "attn_norm.weight"] = weights[theirs + "input_layernorm.weight"]
        tensors[ours + "attn_q.weight"] = interleaved(weights[theirs + "self_attn.q_proj.weight"], c.heads)
        tensors[ours + "attn_k.weight"] = interleaved(weights[theirs + "self_attn.k_proj.weight"], c.kv_heads)
        tensors[ours + "attn_v.weight"] = weights[theirs + "self_attn.v_proj.weight"]
        tensors[ours + "attn_output.weight"] = weights[theirs + "self_attn.o_proj.weight"]
        tensors[ours + "ffn_norm.weight"] = weights[theirs + "post_attention_layernorm.weight"]
        tensors[ours + "ffn_gate.weight"] = weights[theirs + "mlp.gate_proj.weight"]
        tensors[ours + "ffn_up.weight"] = weights[theirs + "mlp.up_proj.weight"]
        tensors[ours + "ffn_down.weight"] = weights[theirs + "mlp.down_proj.weight"]
    tensors["output_norm.weight"] = weights["model.norm.weight"]
    tensors["output.weight"] = weights["lm_head.weight"]

    header = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
    for key, value in metadata.items():
        kind, data = gguf_value(value)
        header += gguf_string(key) + struct.pack("<I", kind) + data
    body = bytearray()
    for key, tensor in tensors.items():
        matrix = tensor.ndim == 2
        body += b"\0" * (-len(body) % ALIGNMENT)
        header += gguf_string(key) + struct.pack("<I", tensor.ndim)
        header += b"".join(struct.pack("<Q", size) for size in reversed(tensor.shape))  # GGUF: fastest dimension first
        header += struct.pack("<IQ", tensor_type if matrix else 0, len(body))
        body += (convert(tensor) if matrix else tensor.astype(np.float32)).tobytes()  # gains stay F32, as llama.cpp wants
    header += b"\0" * (-len(header) % ALIGNMENT)
    replace(path, bytes(header + body))


# ---- Hugging Face ----

def write_hugging_face(folder, c, weights, matrix_format):
    _, _, dtype, convert = FORMATS[matrix_format]
    if dtype is None:
        raise SystemExit(f"safetensors has no {matrix_format}")
    header, body = {"__metadata__": {"format": "pt"}}, bytearray()
    for key, tensor in weights.items():
        matrix = tensor.ndim == 2
        data = (convert(tensor) if matrix else tensor.astype(np.float32)).tobytes()
        header[key] = {"dtype": dtype if matrix else "F32", "shape": list(tensor.shape),
                       "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": c.hidden, "intermediate_size": c.ffn, "num_hidden_layers": c.layers,
        "num_attention_heads": c.heads, "num_key_value_heads": c.kv_heads, "head_dim": c.head_dim,
        "max_position_embeddings": c.context, "rms_norm_eps": c.norm_eps, "rope_theta": c.rope_base,
        "vocab_size": c.vocab, "tie_word_embeddings": False, "attention_bias": False, "mlp_bias": False,
        "bos_token_id": 0, "eos_token_id": 0, "torch_dtype": "float32"}
    os.makedirs(folder, exist_ok=True)
    replace(os.path.join(folder, "model.safetensors"), struct.pack("<Q", len(text)) + text + bytes(body))
    replace(os.path.join(folder, "config.json"), json.dumps(config, indent=2).encode() + b"\n")


def replace(path, data):
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", nargs="?", help="train.py's checkpoint.pt")
    parser.add_argument("--tiny", action="store_true", help="random weights instead of a checkpoint's")
    parser.add_argument("--gguf", help="file to write")
    parser.add_argument("--hugging-face", help="folder to write")
    parser.add_argument("--type", choices=FORMATS, default="f16", help="format of the matrices")
    parser.add_argument("--name", default="dotnet-docs", help="the model's name in the GGUF file")
    args = parser.parse_args()
    if args.tiny == bool(args.checkpoint):
        parser.error("give either a checkpoint or --tiny")
    c, weights = tiny() if args.tiny else from_checkpoint(args.checkpoint)
    if args.gguf:
        write_gguf(args.gguf, c, weights, args.name, args.type)
        print(f"{args.gguf}: {os.path.getsize(args.gguf):,} bytes")
    if args.hugging_face:
        write_hugging_face(args.hugging_face, c, weights, args.type)
        print(f"{args.hugging_face}: {sum(map(np.size, weights.values())):,} parameters")


if __name__ == "__main__":
    main()
