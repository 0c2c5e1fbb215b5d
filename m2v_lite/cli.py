"""The command line `m2v-lite`: its options, errors and signals, and the commands encode and similarity."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

import numpy as np

from m2v_lite import __version__, model_commands
from m2v_lite.atomic_write import atomic_write
from m2v_lite.errors import InputValueError, M2VLiteError
from m2v_lite.model import StaticModel
from m2v_lite.progress import progress_bar
from m2v_lite.records import Record, json_records, line_records, record_batches, text_records
from m2v_lite.vector_files import JsonLinesWriter, NpyWriter, VectorWriter

STANDARD_STREAM = "-"
SHOWN_CHARACTERS = 40
NO_LIMIT = "none"

EPILOG = """\
examples:
  m2v-lite encode "the kettle is on" > vector.jsonl
  m2v-lite encode --input notes.txt --output notes.npy
  m2v-lite encode --input docs.jsonl --field body --output vectors.jsonl
  m2v-lite similarity "a cat" "a kitten" "a bicycle"
  m2v-lite info --model minishlab/potion-base-8M
  m2v-lite list --known
  m2v-lite download minishlab/potion-base-8M --output potion
  m2v-lite pack minishlab/potion-base-8M potion.safetensors --dtype int8

Without --model, the bundled potion-base-8M (int8) is used, which needs no network.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0, or 1 for a failure, with a message on standard error. (Wrong usage exits with 2,
        an interrupt with 128 and its signal's number.)
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show is no reason to fail
    options = _parser().parse_args(arguments)
    wrong = options.wrong_usage(options)
    if wrong:
        options.parser.error(wrong)
    try:
        with _interruptible(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            options.run(options)
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader has gone, as with `| head`. Python must not fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (M2VLiteError, OSError) as error:
        print(f"m2v-lite: {error}", file=sys.stderr)
        return 1
    return 0


def _encode(options: argparse.Namespace) -> None:
    model = _load(options)
    with _open_records(options) as records, _open_writer(options, model) as writer:
        with progress_bar(None, options.progress) as bar:
            for batch in record_batches(records):
                writer.write(batch, model.encode([record.text for record in batch]))
                if bar is not None:
                    bar.update(len(batch))
        writer.finish()


def _similarity(options: argparse.Namespace) -> None:
    vectors = _load(options).encode(options.texts).astype(np.float32)
    labels = [_shortened(text) for text in options.texts]
    width = max(map(_columns, labels))
    print(" " * (width + 5) + "".join(f"{number:>7}" for number in range(1, len(labels) + 1)))
    for number, (label, row) in enumerate(zip(labels, vectors @ vectors.T, strict=True), start=1):
        cells = "".join(f"{cosine + 0.0:7.3f}" for cosine in row)
        print(f"{number:>3}  {label}{' ' * (width - _columns(label))}{cells}")


def _load(options: argparse.Namespace) -> StaticModel:
    model = StaticModel.from_pretrained(
        options.model,
        revision=options.revision,
        subfolder=options.subfolder,
        normalize=options.normalize,
        dimensionality=options.dimensionality,
    )
    if options.max_length is not None:
        model.max_length = None if options.max_length == NO_LIMIT else options.max_length
    return model


@contextmanager
def _open_records(options: argparse.Namespace) -> Iterator[Iterator[Record]]:
    """Give the records to encode: the texts on the command line, or the lines of a file."""
    if options.texts:
        yield text_records(options.texts, (f"text {number}" for number in count(1)))
        return
    if options.input in (None, STANDARD_STREAM):
        if sys.stdin is None:
            raise InputValueError("standard input is closed; give texts, or a file with --input")
        if sys.stdin.isatty():
            print("m2v-lite: reading one text a line; end with Ctrl-D", file=sys.stderr)
        yield _records_of(sys.stdin.buffer, "standard input", options.field)
    else:
        with Path(options.input).open("rb") as file:
            yield _records_of(file, options.input, options.field)


def _records_of(file: BinaryIO, place: str, field: str | None) -> Iterator[Record]:
    return line_records(file, place) if field is None else json_records(file, place, field)


@contextmanager
def _open_writer(options: argparse.Namespace, model: StaticModel) -> Iterator[VectorWriter]:
    """Give what writes the vectors; a file appears when all is written."""
    if options.output == STANDARD_STREAM:
        if sys.stdout is None:
            raise InputValueError("standard output is closed; name a file with --output")
        yield JsonLinesWriter(sys.stdout.buffer)
        return
    with atomic_write(Path(options.output)) as file:
        if options.output.endswith(".npy"):
            yield NpyWriter(file, model.dim, model.encode([]).dtype)
        else:
            yield JsonLinesWriter(file)


def _show_warning(message: Warning | str, *place: Any, **options: Any) -> None:
    print(f"m2v-lite: {message}", file=sys.stderr)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn a request to terminate into an exception, so that temporary files are removed."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        signals = []  # only the main thread may set handlers
    # What is ignored stays so, as `nohup` wants it.
    signals = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _shortened(text: str) -> str:
    """Return a text in one short line that no terminal takes for a command."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="m2v-lite",
        description="Turn text into vectors with model2vec static-embedding models.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"m2v-lite {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    revisions = argparse.ArgumentParser(add_help=False)
    revisions.add_argument(
        "--revision",
        metavar="REVISION",
        help="of a model on the hub: a branch, tag or commit (default: main)",
    )
    revisions.add_argument(
        "--subfolder", metavar="FOLDER", help="the folder of the model in the repository, or in the folder"
    )
    common = argparse.ArgumentParser(add_help=False, parents=[revisions])
    common.add_argument(
        "--model",
        help="a model folder, a packed model, or the name of a model on the hub, minishlab/potion-base-8M "
        "(default: the bundled potion-base-8M in int8)",
    )
    sizes = argparse.ArgumentParser(add_help=False)
    sizes.add_argument(
        "--max-length",
        type=_token_limit,
        metavar="TOKENS",
        help="cut each text after so many tokens; 'none' for no limit (default: the model's, mostly 512)",
    )
    sizes.add_argument(
        "--dim",
        type=_positive,
        dest="dimensionality",
        metavar="N",
        help="use the first N columns only (default: all)",
    )

    encode = commands.add_parser(
        "encode",
        parents=[common, sizes],
        help="texts to vectors",
        description="Encode the given texts, or the lines of a file or of standard input, one text a line.",
    )
    encode.add_argument("texts", nargs="*", metavar="TEXT", help="texts to encode")
    encode.add_argument(
        "--input",
        metavar="FILE",
        help="read texts from FILE, one a line, UTF-8 (default: standard input, also as '-')",
    )
    encode.add_argument("--field", metavar="NAME", help="the input is JSON lines; encode this field of each")
    encode.add_argument(
        "--output",
        default=STANDARD_STREAM,
        metavar="FILE",
        help="FILE.npy: one array; FILE.jsonl: one JSON object a text, with the field 'embedding'; "
        "'-': the same on standard output (default). A file appears only when it is complete",
    )
    encode.add_argument(
        "--normalize",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="scale vectors to length 1, or don't (default: as the model says). int8 models, such as the "
        "bundled one, are made for scaled vectors",
    )
    encode.add_argument("--progress", action="store_true", help="show a progress bar (needs tqdm)")
    encode.set_defaults(run=_encode, wrong_usage=_wrong_encode, parser=encode)

    similarity = commands.add_parser(
        "similarity",
        parents=[common, sizes],
        help="cosine similarities of texts",
        description="Print the cosine similarity of each text to each other: 1 is the same direction. A text "
        "without any token that the model knows has similarity 0, even to itself.",
    )
    similarity.add_argument("texts", nargs="+", metavar="TEXT", help="two or more texts")
    similarity.set_defaults(normalize=True, run=_similarity, wrong_usage=_wrong_similarity, parser=similarity)

    info = commands.add_parser(
        "info",
        parents=[revisions],
        help="what a model is",
        description="Print what is known of a model.",
    )
    info.add_argument("model", nargs="?", metavar="MODEL", help="a model folder, packed model or hub name")
    info.add_argument("--model", dest="model_option", metavar="MODEL", help="the same, as an option")
    info.add_argument(
        "--verify",
        action="store_true",
        help="check the checksums that a packed model holds; fail if one is wrong",
    )
    info.set_defaults(run=model_commands.info, wrong_usage=_wrong_info, parser=info)

    reduced = argparse.ArgumentParser(add_help=False)
    reduced.add_argument(
        "--dtype",
        choices=["float32", "float16", "int8"],
        help="round the table to this, by model2vec's rules (default: keep it). int8 is for models that "
        "scale vectors to length 1",
    )
    reduced.add_argument(
        "--dim",
        type=_positive,
        dest="dimensionality",
        metavar="N",
        help="keep the first N columns only (default: all)",
    )

    pack = commands.add_parser(
        "pack",
        parents=[revisions, reduced],
        help="a model to one file",
        description="Write a model as one file, which loads quickest and in the least memory: an ordinary "
        "safetensors file that also holds the vocabulary, the settings and checksums.",
    )
    pack.add_argument("model", metavar="MODEL", help="a model folder, packed model or hub name")
    pack.add_argument("output", metavar="OUT", help="the file to write")
    pack.set_defaults(run=model_commands.pack, wrong_usage=model_commands.wrong_revision, parser=pack)

    unpack = commands.add_parser(
        "unpack",
        help="one file to a model folder",
        description="Write the folder that was packed, for model2vec and others.",
    )
    unpack.add_argument("model", metavar="FILE", help="a packed model")
    unpack.add_argument("output", metavar="FOLDER", help="the folder to write")
    unpack.set_defaults(run=model_commands.unpack, wrong_usage=lambda options: None, parser=unpack)

    cache = argparse.ArgumentParser(add_help=False)
    cache.add_argument(
        "--cache-dir", metavar="FOLDER", help="the hub's cache (default: that of HF_HUB_CACHE or HF_HOME)"
    )
    download = commands.add_parser(
        "download",
        parents=[revisions, cache, reduced],
        help="a model from the hub",
        description="Download a model from the hub into its cache, only the files that are needed, unless it "
        "is there already. Then copy it to a folder or write it as one file, to be taken to another machine.",
    )
    download.add_argument("model", metavar="MODEL", help="its name on the hub, minishlab/potion-base-8M")
    places = download.add_mutually_exclusive_group()
    places.add_argument("--output", metavar="DIR", help="copy the model's files to this folder")
    places.add_argument("--pack", metavar="FILE", help="write the model as this one file, as pack does")
    download.add_argument("--token", help="the hub's access token (default: HF_TOKEN, or of hf auth login)")
    download.add_argument(
        "--force-download", action="store_true", help="ask the hub even if the model is in the cache"
    )
    download.set_defaults(run=model_commands.download, wrong_usage=_wrong_download, parser=download)

    listing = commands.add_parser(
        "list",
        parents=[cache],
        help="models in the cache, or worth knowing",
        description="Print the static models that are in the hub's cache, with revision and size.",
    )
    listing.add_argument(
        "--known", action="store_true", help="print models on the hub that are worth knowing"
    )
    listing.set_defaults(run=model_commands.list_models, wrong_usage=lambda options: None, parser=listing)
    return parser


def _wrong_encode(options: argparse.Namespace) -> str | None:
    """Say what is wrong with the usage of `encode`, if anything is."""
    if options.texts and (options.input or options.field):
        return "give texts on the command line or --input and --field, not both"
    if options.output != STANDARD_STREAM and not options.output.endswith((".npy", ".jsonl")):
        return f"argument --output: {options.output!r} ends neither in .npy nor in .jsonl, nor is it '-'"
    if options.field is None and (options.input or "").endswith((".jsonl", ".ndjson", ".json")):
        return f"argument --input: {options.input!r} is named like JSON lines; give --field, too"
    return model_commands.wrong_revision(options)


def _wrong_similarity(options: argparse.Namespace) -> str | None:
    return "give two texts or more" if len(options.texts) < 2 else model_commands.wrong_revision(options)


def _wrong_info(options: argparse.Namespace) -> str | None:
    if None not in (options.model, options.model_option):
        return "name one model only"
    return model_commands.wrong_revision(options)


def _wrong_download(options: argparse.Namespace) -> str | None:
    if options.pack is None and (options.dtype or options.dimensionality):
        return "--dtype and --dim are for --pack"
    return None


def _positive(text: str) -> int:
    if not text.isdecimal() or len(text) > 18 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from 1 up")
    return int(text)


def _token_limit(text: str) -> int | str:
    return text if text == NO_LIMIT else _positive(text)
