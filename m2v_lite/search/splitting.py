"""Splits a file into chunks, or says why it cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, islice

from m2v_lite.encoding.batches import BATCH_CHARACTERS, BATCH_TEXTS
from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.records.batches import TextRows
from m2v_lite.records.gathering import Limits
from m2v_lite.records.policies import Policy
from m2v_lite.records.reading import Reader
from m2v_lite.records.sources import Source
from m2v_lite.search.chunking import Chunk, Line, fixed_chunks, line_chunks, paragraph_chunks
from m2v_lite.search.discovery import rule_for
from m2v_lite.search.manner import Manner

# Where what looks like a heading is one.
PROSE = {"", ".md", ".markdown", ".rst", ".txt", ".text", ".adoc", ".org"}


class UnreadableError(Exception):
    """A file cannot be read to its end; the cause says why."""


class FileChunks:
    """The chunks of a file.

    Args:
        path: the file, or `STANDARD_STREAM`.
        manner: how it is read.
    """

    def __init__(self, path: str, manner: Manner) -> None:
        limits = Limits(BATCH_TEXTS, BATCH_CHARACTERS)
        policy = Policy(manner.errors, manner.on_missing)
        self._reader = Reader([Source(path)], manner.reading, policy, limits)
        self._chunks = _chunks(self._reader, path, manner.rule)

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self._reader.position

    def some(self, most: int) -> list[Chunk]:
        """Return the next chunks; none at the end of the file.

        Raises:
            UnreadableError: the file cannot be read.
        """
        try:
            return list(islice(self._chunks, most))
        except (InputValueError, MissingPackageError, OSError) as error:
            raise UnreadableError(str(error)) from error


def suffix_of(path: str) -> str:
    """Return the suffix of a path in lower case, such as ".md"."""
    return os.path.splitext(path)[1].lower()


def _chunks(reader: Reader, path: str, rule: str | int | None) -> Iterator[Chunk]:
    """Yield the chunks of a file. Where it has records, each is one, or several if it is long."""
    batches = (batch for batch in reader.batches() if batch.texts)
    first = next(batches, None)
    if first is None:
        return
    lines: Iterator[Line] = (
        line
        for batch in chain([first], batches)
        for line in zip(batch.places.numbers, batch.texts, strict=True)
    )
    rule = rule_for(path, rule) if isinstance(first.rows, TextRows) else "lines"
    if rule == "lines":
        yield from line_chunks(lines)
    elif rule == "paragraphs":
        yield from paragraph_chunks(lines, suffix_of(path) in PROSE)
    else:
        yield from fixed_chunks(lines, int(rule))
