"""Reads batches of records from one file after another, as the options say."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from m2v_lite.disk import kind_of
from m2v_lite.errors import InputValueError
from m2v_lite.records.batches import RecordBatch, nothing_yet, text_batches
from m2v_lite.records.byte_streams import ArrivingBytes, ByteStream, Wait
from m2v_lite.records.csv_rows import Dialect, csv_batches
from m2v_lite.records.file_formats import (
    STANDARD_STREAM,
    NotTextError,
    columnar_format,
    format_by_name,
    marked_encoding,
)
from m2v_lite.records.gathering import Limits
from m2v_lite.records.json_rows import json_array_batches, json_line_batches
from m2v_lite.records.lines import line_batches
from m2v_lite.records.policies import Policy
from m2v_lite.records.sources import Source
from m2v_lite.records.text_blocks import text_blocks


class Reading(NamedTuple):
    """How files are read.

    Attributes:
        format: one of `file_formats.FORMATS`; None to tell it from the name and the first bytes.
        column: the column or field with the texts; None for the only one, or the one named "text". With
            it, text is taken for JSON Lines.
        has_header: whether the first row of a CSV or TSV file names the columns. If not, text is taken for
            CSV.
        delimiter: what is between the fields of a CSV file; None for what its format says. With it, text is
            taken for CSV.
        encoding: the encoding of text without a byte order mark; None for UTF-8.
    """

    format: str | None = None
    column: str | None = None
    has_header: bool = True
    delimiter: str | None = None
    encoding: str | None = None


class Reader:
    """Reads files, and knows how far it is.

    Args:
        sources: the files.
        reading: how they are read.
        policy: what to do about bad bytes and missing texts.
        limits: when a batch is full.
        size: the size of all files in bytes, if it is known.
        wait: called before bytes are read; see `ArrivingBytes`.

    Attributes:
        files: how many files there are.
        size: their size in bytes, if it is known.
        left_out: how many files in folders were left out, because they are not text.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        reading: Reading,
        policy: Policy,
        limits: Limits,
        size: int | None = None,
        wait: Wait | None = None,
    ) -> None:
        self._sources, self._reading, self._policy, self._limits = sources, reading, policy, limits
        self._wait = wait
        self.files, self.size = len(sources), size
        self._bytes: ArrivingBytes | None = None
        self._bytes_before = 0
        self.left_out = 0

    def batches(self) -> Iterator[RecordBatch]:
        """Yield the records of all files, and a batch of none before waiting for more.

        Raises:
            InputValueError: a file is not as it should be.
            MissingPackageError: a package that reads it is missing.
            OSError: a file cannot be read.
        """
        for source in self._sources:
            with _opened(source) as descriptor:
                self._bytes = raw = ArrivingBytes(descriptor, self._wait)
                try:
                    if not raw.is_ready():
                        yield nothing_yet(source.name)
                    stream = ByteStream(raw, source.name)
                    yield from _batches(stream, self._reading, self._policy, self._limits)
                except NotTextError:
                    if source.is_named:
                        raise
                    self.left_out += 1
                finally:
                    self._bytes = None
                    self._bytes_before += raw.position

    @property
    def position(self) -> int:
        """How many bytes have been read, before decompression."""
        return self._bytes_before + (0 if self._bytes is None else self._bytes.position)

    def fileno(self) -> int:
        """Return the descriptor that is being read; for who has come upon a batch of none."""
        assert self._bytes is not None
        return self._bytes.descriptor


class GivenTexts:
    """Texts that were given one by one, in the place of files.

    Args:
        texts: the texts.
        policy: what to do about bad bytes in them.
        size: the most texts of a batch.
    """

    files = left_out = position = 0
    size: int | None = None

    def __init__(self, texts: list[str], policy: Policy, size: int) -> None:
        self._texts, self._policy, self._most = texts, policy, size

    def batches(self) -> Iterator[RecordBatch]:
        """Yield all texts.

        Raises:
            InputValueError: the policy says so.
        """
        texts = []
        for number, text in enumerate(self._texts, 1):
            readable = self._policy.readable(text, partial("text {}".format, number), "UTF-8")
            if readable is not None:
                texts.append(readable)
        yield from text_batches(texts, self._most)


@contextmanager
def _opened(source: Source) -> Iterator[int]:
    """Yield a descriptor of a file. That of standard input stays open."""
    if source.path == STANDARD_STREAM:
        if sys.stdin is None:
            raise InputValueError("standard input is closed; give texts, or a file with --input")
        yield sys.stdin.fileno()
        return
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    if kind_of(source.path) == "a pipe":
        flags |= getattr(os, "O_NONBLOCK", 0)  # else this waits for a writer, and no signal ends that
    descriptor = os.open(source.path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _batches(stream: ByteStream, reading: Reading, policy: Policy, limits: Limits) -> Iterator[RecordBatch]:
    """Yield the records of one file."""
    format = reading.format or _format_of(stream, reading)
    if format in ("parquet", "arrow"):
        from m2v_lite.records.arrow_rows import arrow_batches

        yield from arrow_batches(stream, format, reading.column, policy, limits)
        return
    if format == "json":
        yield from json_array_batches(stream, reading.column, policy, limits)
        return
    blocks = text_blocks(stream, reading.encoding)
    if format in ("csv", "tsv"):
        delimiter = reading.delimiter or ("\t" if format == "tsv" else ",")
        dialect = Dialect(delimiter, reading.has_header)
        yield from csv_batches(blocks, stream.name, reading.column, dialect, policy, limits)
    elif format == "jsonl":
        yield from json_line_batches(blocks, stream.name, reading.column, policy, limits)
    else:
        yield from line_batches(blocks, policy, limits)


def _format_of(stream: ByteStream, reading: Reading) -> str:
    """Return the format of a file, by its first bytes and its name, and else by what is said of it."""
    head = stream.peek()
    format = columnar_format(head) or format_by_name(stream.name) or "text"
    if format == "text" and (reading.delimiter is not None or not reading.has_header):
        return "csv"
    if format == "text" and reading.column is not None:
        return "jsonl"
    if format == "json":
        _, mark = marked_encoding(head)
        if head[mark:].lstrip().startswith(b"{"):
            return "jsonl"
    return format
