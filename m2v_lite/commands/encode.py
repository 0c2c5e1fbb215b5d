"""`m2v-lite encode`: embeds texts or the records of files, and writes the vectors."""

from __future__ import annotations

import argparse
from typing import Any

from m2v_lite.commands.inputs import texts_to_read, wrong_input
from m2v_lite.commands.options import (
    AUTO,
    add_progress_choice,
    model_choice,
    positive,
    replacement,
    wrong_revision,
)
from m2v_lite.commands.output_suffixes import SUFFIXES, suffix_of
from m2v_lite.embedding.precision import PRECISIONS
from m2v_lite.records.file_formats import STANDARD_STREAM


def add(commands: Any) -> None:
    """Add this command to the parser."""
    command = commands.add_parser(
        "encode",
        parents=[model_choice(), texts_to_read("embed"), replacement()],
        help="embed texts",
        description="Embed texts given on the command line, or the records in files or on standard input. "
        "Records from a pipe are embedded as they arrive.",
    )
    output = command.add_argument_group("output")
    output.add_argument(
        "--output",
        default=STANDARD_STREAM,
        metavar="FILE",
        help="FILE.npy: write one array. FILE.jsonl: write one JSON object per record, with the vector in "
        "the field 'embedding'. FILE.parquet or FILE.arrow: write the input's columns plus the column "
        "'embedding'. '-' (default): write JSON objects to standard output. A file appears only when it is "
        "complete; until then, FILE.partial grows",
    )
    output.add_argument(
        "--resume",
        action="store_true",
        help="continue FILE.partial, which an interrupted or failed run with the same options left behind",
    )
    output.add_argument(
        "--normalize",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="scale vectors to length 1, or do not (default: as the model's settings say). int8 models, such "
        "as the bundled model, are made for scaled vectors",
    )
    output.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="write smaller numbers: int8 or uint8, for vectors of length 1; or one bit per number, packed "
        "into int8 (binary) or uint8 (ubinary) (default: the model's numbers, unchanged)",
    )
    output.add_argument(
        "--vectors",
        choices=("numbers", "base64"),
        default="numbers",
        help="in JSON, write vectors as numbers, or as base64 of their little-endian bytes (default: "
        "numbers)",
    )
    output.add_argument(
        "--source",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="write where each record came from, as 'path' and 'line', or do not (default: only for several "
        "input files, and never in .npy)",
    )
    command.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N",
        help="encode in N processes, while this one reads and writes; 'auto' for one per core, once the "
        "input proves large enough to benefit (default: 1, which uses only this process)",
    )
    add_progress_choice(command)
    command.set_defaults(run=_encode, wrong_usage=_wrong_usage, parser=command)


def _encode(options: argparse.Namespace) -> None:
    from m2v_lite.commands.encode_job import encode  # takes time to import, which other commands save

    encode(options)


def _workers(text: str) -> int | str:
    return AUTO if text == AUTO else positive(text)


def _wrong_usage(options: argparse.Namespace) -> str | None:
    """Return what is wrong with the options of `encode`, or None."""
    suffix = suffix_of(options.output)
    if options.output == STANDARD_STREAM:
        if options.resume:
            return "--resume continues a file; also give --output FILE"
    elif suffix is None:
        return f"argument --output: {options.output!r} must end in {', '.join(SUFFIXES)}, or be '-'"
    if options.vectors == "base64" and suffix not in (None, ".jsonl", ".ndjson"):
        return f"--vectors base64 is for JSON; leave it out for {options.output!r}"
    if options.source and suffix == ".npy":
        return "--source needs columns, which .npy does not have; give another --output"
    return wrong_input(options) or wrong_revision(options)
