#!/usr/bin/env python3
"""Trains the sample's language model on the .NET SDK's own API documentation.

    /usr/bin/python3 train.py --minutes 85 --threads 2 --out /tmp/model

Runs on a CUDA GPU if there is one, else on the CPU. It can be interrupted at any time and goes on from its last
checkpoint when started again. The schedule counts the time spent in training steps: a pause (SIGSTOP, or the process
not running at all) does not use any of it up.
"""
import argparse
import json
import math
import os
import signal
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F

import corpus
import evaluate
from decoder import Config, Decoder

# (share of the schedule from which on, context length): recall is learned much sooner from short sequences, which are
# also cheaper; the long ones then only have to stretch what is already there
CURRICULUM = ((0.0, 256), (0.2, 512), (0.4, 1024))


class Muon(torch.optim.Optimizer):
    """Momentum, then the nearest (roughly) orthogonal matrix as the update: every direction of a matrix learns at the
    same speed. Keller Jordan et al., https://kellerjordan.github.io/posts/muon/"""

    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.05):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @staticmethod
    def orthogonalized(g, steps=5):
        # Newton-Schulz iteration with the coefficients of the reference implementation; bfloat16 is precise enough
        x = g.bfloat16()
        transposed = x.shape[0] > x.shape[1]
        if transposed:
            x = x.t()
        x = (x / (x.norm() + 1e-7)).contiguous()
        for _ in range(steps):
            a = x @ x.t()
            x = torch.addmm(x, torch.addmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
        return x.t() if transposed else x

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                average = state["momentum"]
                average.lerp_(p.grad, 1 - group["momentum"])
                update = self.orthogonalized(p.grad.lerp(average, group["momentum"]))  # Nesterov
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.to(p.dtype), alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def parse():
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--docs", help="folder with the .xml files (default: the reference pack beside `dotnet`)")
    parser.add_argument("--out", default="run", help="folder of the checkpoint and the log")
    parser.add_argument("--minutes", type=float, default=20 if gpu else 85, help="training time, pauses not counted")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--batch", type=int, default=65536 if gpu else 8192, help="bytes per step")
    parser.add_argument("--micro", type=int, default=65536 if gpu else 4096,
                        help="bytes per forward pass: on a CPU small enough for the caches")
    parser.add_argument("--muon-lr", type=float, default=0.02, help="peak learning rate of the matrices")
    parser.add_argument("--adam-lr", type=float, default=0.003, help="peak learning rate of everything else")
    parser.add_argument("--decay", type=float, default=0.6, help="share of the schedule in which the rates fall to 0")
    parser.add_argument("--float32", action="store_true", help="no bfloat16 (for CPUs without it)")
    parser.add_argument("--save-every", type=float, default=4, help="minutes between checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    for name, default in vars(Config()).items():
        if name in ("layers", "hidden", "ffn", "heads", "kv_heads"):
            parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    return parser.parse_args()


def main():
    args = parse()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    os.makedirs(args.out, exist_ok=True)
    checkpoint_file = os.path.join(args.out, "checkpoint.pt")
    log_file = open(os.path.join(args.out, "log.jsonl"), "a", buffering=1)

    training, held_out = corpus.split(args.docs or corpus.default_docs())
    sequences = corpus.Sequences(corpus.join(training))
    config = Config(args.layers, args.hidden, args.ffn, args.heads, args.kv_heads)
    model = Decoder(config).to(device)
    muon = Muon(model.matrices(), args.muon_lr)
    chosen = {id(p) for p in model.matrices()}
    adam = torch.optim.AdamW([p for p in model.parameters() if id(p) not in chosen], args.adam_lr, betas=(0.9, 0.95),
                             eps=1e-10, weight_decay=0)
    step, seen, trained = 0, 0, 0.0  # steps, bytes, seconds
    if os.path.exists(checkpoint_file):
        saved = torch.load(checkpoint_file, map_location=device)
        config = Config(**saved["config"])
        model.load_state_dict(saved["model"])
        muon.load_state_dict(saved["muon"])
        adam.load_state_dict(saved["adam"])
        step, seen, trained = saved["step"], saved["seen"], saved["trained"]
    print(f"{device}, {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters, "
          f"{len(sequences.text) / 1e6:.1f} MB of text, from step {step}, {trained / 60:.1f} min", flush=True)

    def save():
        state = dict(config=config.to_dict(), model=model.state_dict(), muon=muon.state_dict(),
                     adam=adam.state_dict(), step=step, seen=seen, trained=trained)
        torch.save(state, checkpoint_file + ".new")
        os.replace(checkpoint_file + ".new", checkpoint_file)  # a reader never sees half a file

    stopping = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.append(True))

    def forward(tokens):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=not args.float32):
            return model(tokens)

    durations, losses, last_save = [], [], trained
    while True:
        began = time.perf_counter()
        progress = trained / (60 * args.minutes)
        if progress >= 1 or stopping:
            break
        context = [length for start, length in CURRICULUM if progress >= start][-1]
        rate = min(1, (step + 1) / 100) * min(1, (1 - progress) / args.decay)
        for optimizer, peak in ((muon, args.muon_lr), (adam, args.adam_lr)):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate

        # seeded by the step, so that a resumed run draws what an uninterrupted one would have drawn
        data, weight = sequences.batch(np.random.default_rng([args.seed, step]), args.batch // context, context)
        data = torch.from_numpy(data).to(device).long()
        weight = torch.from_numpy(weight).to(device)
        weight_sum = weight[:, 1:].sum()
        rows = max(1, args.micro // context)
        total = 0.0
        for first in range(0, len(data), rows):
            part = data[first:first + rows]
            logits = forward(part[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), part[:, 1:].flatten(), reduction="none")
            loss = (loss * weight[first:first + rows, 1:].flatten()).sum() / weight_sum
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in (muon, adam):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(float(total) / math.log(2))
        if not math.isfinite(losses[-1]):
            raise SystemExit(f"the loss is not finite at step {step}")
        step, seen = step + 1, seen + data.shape[0] * context

        # a step that took several times as long as usual was paused: count it as a usual one
        durations = durations[-100:] + [time.perf_counter() - began]
        trained += min(durations[-1], 3 * statistics.median(durations))
        if step % 50 == 0:
            usual = statistics.median(durations[-50:])
            print(f"step {step} {trained / 60:.1f} min, {seen / 1e6:.1f} MB, context {context}, rate {rate:.3f}: "
                  f"{np.mean(losses[-50:]):.4f} bits, {args.batch / usual:.0f} bytes/s", flush=True)
            losses = losses[-50:]
        if trained - last_save > 60 * args.save_every:
            last_save = trained
            save()
            result = dict(step=step, minutes=round(trained / 60, 2), seen=seen, training_bits=float(np.mean(losses[-50:])),
                          **evaluate.quick(forward, held_out, device, context))
            print(result, flush=True)
            log_file.write(json.dumps(result) + "\n")
    save()
    print(f"{'stopped' if stopping else 'done'} at step {step}, {trained / 60:.1f} min, {seen / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
