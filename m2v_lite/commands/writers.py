"""Batches of vectors -> a .npy or JSON Lines file, written batch by batch."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from m2v_lite.commands.records import Record
from m2v_lite.errors import InputValueError

EMBEDDING_FIELD = "embedding"
NPY_HEADER_BYTES = 128


class VectorWriter(Protocol):
    """Writes batches of records and their vectors. Call `finish` after the last batch."""

    def write(self, records: Sequence[Record], vectors: NDArray[Any]) -> None: ...

    def finish(self) -> None: ...


class NpyWriter:
    """Writes one array of (texts, dim) in the .npy format, version 1.0 (NEP 1).

    The number of texts is known only at the end, so `finish` writes the header again, over the first header.

    Args:
        file: a seekable binary file.
        dim: the number of columns of a vector.
        dtype: the dtype of the vectors.

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
    """Writes one JSON object per text: its record as it was, and its vector as `embedding`.

    Numbers have enough digits to give exactly the same float when read: 9 for float32. JSON has no name for
    NaN and infinity, so they become null.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, records: Sequence[Record], vectors: NDArray[Any]) -> None:
        lines = []
        for record, numbers in zip(records, _numbers(vectors), strict=True):
            if EMBEDDING_FIELD in record.fields:
                raise InputValueError(
                    f"{record.place}: the record already has a field {EMBEDDING_FIELD!r}; rename that field, "
                    "or write to a .npy file"
                )
            fields = record.json.removesuffix("}").rstrip()
            lines.append(f'{fields}, "{EMBEDDING_FIELD}": [{numbers}]}}\n')
        self._file.write("".join(lines).encode())

    def finish(self) -> None:
        self._file.flush()


def _numbers(vectors: NDArray[Any]) -> Iterator[str]:
    """Yield the numbers of each vector as JSON."""
    # 9 significant digits tell all float32 numbers apart, and 17 all float64 numbers.
    written = ("%.17g" if vectors.dtype == np.float64 else "%.9g").__mod__
    finite = np.isfinite(vectors).all(axis=1)
    for vector, is_finite in zip(vectors.tolist(), finite.tolist(), strict=True):
        if is_finite:
            yield ", ".join(map(written, vector))
        else:
            yield ", ".join(written(number) if math.isfinite(number) else "null" for number in vector)
