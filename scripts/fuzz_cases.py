"""The cases of a fuzzer: how many, for how long, from where on, and where its failures are kept."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path


def options_of(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that all fuzzers take."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, help="how many cases (default: as many as the time allows)")
    parser.add_argument("--seconds", type=float, default=3600, help="the most time (default: an hour)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--state", type=Path, help="a file that keeps the number of the next case")
    parser.add_argument("--out", type=Path, default=Path("fuzz-failures"), help="the folder of failures")
    return parser


def numbers(options: argparse.Namespace) -> Iterator[int]:
    """Yield the numbers of the cases until the time or their count is over, and note each that is done."""
    first = options.first
    if options.state and options.state.exists():
        first = json.loads(options.state.read_text())["next"]
    end = time.monotonic() + options.seconds
    number = first
    while time.monotonic() < end and (options.cases is None or number < first + options.cases):
        yield number
        number += 1
        if options.state:
            new = options.state.with_name(f"{options.state.name}.new")
            new.write_text(json.dumps({"next": number}))
            new.replace(options.state)
