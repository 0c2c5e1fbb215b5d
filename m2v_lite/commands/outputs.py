"""Chooses the writer of a file or of standard output from the options of a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from m2v_lite import __version__
from m2v_lite.commands.loaded import files_of
from m2v_lite.commands.output_suffixes import suffix_of
from m2v_lite.errors import InputValueError
from m2v_lite.loading import fingerprint
from m2v_lite.records.batches import RecordBatch
from m2v_lite.records.writing.json_lines_file import JsonLinesWriter
from m2v_lite.records.writing.npy_file import NpyWriter
from m2v_lite.records.writing.partial_file import ConvertingWriter, Done, VectorWriter, write_whole

if TYPE_CHECKING:
    from m2v_lite.model import StaticModel


def writer_of(
    options: argparse.Namespace, model: StaticModel, with_source: bool
) -> VectorWriter | ConvertingWriter:
    """Return what makes the bytes of a file."""
    suffix = suffix_of(options.output)
    nothing = model.encode([], precision=options.precision)
    if suffix == ".npy":
        return NpyWriter(nothing.shape[1], nothing.dtype)
    if suffix in (".jsonl", ".ndjson"):
        return json_writer(options, with_source)
    from m2v_lite.records.writing.arrow_file import ArrowWriter

    format = "parquet" if suffix == ".parquet" else "arrow"
    return ArrowWriter(format, nothing.shape[1], nothing.dtype, with_source)


def json_writer(options: argparse.Namespace, with_source: bool) -> JsonLinesWriter:
    """Return what makes JSON Lines."""
    return JsonLinesWriter(options.vectors == "base64", with_source)


def job_of(options: argparse.Namespace, model: StaticModel, with_source: bool) -> dict[str, Any]:
    """Return what must be the same if a later run is to go on with an output."""
    return {
        "version": __version__,
        "kind of output": suffix_of(options.output),
        "model": fingerprint(files_of(model)),
        "--dim": model.dim,
        "--max-length": model.max_length,
        "--normalize": model.normalize,
        "--precision": options.precision,
        "--vectors": options.vectors,
        "--source": with_source,
        "--format": options.format,
        "--column": options.column,
        "--no-header": options.no_header,
        "--delimiter": options.delimiter,
        "--encoding": options.encoding,
    }


class StandardOutput:
    """Standard output in the place of a file. What is written leaves at once."""

    kept = ""

    def __init__(self, writer: VectorWriter) -> None:
        if sys.stdout is None:
            raise InputValueError("standard output is closed; name a file with --output")
        sys.stdout.flush()
        # A buffer of Python 3.11 loses what is left of a long write that a signal has interrupted.
        self._file = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        self._writer = writer
        self.done = Done()

    def __enter__(self) -> StandardOutput:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def remaining(self, batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:
        return batches

    def write(self, batch: RecordBatch, vectors: Any, cut: int) -> None:
        for part in self._writer.parts(batch, vectors):
            write_whole(self._file, part)
        self.done = Done(self.done.records + len(batch.texts), cut=self.done.cut + cut)

    def finish(self) -> None:
        """Nothing is left to do."""
