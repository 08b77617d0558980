#!/usr/bin/env python3
"""Times PyTorch's attention on the first CUDA card: 32/8 heads of 128 in float16.

usage: torch_attention.py "decode SEQUENCES POSITIONS" "prefill SEQUENCES POSITIONS" ...
Prints a line for each: workload, function, milliseconds, with tabs between; other lines are remarks.
"""
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    sys.exit(print("python3 has no torch: no times beside ours."))
if not torch.cuda.is_available():
    sys.exit(print("torch sees no CUDA card: no times beside ours."))

try:
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    flex = torch.compile(flex_attention)
except ImportError:
    flex = None

HEADS, KEY_VALUE_HEADS, HEAD_DIM = 32, 8, 128


def median_milliseconds(call):
    for _ in range(3):
        call()
    times = []
    for _ in range(9):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(10):
            call()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 10)
    return sorted(times)[4]


def random(sequences, heads, tokens):
    return torch.rand(sequences, heads, tokens, HEAD_DIM, device="cuda", dtype=torch.float16) * 2 - 1


def causal(batch, head, query, key):
    return key <= query


def functions(kind, sequences, positions):
    q = random(sequences, HEADS, 1 if kind == "decode" else positions)
    k, v = random(sequences, KEY_VALUE_HEADS, positions), random(sequences, KEY_VALUE_HEADS, positions)
    is_causal = kind == "prefill"
    yield "sdpa", lambda: F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, enable_gqa=True)
    if flex is not None:
        mask = create_block_mask(causal, None, None, positions, positions) if is_causal else None
        yield "flex", lambda: flex(q, k, v, block_mask=mask, enable_gqa=True)


torch.manual_seed(0)
torch.set_grad_enabled(False)
print(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name()}", flush=True)
for workload in sys.argv[1:]:
    kind, sequences, positions = workload.split()
    try:
        for name, call in functions(kind, int(sequences), int(positions)):
            print(f"{workload}\t{name}\t{median_milliseconds(call):.5f}", flush=True)
    except Exception as exception:  # one function that torch refuses leaves the others
        print(f"{workload}: {type(exception).__name__}: {str(exception).splitlines()[0]}", flush=True)
    torch.cuda.empty_cache()
