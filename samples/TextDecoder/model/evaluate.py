#!/usr/bin/env python3
"""Measures a model: bits per byte of the held-out files, recall of keys by distance, copying of repeated text.

    /usr/bin/python3 evaluate.py /tmp/model/hf              # a folder that export.py wrote: the weights as shipped
    /usr/bin/python3 evaluate.py /tmp/model/checkpoint.pt   # or a checkpoint, unrounded
    /usr/bin/python3 evaluate.py /tmp/model/hf --greedy prompt.txt --count 64      # only continue a text
"""
import argparse
import json
import lzma
import math
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F

import corpus
from decoder import Config, Decoder
from export import LAYER_NAMES

RECALL_DISTANCES = (50, 100, 200, 400, 800)
COPY_DISTANCES = (0, 100, 300, 600)


def bits(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets) / math.log(2)


def to_tensor(rows, device):
    return torch.from_numpy(np.stack(rows).astype(np.int64)).to(device)


@torch.no_grad()
def bits_of_text(forward, text, device, window=1024, stride=512, rows=8):
    """Bits the model needs for `text`, a whole document: every byte is predicted from at least window - stride bytes
    before it (or all there are)."""
    data = np.frombuffer(b"\0" + text, np.uint8)
    total, jobs = 0.0, []  # job: (start of the window, first target that counts)
    done = 1
    while done < len(data):
        start = 0 if done == 1 else min(done - (window - stride), max(0, len(data) - window - 1))
        jobs.append((start, done))
        done = start + window + 1
    full = [job for job in jobs if job[0] + window + 1 <= len(data)]
    for first in range(0, len(full), rows):
        batch = full[first:first + rows]
        tokens = to_tensor([data[s:s + window + 1] for s, _ in batch], device)
        costs = bits(forward(tokens[:, :-1]), tokens[:, 1:])
        for (start, counted), cost in zip(batch, costs):
            total += float(cost[counted - start - 1:].sum())
    for start, counted in jobs[len(full):]:  # a document shorter than the window
        tokens = to_tensor([data[start:]], device)
        total += float(bits(forward(tokens[:, :-1]), tokens[:, 1:])[0, counted - start - 1:].sum())
    return total


def recall_prompt(rng, text, distance, others=4, before=64):
    """(bytes, length of the value): filler, a key, `distance` bytes of filler and other keys, the key again.

    The distance runs from the end of the key's line to the start of the line that asks for it.
    """
    pairs = {}
    while len(pairs) < 1 + others:
        pairs[b"k" + corpus.draw(rng, corpus.HEX, 3)] = corpus.draw(rng, corpus.HEX, 4)
    lines = [b"key " + key + b": value " + value + b"\n" for key, value in pairs.items()]
    asked, decoys = lines[0], lines[1:]
    rng.shuffle(decoys)
    decoys = decoys[:max(1, min(others, distance // 50))]
    room = distance - sum(map(len, decoys)) - 1

    def filler(length):
        start = int(rng.integers(0, len(text) - length))
        return text[start:start + length].tobytes()
    cuts = sorted(int(c) for c in rng.integers(0, room + 1, len(decoys)))
    middle, parts, used = filler(room), [], 0
    for cut, decoy in zip(cuts, decoys):
        parts += [middle[used:cut], decoy]
        used = cut
    return filler(before) + b"\n" + asked + b"".join(parts) + middle[used:] + b"\n" + asked, 4


@torch.no_grad()
def recall(forward, text, distance, count, device, seed=7):
    """Share of prompts whose whole value comes out right. The most likely byte is right at each of its places, given
    the right bytes before, exactly if greedy decoding writes the value; so one pass over the answer measures it."""
    rng = np.random.default_rng([seed, distance])
    right = 0
    for _ in range(0, count, 20):
        prompts = [recall_prompt(rng, text, distance)[0] for _ in range(20)]
        tokens = to_tensor([np.frombuffer(p, np.uint8) for p in prompts], device)
        best = forward(tokens[:, :-1])[:, -5:-1].argmax(-1)  # the places before the value's four bytes
        right += int((best == tokens[:, -5:-1]).all(-1).sum())
    return right / (count // 20 * 20)


@torch.no_grad()
def repetition(forward, text, distance, count, device, size=200, shown=20, seed=8):
    """A passage of `size` bytes, `distance` bytes of other text, the first `shown` bytes of the passage again: how many
    of the other bytes does greedy decoding continue right, in a row from the first one and as a share?
    Returns (median run, share of bytes)."""
    rng = np.random.default_rng([seed, distance])
    runs, shares = [], []
    for _ in range(0, count, 10):
        rows = []
        for _ in range(10):
            a, b = (int(x) for x in rng.integers(0, len(text) - max(size, distance), 2))
            rows.append(np.concatenate((text[a:a + size], text[b:b + distance], text[a:a + size])))
        tokens = to_tensor(rows, device)
        right = forward(tokens[:, :-1]).argmax(-1)[:, -(size - shown):] == tokens[:, -(size - shown):]
        runs += right.long().cumprod(-1).sum(-1).tolist()
        shares += right.float().mean(-1).tolist()
    return float(np.median(runs)), float(np.mean(shares))


def quick(forward, held_out, device, context):
    """A few numbers to watch a training run by (about two seconds)."""
    text = corpus.join(held_out)
    rows = 32 * 1024 // context
    sample = text[200_000:200_000 + rows * (context + 1)].reshape(rows, context + 1)
    cost, batch = 0.0, 8 * 1024 // context
    with torch.no_grad():
        for first in range(0, rows, batch):
            tokens = to_tensor(sample[first:first + batch], device)
            cost += float(bits(forward(tokens[:, :-1]), tokens[:, 1:]).mean()) / 4
    result = {"held_out_bits": cost}
    for distance in RECALL_DISTANCES:
        if distance + 110 < context:
            result[f"recall_{distance}"] = recall(forward, text, distance, 40, device)
    if context >= 512:
        result["copied"] = repetition(forward, text, 100, 20, device)[0]
    return result


# ---- loading ----

def read_safetensors(path):
    """The few lines of safetensors that export.py uses: {name: float32 tensor}."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        data = body[slice(*entry["data_offsets"])]
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(data, {"F32": np.float32, "F16": np.float16}[entry["dtype"]]).astype(np.float32)
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return tensors


def load_hugging_face(folder):
    with open(os.path.join(folder, "config.json")) as file:
        c = json.load(file)
    weights = read_safetensors(os.path.join(folder, "model.safetensors"))
    model = Decoder(Config(c["num_hidden_layers"], c["hidden_size"], c["intermediate_size"], c["num_attention_heads"],
                           c["num_key_value_heads"], c["head_dim"], c["vocab_size"], c["max_position_embeddings"],
                           c["rope_theta"], c["rms_norm_eps"]))
    state = {"embedding": weights["model.embed_tokens.weight"], "norm.gain": weights["model.norm.weight"],
             "output": weights["lm_head.weight"]}
    for layer in range(c["num_hidden_layers"]):
        for ours, theirs in LAYER_NAMES.items():
            state[f"blocks.{layer}.{ours}"] = weights[f"model.layers.{layer}.{theirs}.weight"]
    model.load_state_dict(state)
    return model


def load(path):
    if os.path.isdir(path):
        return load_hugging_face(path)
    saved = torch.load(path, map_location="cpu")
    model = Decoder(Config(**saved["config"]))
    model.load_state_dict(saved["model"])
    return model


# ---- the report ----

@torch.no_grad()
def greedy(forward, prompt, count, device):
    """(ids of the most likely bytes, gaps between the best two logits)."""
    tokens, gaps = torch.tensor([list(prompt)], device=device), []
    for _ in range(count):
        best = forward(tokens)[0, -1].topk(2)
        gaps.append(float(best.values[0] - best.values[1]))
        tokens = torch.cat((tokens, best.indices[:1].view(1, 1)), 1)
    return tokens[0, len(prompt):].tolist(), gaps


def xz(data):
    return len(lzma.compress(data, preset=9))


def report(forward, training, held_out, device, count):
    print("| held-out file | bytes | model, bits/byte | `xz -9`, bits/byte |\n|---|---:|---:|---:|")
    size = model_bits = xz_bytes = 0
    for name, text in sorted(held_out):
        cost, packed = bits_of_text(forward, text, device), xz(text)
        print(f"| {name} | {len(text):,} | {cost / len(text):.3f} | {packed * 8 / len(text):.3f} |", flush=True)
        size, model_bits, xz_bytes = size + len(text), model_bits + cost, xz_bytes + packed
    print(f"| **all {len(held_out)}** | {size:,} | **{model_bits / size:.3f}** | **{xz_bytes * 8 / size:.3f}** |")
    # the model knows the training text; xz told about it in the same way has it in its 64 MiB window
    before = b"".join(text for _, text in training)
    after = b"".join(text for _, text in sorted(held_out))
    told = (xz(before + after) - xz(before)) * 8 / size
    print(f"\n`xz -9` behind all of the training text: {told:.3f} bits/byte\n")

    text = corpus.join(held_out)
    print("| distance, bytes | values recalled |\n|---:|---:|")
    for distance in RECALL_DISTANCES:
        print(f"| {distance} | {100 * recall(forward, text, distance, count, device):.1f} % |", flush=True)
    print("\n| other text between, bytes | median run copied, of 180 | share of bytes right |\n|---:|---:|---:|")
    for distance in COPY_DISTANCES:
        run, share = repetition(forward, text, distance, count, device)
        print(f"| {distance} | {run:.0f} | {100 * share:.1f} % |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="a folder written by export.py --hugging-face, or a checkpoint")
    parser.add_argument("--docs", help="folder with the .xml files (default: the reference pack beside `dotnet`)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompts", type=int, default=200, help="prompts per distance")
    parser.add_argument("--bfloat16", action="store_true", help="faster, on CPUs that have it; a little less exact")
    parser.add_argument("--greedy", metavar="FILE", help="continue this file's bytes instead of measuring")
    parser.add_argument("--count", type=int, default=64, help="bytes to write with --greedy")
    parser.add_argument("--gaps", action="store_true", help="with --greedy: one line per byte, and the logit's lead")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(args.threads)
    model = load(args.model).to(device)

    def forward(tokens):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=args.bfloat16):
            return model(tokens)

    if args.greedy:
        with open(args.greedy, "rb") as file:
            ids, gaps = greedy(forward, file.read(), args.count, device)
        print("\n".join(f"{i} {g:.5f}" for i, g in zip(ids, gaps)) if args.gaps else " ".join(map(str, ids)))
        return
    training, held_out = corpus.split(args.docs or corpus.default_docs())
    report(forward, training, held_out, device, args.prompts)


if __name__ == "__main__":
    main()
