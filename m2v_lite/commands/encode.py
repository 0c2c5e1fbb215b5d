"""`m2v-lite encode`: embeds texts or the lines of a file, and writes the vectors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from m2v_lite.commands.inputs import STANDARD_STREAM, open_records, texts_to_read, wrong_input
from m2v_lite.commands.loaded import load_to_encode
from m2v_lite.commands.options import model_choice, wrong_revision
from m2v_lite.commands.writers import JsonLinesWriter, NpyWriter, VectorWriter
from m2v_lite.embedding.precision import PRECISIONS
from m2v_lite.encoding.batches import gathered
from m2v_lite.encoding.requests import encode_counting
from m2v_lite.errors import InputValueError
from m2v_lite.files.atomic_write import atomic_write
from m2v_lite.model import StaticModel
from m2v_lite.progress import print_error, progress_bar


def add(commands: Any) -> None:
    """Add this command to the parser."""
    encode = commands.add_parser(
        "encode",
        parents=[model_choice(), texts_to_read("embed")],
        help="embed texts",
        description="Embed the given texts, or the lines of a file or of standard input, one text per line.",
    )
    encode.add_argument(
        "--output",
        default=STANDARD_STREAM,
        metavar="FILE",
        help="FILE.npy: write one array. FILE.jsonl: write one JSON object per text, with the vector in the "
        "field 'embedding'. '-' (default): write such objects to standard output. A file appears only when "
        "it is complete",
    )
    encode.add_argument(
        "--normalize",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="scale vectors to length 1, or do not (default: as the model's settings say). int8 models, such "
        "as the bundled model, are meant for scaled vectors",
    )
    encode.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="write smaller numbers: int8 or uint8 codes of vectors of length 1, or bits, eight in a number "
        "(default: the numbers as they are)",
    )
    encode.add_argument("--progress", action="store_true", help="show a progress bar (needs tqdm)")
    encode.set_defaults(run=_encode, wrong_usage=_wrong_usage, parser=encode)


def _encode(options: argparse.Namespace) -> None:
    model = load_to_encode(options)
    encoded = cut = 0
    with open_records(options) as records, _open_writer(options, model) as writer:
        with progress_bar(None, options.progress) as bar:
            for batch in gathered(records, lambda record: len(record.json)):
                vectors, cut_here = encode_counting(
                    model, [record.text for record in batch], options.precision
                )
                writer.write(batch, vectors)
                encoded, cut = encoded + len(batch), cut + cut_here
                if bar is not None:
                    bar.update(len(batch))
        writer.finish()
    if cut:
        print_error(
            f"m2v-lite: {cut} of {encoded} texts were cut at {model.max_length} tokens; to embed them whole, "
            "give --max-length none"
        )


@contextmanager
def _open_writer(options: argparse.Namespace, model: StaticModel) -> Iterator[VectorWriter]:
    """Yield the writer of the vectors. A file appears only when it is complete."""
    if options.output == STANDARD_STREAM:
        if sys.stdout is None:
            raise InputValueError("standard output is closed; name a file with --output")
        yield JsonLinesWriter(sys.stdout.buffer)
        return
    with atomic_write(Path(options.output)) as file:
        if options.output.endswith(".npy"):
            nothing = model.encode([], precision=options.precision)
            yield NpyWriter(file, nothing.shape[1], nothing.dtype)
        else:
            yield JsonLinesWriter(file)


def _wrong_usage(options: argparse.Namespace) -> str | None:
    """Return what is wrong with the options of `encode`, or None."""
    if options.output != STANDARD_STREAM and not options.output.endswith((".npy", ".jsonl")):
        return f"argument --output: {options.output!r} must end in .npy or .jsonl, or be '-'"
    return wrong_input(options) or wrong_revision(options)
