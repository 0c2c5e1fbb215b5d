"""Stores unit vectors as small rows of bytes, and computes their dot products with a query.

Each int8 row has its own scale, so that its largest number becomes 127. The error of the cosine of a row and
a query is then at most a few thousandths.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# How the vectors of an index are kept.
PRECISIONS: dict[str, np.dtype[Any]] = {"int8": np.dtype(np.int8), "float32": np.dtype(np.float32)}
LARGEST = 127


def compacted(vectors: NDArray[np.float32], precision: str) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return vectors in a precision, and the scale of each row.

    Args:
        vectors: (rows, columns).
        precision: one of `PRECISIONS`.

    Examples:
        >>> rows, scales = compacted(np.array([[0.6, -0.8]], np.float32), "int8")
        >>> rows, (rows * scales[:, None]).round(3)
        (array([[  95, -127]], dtype=int8), array([[ 0.598, -0.8  ]], dtype=float32))
    """
    if precision != "int8":
        return vectors, np.ones(len(vectors), np.float32)
    largest = np.abs(vectors).max(axis=1, initial=0)
    scales = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(LARGEST)
    return np.rint(vectors / scales[:, None]).astype(np.int8), scales


def scores(
    rows: NDArray[Any], scales: NDArray[np.float32], query: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the dot product of each row and a query, (rows,).

    Args:
        rows: (rows, columns), int8 or float32.
        scales: (rows,).
        query: (columns,).
    """
    with np.errstate(all="ignore"):  # a damaged file may hold any numbers
        products: NDArray[np.float32] = rows.astype(np.float32, copy=False) @ query
        return products * scales
