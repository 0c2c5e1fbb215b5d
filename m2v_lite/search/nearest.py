"""Finds the chunks whose vectors have the largest dot products with a query's vector.

Up to `COMPARED` chunks, all rows are compared, block by block. In a larger index, the bits of the rows decide
which rows are compared; see `candidates`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from m2v_lite.search.bits import distances, query_bits
from m2v_lite.search.compact import scores
from m2v_lite.search.vector_blocks import (
    Block,
    Layout,
    Rows,
    bits_of,
    blocks,
    blocks_with,
    rows_at,
    rows_left,
    rows_of,
)

# So many rows are compared without a choice by bits.
COMPARED = 50_000
# Bits choose so many rows, or so many for each chunk that is wanted, or one in so many: with these, they miss
# less than one in a hundred of the ten nearest, of 100,000 as of 1,000,000 texts.
CHOSEN, CHOSEN_FOR_EACH, CHOSEN_OF = 1000, 20, 128
# Rows are multiplied so many at a time, which bounds the memory.
STEP = 1024
# Of a block, rows are read one by one where less than one in so many is compared.
FEW = 8


class Found(NamedTuple):
    """Chunks, the best first.

    Attributes:
        chunks: (found,), their numbers.
        scores: (found,), how good each is.
    """

    chunks: NDArray[np.int64]
    scores: NDArray[np.float32]


NOTHING = Found(np.zeros(0, np.int64), np.zeros(0, np.float32))


def joined(one: Found, other: Found) -> Found:
    """Return the chunks of both, in no order."""
    return Found(np.concatenate([one.chunks, other.chunks]), np.concatenate([one.scores, other.scores]))


def nearest(
    connection: sqlite3.Connection,
    query: NDArray[np.float32],
    limit: int,
    layout: Layout,
    allowed: NDArray[np.int64] | None = None,
) -> Found:
    """Return the nearest chunks.

    Args:
        connection: one that reads, or writes.
        query: (columns,), a unit vector.
        limit: how many chunks to return at most.
        layout: what the rows are like.
        allowed: the numbers of the chunks to choose from, sorted; None for all.
    """
    number = rows_left(connection) if allowed is None else len(allowed)
    if number > COMPARED:
        wanted = max(CHOSEN, CHOSEN_FOR_EACH * limit, number // CHOSEN_OF)
        compared = _rows_at(connection, layout, candidates(connection, query, wanted, layout, allowed))
    else:
        compared = _rows_of_blocks(connection, layout, allowed)
    best = NOTHING
    for chunks, rows in compared:
        best = _best(best, Found(chunks, scores(rows.numbers, rows.scales, query)), limit)
    return best


class Places(NamedTuple):
    """Where the rows of some chunks are.

    Attributes:
        chunks: (chunks,), their numbers, which grow.
        positions: (chunks,), the positions of their rows.
    """

    chunks: NDArray[np.int64]
    positions: NDArray[np.int64]


def candidates(
    connection: sqlite3.Connection,
    query: NDArray[np.float32],
    wanted: int,
    layout: Layout,
    allowed: NDArray[np.int64] | None = None,
) -> Places:
    """Return the chunks whose bits differ least from those of a query.

    Args:
        connection, query, layout, allowed: as for `nearest`.
        wanted: how many chunks to return. There are more if some differ as little as the last of them.
    """
    chunks, positions, differing = [NOTHING.chunks], [NOTHING.chunks], [np.zeros(0, np.uint16)]
    bits = query_bits(query)
    most = bits.most
    counts = np.zeros(most + 1, np.intp)
    for block in blocks(connection):
        apart = distances(bits_of(connection, layout, block), bits)
        places = _places(block, allowed)
        near = places[apart[places] <= most]
        chunks.append(block.chunks[near])
        positions.append(near + block.number * layout.block)
        differing.append(apart[near])
        counts += np.bincount(apart[near], minlength=len(counts))
        most = min(most, int(np.searchsorted(counts.cumsum(), wanted)))
    kept = np.concatenate(differing) <= most
    return Places(np.concatenate(chunks)[kept], np.concatenate(positions)[kept])


def _rows_of_blocks(
    connection: sqlite3.Connection, layout: Layout, allowed: NDArray[np.int64] | None
) -> Iterator[tuple[NDArray[np.int64], Rows]]:
    """Yield the rows of all blocks whose chunks are not gone, and are allowed, with these."""
    every = ((block, _places(block, None)) for block in blocks(connection))
    for block, places in every if allowed is None else blocks_with(connection, allowed):
        chunks = block.chunks[places]
        if FEW * len(places) < len(block.chunks):
            yield from _rows_at(connection, layout, Places(chunks, places + block.number * layout.block))
            continue
        rows = rows_of(connection, layout, block)
        for start in range(0, len(places), STEP):
            some = places[start : start + STEP]
            # Mostly all are there: then nothing is copied.
            part = slice(start, start + len(some)) if len(places) == len(block.chunks) else some
            yield chunks[start : start + STEP], Rows(rows.numbers[part], rows.scales[part])


def _rows_at(
    connection: sqlite3.Connection, layout: Layout, places: Places
) -> Iterator[tuple[NDArray[np.int64], Rows]]:
    """Yield the rows at some places, with their chunks."""
    for start in range(0, len(places.chunks), STEP):
        part = slice(start, start + STEP)
        yield places.chunks[part], rows_at(connection, layout, places.positions[part])


def _places(block: Block, allowed: NDArray[np.int64] | None) -> NDArray[np.intp]:
    """Return the places in a block of the chunks that are not gone, and are allowed."""
    if allowed is None:
        return np.flatnonzero(block.chunks > 0)
    return np.flatnonzero(np.isin(block.chunks, allowed, assume_unique=True))


def _best(best: Found, found: Found, limit: int) -> Found:
    """Return the best of two, of which the second has larger numbers. Of equal ones, the first stays."""
    if len(best.chunks) == limit:
        better = np.flatnonzero(found.scores > best.scores[-1])
        if not len(better):
            return best
        found = Found(found.chunks[better], found.scores[better])
    chunks, values = joined(best, found)
    if len(values) > 4 * limit:
        kept = np.flatnonzero(values >= np.partition(values, -limit)[-limit])
        chunks, values = chunks[kept], values[kept]
    order = np.lexsort((chunks, -values))[:limit]
    return Found(chunks[order], values[order])
