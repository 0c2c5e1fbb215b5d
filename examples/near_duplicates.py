"""Group the lines of a log that say nearly the same thing, and count the lines of each group.

    python examples/near_duplicates.py examples/board.log
    dmesg | python examples/near_duplicates.py --threshold 0.8

A line belongs to a group, or *kind*, if the cosine of its vector and the vector of the kind's first line is
at least the threshold. Numbers are ignored. Memory is bounded, however long the log is: when there are too
many kinds to keep, the program prints and forgets the kind that it saw longest ago.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite import StaticModel

LONGEST_LINE = 10_000  # characters; a longer line counts as several lines


def encoded(lines: Iterable[str], model: StaticModel) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield each line and its vector of length 1."""
    lines = iter(lines)
    while batch := list(islice(lines, 1000)):
        texts = [re.sub(r"\d+", " ", line).strip() or "0" for line in batch]
        yield from zip(batch, model.encode(texts, normalize=True), strict=True)


def kinds_of_lines(lines: Iterable[str], threshold: float, most: int) -> Iterator[tuple[int, str]]:
    """Yield how many lines each kind has, and its first line.

    A kind that must be forgotten comes at once. At the end come the other kinds, the commonest first.
    """
    model = StaticModel.from_pretrained()
    vectors = np.zeros((most, model.dim), np.float32)
    counts, last_seen = np.zeros(most, int), np.zeros(most, int)
    first_lines = [""] * most
    for number, (line, vector) in enumerate(encoded(lines, model), 1):
        similarities = vectors @ vector
        kind = similarities.argmax()
        if similarities[kind] < threshold:
            kind = last_seen.argmin()  # a free place, or the place of the kind seen longest ago
            if counts[kind]:
                yield int(counts[kind]), first_lines[kind]
            vectors[kind], first_lines[kind], counts[kind] = vector, line, 0
        counts[kind] += 1
        last_seen[kind] = number
    for kind in np.argsort(-counts, kind="stable"):
        if counts[kind]:
            yield int(counts[kind]), first_lines[kind]


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the kinds of lines in a log.")
    parser.add_argument("log", nargs="?", default=0, help="the log file (default: standard input)")
    parser.add_argument(
        "--threshold", type=float, default=0.9, help="least cosine within a kind (default: 0.9)"
    )
    parser.add_argument("--most", type=int, default=1000, help="most kinds to keep in memory (default: 1000)")
    options = parser.parse_args()
    if not 0 < options.threshold <= 1 or options.most < 1:
        parser.error("--threshold must be above 0 and at most 1, and --most at least 1")
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly when a reader such as `head` stops
    try:
        log = open(options.log, encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115 (may be stdin)
    except OSError as error:
        sys.exit(f"the log cannot be read: {error}")
    total = kinds = 0
    with log:
        pieces = iter(lambda: log.readline(LONGEST_LINE), "")
        lines = (piece.strip() for piece in pieces if not piece.isspace())
        for count, line in kinds_of_lines(lines, options.threshold, options.most):
            print(f"{count:6}  {line}")
            total, kinds = total + count, kinds + 1
    if not total:
        sys.exit("the log holds no text")
    print(f"{total:6}  lines, of {kinds} kinds")


if __name__ == "__main__":
    main()
