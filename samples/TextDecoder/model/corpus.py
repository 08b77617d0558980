"""The text, its split, and the sequences that teach recall over a distance."""
import glob
import hashlib
import os
import shutil

import numpy as np

HELD_OUT_SHARE = 0.05
HEX = b"0123456789abcdef"
LETTERS = b"abcdefghijklmnopqrstuvwxyz"
ALPHANUMERIC = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def default_docs():
    """The API documentation beside the `dotnet` binary: packs/Microsoft.NETCore.App.Ref/<version>/ref/<framework>."""
    binary = shutil.which("dotnet")
    if binary is None:
        raise SystemExit("no `dotnet` on the path: give the documentation's folder with --docs")
    root = os.path.dirname(os.path.realpath(binary))
    folders = sorted(glob.glob(os.path.join(root, "packs", "Microsoft.NETCore.App.Ref", "*", "ref", "*")))
    if not folders:
        raise SystemExit(f"no reference pack under {root}: give the documentation's folder with --docs")
    return folders[-1]


def read_text(path):
    """A file's bytes without byte-order mark and with plain newlines (the packs' files have both BOM and CRLF)."""
    with open(path, "rb") as file:
        data = file.read()
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


def split(folder):
    """(training, held-out), each a list of (name, text).

    The rule: go through the files in the order of the SHA-256 of their names and hold out each one that still fits
    into what is left of 5 % of all bytes. It depends on nothing but names and sizes.
    """
    texts = {os.path.basename(p): read_text(p) for p in glob.glob(os.path.join(folder, "*.xml"))}
    if not texts:
        raise SystemExit(f"no .xml files in {folder}")
    left = int(HELD_OUT_SHARE * sum(map(len, texts.values())))
    training, held_out = [], []
    for name in sorted(texts, key=lambda n: hashlib.sha256(n.encode()).hexdigest()):
        if len(texts[name]) <= left:
            left -= len(texts[name])
            held_out.append((name, texts[name]))
        else:
            training.append((name, texts[name]))
    return training, held_out


def join(texts):
    """One array of all texts, each behind a separator."""
    return np.frombuffer(b"".join(b"\0" + text for _, text in texts) + b"\0", np.uint8)


def draw(rng, alphabet, low, high=None):
    count = low if high is None else rng.integers(low, high + 1)
    return bytes(alphabet[i] for i in rng.integers(0, len(alphabet), count))


class Sequences:
    """Training sequences: plain text, text with a repeated passage, and text with keys to be remembered.

    Every sequence comes with a weight per byte: bytes that nobody could predict (a random value when it is first
    given) weigh nothing, bytes that only memory can predict weigh more.
    """

    def __init__(self, text, repeat_share=0.15, recall_share=0.15):
        self.text, self.repeat_share, self.recall_share = text, repeat_share, recall_share

    def passage(self, rng, length):
        start = rng.integers(0, len(self.text) - length)
        return self.text[start:start + length].tobytes()

    def sample(self, rng, length):
        kind = rng.random()
        if kind < self.repeat_share:
            return self.repetition(rng, length)
        if kind < self.repeat_share + self.recall_share:
            return self.recall(rng, length)
        return self.passage(rng, length), None

    def repetition(self, rng, length):
        """Text, a passage, other text, the passage again, and so on. In a third of the sequences the passage is
        random letters, for which nothing but copying helps."""
        size = int(rng.integers(min(100, length // 5), min(400, length * 2 // 5) + 1))
        random_letters = rng.random() < 1 / 3
        if random_letters:
            size = min(size, 160)
            repeated = b" ".join(draw(rng, LETTERS, 2, 9) for _ in range(size))[:size]
        else:
            repeated = self.passage(rng, size)
        before = int(rng.integers(0, length - 2 * size + 1))
        between = int(rng.integers(0, length - 2 * size - before + 1))
        after = length - 2 * size - before - between
        data = b"".join((self.passage(rng, before), repeated, self.passage(rng, between), repeated,
                         self.passage(rng, after)))
        weights = np.ones(length, np.float32)
        if random_letters:
            weights[before:before + size] = 0
        again = before + size + between
        weights[again:again + 8] = 0 if random_letters else 1  # it takes a few bytes to notice what is repeated
        weights[again + 8:again + size] = 2
        return data, weights

    def recall(self, rng, length):
        """Lines such as `key k3f9: value 7a21`, each given once and repeated later, between lines of text."""
        count = int(rng.integers(1, 3 + length // 128))
        hexadecimal = rng.random() < 0.75
        lines = {}
        while len(lines) < count:
            if hexadecimal:
                key, value = b"k" + draw(rng, HEX, 3), draw(rng, HEX, 4)
            else:
                key, value = draw(rng, ALPHANUMERIC, 2, 6), draw(rng, ALPHANUMERIC, 2, 8)
            lines[key] = value
        events = []  # (place in the filler, key)
        for i, key in enumerate(lines):
            # the first key is usually asked for as far away as the sequence allows
            first = rng.random() * (0.1 if i == 0 and rng.random() < 0.7 else 0.95)
            events.append((first, key))
            for _ in range(rng.integers(1, 4)):
                events.append((first + (1 - first) * rng.random(), key))
            if i == 0:
                events.append((0.97 + 0.03 * rng.random(), key))
        events.sort()
        room = length - sum(13 + len(key) + len(lines[key]) for _, key in events)
        while room < length // 4:
            _, key = events.pop(int(rng.integers(0, len(events))))
            room += 13 + len(key) + len(lines[key])
        filler = self.passage(rng, room)
        parts, weights, known, used = [], [], set(), 0
        for place, key in events:
            cut = filler.find(b"\n", int(place * room)) + 1
            if cut > used:
                parts.append(filler[used:cut])
                weights.append(np.ones(cut - used, np.float32))
                used = cut
            value = lines[key]
            line = b"key " + key + b": value " + value + b"\n"
            weight = np.ones(len(line), np.float32)
            weight[4:4 + len(key)] = 0.1  # enough to know what a key looks like
            weight[-1 - len(value):-1] = 4 if key in known else 0
            known.add(key)
            parts.append(line)
            weights.append(weight)
        parts.append(filler[used:])
        weights.append(np.ones(room - used, np.float32))
        return b"".join(parts), np.concatenate(weights)

    def batch(self, rng, rows, length):
        """(bytes, weights), each [rows, length + 1]; the weights are those of the bytes as targets."""
        data = np.empty((rows, length + 1), np.uint8)
        weight = np.ones((rows, length + 1), np.float32)
        for row in range(rows):
            sequence, weights = self.sample(rng, length + 1)
            data[row] = np.frombuffer(sequence, np.uint8)
            if weights is not None:
                weight[row] = weights
        return data, weight
