"""Bytes that arrive piece by piece, and what is read from them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from m2v_lite.records.batches import RecordBatch
from m2v_lite.records.byte_streams import ArrivingBytes, ByteStream
from m2v_lite.records.csv_rows import Dialect, csv_batches
from m2v_lite.records.gathering import Limits
from m2v_lite.records.json_rows import json_array_batches, json_line_batches
from m2v_lite.records.lines import line_batches
from m2v_lite.records.policies import Policy
from m2v_lite.records.text_blocks import text_blocks

PLENTY = Limits(1 << 30, 1 << 40)
# Where the next bytes have not arrived yet.
LATER = None


class Pieces(ArrivingBytes):
    """Pieces of bytes that arrive one after the other, and errors."""

    def __init__(self, pieces: Iterable[bytes | BaseException | None]) -> None:
        self.pieces = list(pieces)
        self.position, self.descriptor, self.is_file = 0, -1, False

    def is_ready(self) -> bool:
        return not self.pieces or self.pieces[0] is not LATER

    def read(self, size: int) -> bytes:
        while self.pieces and not self.pieces[0]:
            self.pieces.pop(0)
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        assert piece
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        self.position += len(piece[:size])
        return piece[:size]


def stream_of(*pieces: bytes | BaseException | None, name: str = "a") -> ByteStream:
    return ByteStream(Pieces(pieces), name)


def batches(
    kind: str,
    *pieces: bytes | BaseException | None,
    policy: Policy | None = None,
    column: str | None = None,
    encoding: str | None = None,
    limits: Limits = PLENTY,
    dialect: Dialect | None = None,
) -> Iterator[RecordBatch]:
    """Yield what is read from pieces of bytes, as a file "a"."""
    stream = stream_of(*pieces)
    policy = policy or Policy()
    if kind == "json":
        return json_array_batches(stream, column, policy, limits)
    blocks = text_blocks(stream, encoding)
    if kind == "csv":
        return csv_batches(blocks, stream.name, column, dialect or Dialect(), policy, limits)
    if kind == "jsonl":
        return json_line_batches(blocks, stream.name, column, policy, limits)
    return line_batches(blocks, policy, limits)


def texts(kind: str, *pieces: bytes | BaseException | None, **options: Any) -> list[str]:
    return [text for batch in batches(kind, *pieces, **options) for text in batch.texts]


def numbers(kind: str, *pieces: bytes | BaseException | None, **options: Any) -> list[int]:
    return [number for batch in batches(kind, *pieces, **options) for number in batch.places.numbers]


def content(found: Iterable[RecordBatch]) -> bytes:
    return b"".join(batch.rows.content() for batch in found)


def arrivals(found: Iterable[RecordBatch], raw: Pieces) -> list[tuple[list[str], int]]:
    """Return the texts of each batch, and how many pieces had not been read when it came."""
    return [(batch.texts, len(raw.pieces)) for batch in found]


def texts_before(error: type[BaseException], found: Iterator[RecordBatch]) -> tuple[list[str], str]:
    """Return the texts that come before an error, and its message."""
    before: list[str] = []
    with pytest.raises(error) as raised:
        before += (text for batch in found for text in collected(batch, before))
    return before, str(raised.value)


def collected(batch: RecordBatch, into: list[str]) -> list[str]:
    into += batch.texts
    return []


@contextmanager
def opened(path: Path) -> Iterator[ByteStream]:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        yield ByteStream(ArrivingBytes(descriptor), str(path))
    finally:
        os.close(descriptor)


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes | BaseException | None]:
    """Return data in pieces, with a wait after most of them."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    pieces: list[bytes | BaseException | None] = []
    for start, end in pairwise(places):
        pieces += [data[start:end], LATER] if start % 3 else [data[start:end]]
    return pieces
