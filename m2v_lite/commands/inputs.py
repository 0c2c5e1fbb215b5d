"""The options that say which texts a command reads -> a stream of records."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO

from m2v_lite.commands.records import Record, json_records, line_records, text_records
from m2v_lite.errors import InputValueError
from m2v_lite.progress import print_error

STANDARD_STREAM = "-"


def texts_to_read(verb: str) -> argparse.ArgumentParser:
    """Return the options that say which texts to read.

    Args:
        verb: what the command does with texts, for the help.
    """
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("texts", nargs="*", metavar="TEXT", help=f"texts to {verb}")
    options.add_argument(
        "--input",
        metavar="FILE",
        help="read texts from FILE, UTF-8, one text per line (default: '-', which is standard input)",
    )
    options.add_argument(
        "--field", metavar="NAME", help=f"read JSON Lines, and {verb} this field of each object"
    )
    return options


def wrong_input(options: argparse.Namespace) -> str | None:
    """Return what is wrong with the options of `texts_to_read`, or None."""
    if options.texts and (options.input or options.field):
        return "give texts on the command line or --input and --field, not both"
    if options.field is None and (options.input or "").endswith((".jsonl", ".ndjson", ".json")):
        return f"argument --input: {options.input!r} is named like JSON Lines; give --field as well"
    return None


@contextmanager
def open_records(options: argparse.Namespace) -> Iterator[Iterator[Record]]:
    """Yield the records to embed: the texts on the command line, or the lines of a file."""
    if options.texts:
        yield text_records(options.texts, (f"text {number}" for number in count(1)))
        return
    if options.input in (None, STANDARD_STREAM):
        if sys.stdin is None:
            raise InputValueError("standard input is closed; give texts, or a file with --input")
        if sys.stdin.isatty():
            print_error("m2v-lite: reading one text per line; press Ctrl-D to finish")
        yield _records_of(sys.stdin.buffer, "standard input", options.field)
    else:
        with Path(options.input).open("rb") as file:
            yield _records_of(file, options.input, options.field)


def _records_of(file: BinaryIO, place: str, field: str | None) -> Iterator[Record]:
    return line_records(file, place) if field is None else json_records(file, place, field)
