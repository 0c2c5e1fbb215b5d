"""Make a large Unigram tokenizer of a real one, to try large multilingual models without having one.

    python scripts/make_unigram_tokenizer.py TOKENIZER OUT [--pieces N] [--joined]

TOKENIZER is the tokenizer.json of a multilingual Unigram model. OUT gets its pieces and, up to N, words made
of two of them, with the average score, as model2vec gives it to words that it adds. With --joined, OUT has
the normalizers and the pre-tokenizer that distillation with model2vec wrote: spaces around punctuation, and
each text as one long word. Then some pieces join two words.
"""

from __future__ import annotations

import argparse
import json
import random
import string
from pathlib import Path
from typing import Any

BAR = "\u2581"
JOINING = [".\u2581.\u2581.", "!\u2581!", "-\u2581-", ":\u2581/\u2581/", '"\u2581,']


def words_of_two(pieces: list[str], number: int) -> list[str]:
    """Return made-up words: a piece that begins a word, and one of the same script that continues one."""
    generator = random.Random(0)
    known, words = set(pieces), dict[str, None]()
    beginnings = [piece for piece in pieces if piece.startswith(BAR) and piece[1:].isalpha()]
    endings: dict[int, list[str]] = {}
    for piece in pieces:
        if piece.isalpha() and len(piece) > 1:
            endings.setdefault(ord(piece[0]) >> 8, []).append(piece)
    while len(words) < number:
        beginning = generator.choice(beginnings)
        following = endings.get(ord(beginning[-1]) >> 8)
        if following:
            word = beginning + generator.choice(following)
            if word not in known:
                words[word] = None
    return list(words)


def larger(tokenizer: dict[str, Any], pieces: int, joined: bool) -> dict[str, Any]:
    """Return a tokenizer with more pieces."""
    model = tokenizer["model"]
    vocab = list(model["vocab"])
    average = sum(score for _, score in vocab) / len(vocab)
    joining = [BAR + piece for piece in JOINING] if joined else []
    known = [piece for piece, _ in vocab]
    new = [*words_of_two(known, max(0, pieces - len(vocab) - len(joining))), *joining]
    made = {**tokenizer, "model": {**model, "vocab": [*vocab, *([piece, average] for piece in new)]}}
    if joined:
        marks = [
            {"type": "Replace", "pattern": {"String": mark}, "content": f" {mark} "}
            for mark in string.punctuation
        ]
        spaces = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
        strip = {"type": "Strip", "strip_left": True, "strip_right": True}
        steps = [tokenizer["normalizer"], *marks, spaces, strip]
        made["normalizer"] = {"type": "Sequence", "normalizers": steps}
        made["pre_tokenizer"] = {
            "type": "Metaspace",
            "replacement": BAR,
            "prepend_scheme": "always",
            "split": False,
        }
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pieces", type=int, default=500_353, metavar="N")
    parser.add_argument("--joined", action="store_true")
    options = parser.parse_args()
    made = larger(json.loads(options.tokenizer.read_bytes()), options.pieces, options.joined)
    options.out.write_text(json.dumps(made, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    main()
