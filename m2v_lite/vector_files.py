"""Batches of vectors -> a .npy or JSON Lines file, written as they come."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from m2v_lite.errors import InputValueError
from m2v_lite.records import Record

EMBEDDING_FIELD = "embedding"
NPY_HEADER_BYTES = 128


class VectorWriter(Protocol):
    """Takes batches of records and their vectors, then `finish`."""

    def write(self, records: Sequence[Record], vectors: NDArray[Any]) -> None: ...

    def finish(self) -> None: ...


class NpyWriter:
    """Writes one array of (texts, dim) in the .npy format, version 1.0 (NEP 1).

    The number of texts is known only at the end, so the header is written again then, over the first one.

    Args:
        file: a seekable binary file.
        dim: the columns of a vector.
        dtype: their dtype.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> writer = NpyWriter(file, dim=2, dtype=np.dtype(np.float32))
        >>> writer.write([], np.ones((3, 2), np.float32))
        >>> writer.finish()
        >>> np.load(io.BytesIO(file.getvalue())).shape
        (3, 2)
    """

    def __init__(self, file: BinaryIO, dim: int, dtype: np.dtype[Any]) -> None:
        self._file, self._dim, self._dtype, self._texts = file, dim, dtype, 0
        self._write_header()

    def write(self, records: Sequence[Record], vectors: NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(vectors).data)
        self._texts += len(vectors)

    def finish(self) -> None:
        self._file.seek(0)
        self._write_header()

    def _write_header(self) -> None:
        header = {
            "descr": self._dtype.str,
            "fortran_order": False,
            "shape": (self._texts, self._dim),
        }
        magic = b"\x93NUMPY\x01\x00"
        text = repr(header).ljust(NPY_HEADER_BYTES - len(magic) - 3) + "\n"
        self._file.write(magic + struct.pack("<H", len(text)) + text.encode("ascii"))


class JsonLinesWriter:
    """Writes one JSON object a text: the fields of its record, and its vector as `embedding`.

    Numbers are as short as they can be and still give the same float32 when read. JSON has no name for NaN
    and infinity: they become null.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, records: Sequence[Record], vectors: NDArray[Any]) -> None:
        lines = []
        for record, vector in zip(records, vectors, strict=True):
            if EMBEDDING_FIELD in record.fields:
                raise InputValueError(
                    f"a record has a field {EMBEDDING_FIELD!r} already, which would be lost; rename it, "
                    "or write to a .npy file"
                )
            fields = {**record.fields, EMBEDDING_FIELD: list(_numbers(vector))}
            # ASCII, so that U+2028 ends no line and a lone surrogate in some other field passes through.
            lines.append(json.dumps(fields) + "\n")
        self._file.write("".join(lines).encode("ascii"))

    def finish(self) -> None:
        self._file.flush()


def _numbers(vector: NDArray[Any]) -> Iterator[float | None]:
    # 9 and 17 significant digits tell all float32 and float64 numbers apart.
    digits = 17 if vector.dtype == np.float64 else 9
    for number in vector.tolist():
        yield float(f"{number:.{digits}g}") if math.isfinite(number) else None
