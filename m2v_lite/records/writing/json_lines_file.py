"""Writes records as JSON Lines: each record unchanged, with its vector as `embedding`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from itertools import repeat
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from m2v_lite.records.writing.added_columns import EMBEDDING, LINE, PATH, check_names
from m2v_lite.records.writing.shortest_numbers import json_rows

if TYPE_CHECKING:
    from m2v_lite.records.batches import RecordBatch


class JsonLinesWriter:
    """Writes one JSON object per text.

    Args:
        as_base64: whether to write vectors as base64 of their bytes, the lowest first, as the API of OpenAI
            does (https://platform.openai.com/docs/api-reference/embeddings), and not as arrays of numbers.
        with_source: whether to write where each record was read, as `path` and `line`.

    Numbers have as many digits as it takes to give exactly the same number when read. JSON has no name for
    NaN and infinity, so they become null.
    """

    def __init__(self, as_base64: bool = False, with_source: bool = False) -> None:
        self._as_base64, self._with_source = as_base64, with_source

    def head(self) -> bytes:
        """Return what a new file begins with: nothing."""
        return b""

    def parts(self, batch: RecordBatch, vectors: NDArray[Any]) -> Sequence[bytes]:
        """Return what is appended for a batch.

        Raises:
            InputValueError: a record already has a field of a name that is to be written.
        """
        check_names(batch, (EMBEDDING, PATH, LINE) if self._with_source else (EMBEDDING,))
        rows = _base64_rows(vectors) if self._as_base64 else json_rows(vectors)
        objects = batch.rows.json_objects()
        parts = []
        for place, text, vector in zip(self._places(batch), objects, rows, strict=True):
            fields = text[1:-1].strip()
            between = ", " if fields else ""
            parts.append(f'{{{place}{fields}{between}"{EMBEDDING}": '.encode())
            parts.append(vector)
            parts.append(b"}\n")
        return [b"".join(parts)]

    def finish(self, file: BinaryIO, texts: int) -> None:
        """Complete a file: there is nothing to add."""

    def _places(self, batch: RecordBatch) -> Iterator[str]:
        """Yield the fields that say where each record was read, to stand before others."""
        if not self._with_source:
            return repeat("", len(batch.texts))
        path = f'"{PATH}": {encode_basestring_ascii(batch.places.path)}, "{LINE}": '
        return (f"{path}{number}, " for number in batch.places.numbers)


def _base64_rows(vectors: NDArray[Any]) -> Iterator[bytes]:
    lowest_first = np.ascontiguousarray(vectors, vectors.dtype.newbyteorder("<"))
    return (b'"' + base64.b64encode(vector.tobytes()) + b'"' for vector in lowest_first)
