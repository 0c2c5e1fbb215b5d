"""Writes vectors part by part to one array in the .npy format, version 1.0 (NEP 1)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from m2v_lite.records.batches import RecordBatch

HEADER_BYTES = 128
MAGIC = b"\x93NUMPY"


class NpyWriter:
    """Writes one array of (texts, dim).

    The number of texts is known only at the end, so `finish` writes the header again, over the first one.

    Args:
        dim: the number of columns of a vector.
        dtype: the dtype of the vectors.

    Examples:
        >>> import io
        >>> writer = NpyWriter(2, np.dtype(np.float32))
        >>> file = io.BytesIO(writer.head())
        >>> _ = file.seek(0, io.SEEK_END), [file.write(part) for part in writer.parts(None, np.ones((3, 2)))]
        >>> writer.finish(file, 3)
        >>> np.load(io.BytesIO(file.getvalue())).shape
        (3, 2)
    """

    def __init__(self, dim: int, dtype: np.dtype[Any]) -> None:
        self._dim, self._dtype = dim, dtype

    def head(self) -> bytes:
        """Return what a new file begins with."""
        return self._header(0)

    def parts(self, batch: RecordBatch | None, vectors: NDArray[Any]) -> Sequence[Any]:
        """Return what is appended for a batch."""
        return [np.ascontiguousarray(vectors, self._dtype).reshape(-1).view(np.uint8).data]

    def finish(self, file: BinaryIO, texts: int) -> None:
        """Complete a file of so many texts."""
        file.seek(0)
        file.write(self._header(texts))

    def _header(self, texts: int) -> bytes:
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (texts, self._dim)}
        text = repr(header).ljust(HEADER_BYTES - len(MAGIC) - 5) + "\n"
        return MAGIC + b"\x01\x00" + struct.pack("<H", len(text)) + text.encode("ascii")
