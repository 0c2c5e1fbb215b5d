"""A query's vector -> the chunks whose vectors have the largest dot products with it."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from m2v_lite.search.compact import scores
from m2v_lite.search.vector_blocks import blocks, rows_of

# Rows are multiplied so many at a time, which bounds the memory.
STEP = 1024


class Found(NamedTuple):
    """Chunks, the best first.

    Attributes:
        chunks: (found,), their numbers.
        scores: (found,), how good each is.
    """

    chunks: NDArray[np.int64]
    scores: NDArray[np.float32]


NOTHING = Found(np.zeros(0, np.int64), np.zeros(0, np.float32))


def nearest(
    connection: sqlite3.Connection,
    query: NDArray[np.float32],
    limit: int,
    dtype: np.dtype[Any],
    allowed: NDArray[np.int64] | None = None,
) -> Found:
    """Return the nearest chunks.

    Args:
        connection: one that reads, or writes.
        query: (columns,), a unit vector.
        limit: how many chunks to return at most.
        dtype: the dtype of the rows.
        allowed: the numbers of the chunks to choose from, sorted; None for all.
    """
    best = NOTHING
    for block in list(blocks(connection)):
        places = _places(block.chunks, allowed)
        if not len(places):
            continue
        rows, scales = rows_of(connection, block.number, dtype, len(query), len(block.chunks))
        for start in range(0, len(places), STEP):
            some = places[start : start + STEP]
            # Mostly all are there: then nothing is copied.
            part = slice(start, start + len(some)) if len(places) == len(rows) else some
            best = _best(best, Found(block.chunks[part], scores(rows[part], scales[part], query)), limit)
    return best


def _places(chunks: NDArray[np.int64], allowed: NDArray[np.int64] | None) -> NDArray[np.intp]:
    """Return the places of the chunks that are not gone, and are allowed."""
    if allowed is None:
        return np.flatnonzero(chunks > 0)
    return np.flatnonzero(np.isin(chunks, allowed, assume_unique=True))


def _best(one: Found, other: Found, limit: int) -> Found:
    """Return the best of two. Of equal ones, those of smaller numbers come first."""
    chunks = np.concatenate([one.chunks, other.chunks])
    found = np.concatenate([one.scores, other.scores])
    if len(found) > 4 * limit:
        least = np.partition(found, -limit)[-limit]
        kept = np.flatnonzero(found >= least)
        chunks, found = chunks[kept], found[kept]
    order = np.lexsort((chunks, -found))[:limit]
    return Found(chunks[order], found[order])
