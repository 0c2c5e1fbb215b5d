"""Reduces each vector to one bit per number, and counts how many bits of two rows differ.

In general, the fewer bits differ, the smaller the angle between two vectors. Source: Charikar, Similarity
Estimation Techniques from Rounding Algorithms, STOC 2002.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

WORD = np.dtype(np.uint64)
# The bits of a weight, and its largest value, which stands for `SATURATED` root mean squares and more.
PLANES = (1, 2)
LARGEST_WEIGHT, SATURATED = 3, 2.0


def signs(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """Return which numbers are above zero, as bits: (words, rows), each word with the bits of 64 columns.

    Args:
        rows: (rows, columns).

    Examples:
        >>> signs(np.array([[0.6, -0.8], [0.1, 0.2]], np.float32)).shape
        (1, 2)
    """
    packed = np.packbits(rows > 0, axis=1)
    whole = np.zeros((len(rows), words_of(rows.shape[1]) * WORD.itemsize), np.uint8)
    whole[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(whole.view(WORD).T)


def words_of(columns: int) -> int:
    """Return how many words hold the bits of a row."""
    return -(-columns // (8 * WORD.itemsize))


class QueryBits(NamedTuple):
    """The bits of a query.

    Attributes:
        signs: (words, 1), as of a row.
        planes: for each of `PLANES`, the columns whose weight has it, (words, 1).
        most: how far away a row can be.
    """

    signs: NDArray[np.uint64]
    planes: list[NDArray[np.uint64]]
    most: int


def query_bits(query: NDArray[np.float32]) -> QueryBits:
    """Return the bits of a query, (columns,), with weights from 0 to `LARGEST_WEIGHT`, by size."""
    mean = max(float(np.sqrt(np.square(query).mean())), 1e-12)
    steps = np.rint(np.abs(query) / mean * (LARGEST_WEIGHT / SATURATED))
    weights = np.minimum(steps, LARGEST_WEIGHT).astype(np.uint8)
    planes = [signs((weights & plane)[None]) for plane in PLANES]
    return QueryBits(signs(query[None]), planes, int(weights.sum(dtype=np.intp)))


def distances(bits: NDArray[np.uint64], query: QueryBits) -> NDArray[np.uint16]:
    """Return how far each row is from a query, (rows,): the weights of the bits in which they differ.

    The order of rows by these is nearly that of their dot products with the query.

    Args:
        bits: (words, rows).
        query: the query.

    Examples:
        >>> rows = np.array([[1, 1, 1], [1, 1, -1], [-1, -1, -1]])
        >>> distances(signs(rows), query_bits(np.array([0.1, 0.4, 0.5], np.float32)))
        array([0, 2, 4], dtype=uint16)
    """
    found = np.zeros(bits.shape[1], np.uint16)
    for word, wanted, *columns in zip(bits, query.signs, *query.planes, strict=True):
        differing = word ^ wanted
        for plane, some in zip(PLANES, columns, strict=True):
            found += ones(differing & some) * np.uint8(plane)
    return found


if hasattr(np, "bitwise_count"):

    def ones(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return how many bits of each word are set."""
        counts: NDArray[np.uint8] = np.bitwise_count(words)
        return counts

else:  # numpy 1
    ONES = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8)).reshape(-1, 16).sum(axis=1)
    ONES = ONES.astype(np.uint8)

    def ones(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return how many bits of each word are set."""
        counts: NDArray[np.uint8] = ONES[words.view(np.uint16)].reshape(-1, 4).sum(axis=1, dtype=np.uint8)
        return counts
