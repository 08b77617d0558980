#!/usr/bin/env python3
"""Writes the recall prompts of the model's evaluation, one JSON object a line, for `StarCluster recall`.

    python3 recall-prompts.py --count 100 > prompts.jsonl
"""
import argparse
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "TextDecoder", "model"))
import corpus
from evaluate import recall_prompt

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--docs", help="folder with the .xml files (default: the reference pack beside `dotnet`)")
parser.add_argument("--count", type=int, default=100, help="prompts per distance")
parser.add_argument("--distances", type=int, nargs="+", default=[100, 200, 400, 800])
args = parser.parse_args()
_, held_out = corpus.split(args.docs or corpus.default_docs())
text = corpus.join(held_out)
for distance in args.distances:
    rng = np.random.default_rng([7, distance])
    for _ in range(args.count):
        prompt, answer = recall_prompt(rng, text, distance)
        print(json.dumps({"Distance": distance, "Text": prompt.decode("latin-1"), "Answer": answer}))
