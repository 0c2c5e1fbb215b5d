"""`m2v-lite similarity`: prints a table of cosine similarities."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from m2v_lite.commands.loaded import load_to_encode
from m2v_lite.commands.options import model_choice, wrong_revision
from m2v_lite.commands.printing import columns, shortened


def add(commands: Any) -> None:
    """Add this command to the parser."""
    similarity = commands.add_parser(
        "similarity",
        parents=[model_choice()],
        help="compare texts by cosine similarity",
        description="Print the cosine similarity of each text to every other text: 1 means the same "
        "direction. If the model knows no token of a text, its similarity is 0, even to itself.",
    )
    similarity.add_argument("texts", nargs="+", metavar="TEXT", help="two or more texts")
    similarity.set_defaults(normalize=True, run=_similarity, wrong_usage=_wrong_usage, parser=similarity)


def _similarity(options: argparse.Namespace) -> None:
    vectors = load_to_encode(options).encode(options.texts).astype(np.float32)
    labels = [shortened(text) for text in options.texts]
    width = max(map(columns, labels))
    print(" " * (width + 5) + "".join(f"{number:>7}" for number in range(1, len(labels) + 1)))
    for number, (label, row) in enumerate(zip(labels, vectors @ vectors.T, strict=True), start=1):
        cells = "".join(f"{cosine + 0.0:7.3f}" for cosine in row)
        print(f"{number:>3}  {label}{' ' * (width - columns(label))}{cells}")


def _wrong_usage(options: argparse.Namespace) -> str | None:
    return "give two texts or more" if len(options.texts) < 2 else wrong_revision(options)
